"""Relay connections over keyset pages (Cursor Connections Specification): `nodes` is a shortcut for `edges`."""

from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from db import paging
from db.paging import Page
from loaders.by_parent import make_list_key
from resolvers.context import Context
from resolvers.field_metadata import PUBLIC, declare
from resolvers.upstream_pages import UpstreamPage

T = TypeVar("T")
Info = strawberry.Info[Context, None]

First = Annotated[int | None, strawberry.argument(description="So many from the beginning: 1 to 100, by default 20.")]
After = Annotated[str | None, strawberry.argument(description="Only what comes after this cursor of the same list.")]


@dataclass(frozen=True, slots=True)
class RowInPage:
    """The source of an edge: its cursor is made only where it is selected."""

    page: Page[Any]
    node: Any


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    """The source is a page."""

    @strawberry.field(description="Whether there is more after this page.", metadata=declare(cache=PUBLIC))
    @staticmethod
    def has_next_page(root: strawberry.Parent[Page[Any]]) -> bool:
        """True where one row more than the page was found, or where the page ends before a cursor."""
        return root.has_next

    @strawberry.field(description="Whether there is more before this page.", metadata=declare(cache=PUBLIC))
    @staticmethod
    def has_previous_page(root: strawberry.Parent[Page[Any]]) -> bool:
        """True where one row more than the page was found, or where the page begins after a cursor."""
        return root.has_previous

    @strawberry.field(description="The cursor of the first edge; null without any.", metadata=declare(cache=PUBLIC))
    @staticmethod
    def start_cursor(root: strawberry.Parent[Page[Any]]) -> str | None:
        """For `before`, to read the page in front of this one."""
        return root.start_cursor

    @strawberry.field(description="The cursor of the last edge; null without any.", metadata=declare(cache=PUBLIC))
    @staticmethod
    def end_cursor(root: strawberry.Parent[Page[Any]]) -> str | None:
        """For `after`, to read the next page."""
        return root.end_cursor


@strawberry.type(description="An item of a list, and its place there.")
class Edge(Generic[T]):
    """The source is a row in its page."""

    node: T = strawberry.field(description="The item.", metadata=declare(cache=PUBLIC, cost=0))

    @strawberry.field(
        description="Opaque; good for `after` and `before` in this very list, sort and filter.",
        metadata=declare(cache=PUBLIC),
    )
    @staticmethod
    def cursor(root: strawberry.Parent[RowInPage]) -> str:
        """The row's key, signed."""
        return root.page.cursor(root.node)


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    """The source is a page."""

    @strawberry.field(description="The items with their cursors.", metadata=declare(cache=PUBLIC, per_item=True))
    @staticmethod
    def edges(root: strawberry.Parent[Page[Any]]) -> list[Edge[T]]:
        """In the order of the list, also where the page is its last one."""
        return [RowInPage(root, row) for row in root.rows]  # type: ignore[misc]  # sources, not instances

    @strawberry.field(description="The items alone.", metadata=declare(cache=PUBLIC, per_item=True))
    @staticmethod
    def nodes(root: strawberry.Parent[Page[Any]]) -> list[T]:
        """In the same order as `edges`."""
        return list(root.rows)

    @strawberry.field(description="Where this page lies in the list.", metadata=declare(cache=PUBLIC, cost=0))
    @staticmethod
    def page_info(root: strawberry.Parent[Page[Any]]) -> PageInfo:
        """The page itself."""
        return root  # type: ignore[return-value]  # the source, not an instance

    @strawberry.field(
        description="How many items the whole list has; counted only when asked for.",
        metadata=declare(cache=PUBLIC, cost=1),
    )
    @staticmethod
    async def total_count(root: strawberry.Parent[Page[Any] | UpstreamPage[Any]], info: Info) -> int:
        """Counted in the source of the list, for all parents at once; a third party's list has its own count."""
        if isinstance(root, UpstreamPage):
            return root.total
        loaders, listing = info.context.loaders, root.listing
        if listing.parent:
            return await loaders.count(listing.model).load(make_list_key(listing))
        return await paging.count_rows(loaders.source_of(listing.model), listing)
