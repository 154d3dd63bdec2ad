"""Relay connections over keyset pages (Cursor Connections Specification): `nodes` is the short way past `edges`."""

from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from db import paging
from db.paging import Page, Window
from loaders.by_parent import children
from resolvers.context import Context

T = TypeVar("T")
Info = strawberry.Info[Context, None]

First = Annotated[int | None, strawberry.argument(description="So many from the beginning: 1 to 100, by default 20.")]
After = Annotated[str | None, strawberry.argument(description="Only what comes after this cursor of the same list.")]
Last = Annotated[int | None, strawberry.argument(description="So many from the end, instead of `first`: 1 to 100.")]
Before = Annotated[str | None, strawberry.argument(description="Only what comes before this cursor of the same list.")]


def window(first: int | None, after: str | None, last: int | None, before: str | None) -> Window:
    """Return the page that the four arguments ask for, each of which may be left out; raise InvalidLimit."""
    return paging.window(first=given(first), after=given(after), last=given(last), before=given(before))


def given(value: T | None) -> T | None:
    """Return an argument, None where it was left out."""
    return None if value is strawberry.UNSET else value


@dataclass(frozen=True, slots=True)
class RowInPage:
    """An edge's source: its cursor is worked out only where it is asked for."""

    page: Page[Any]
    node: Any


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    """The source is a page."""

    @strawberry.field(description="Whether there is more after this page.")
    def has_next_page(self: strawberry.Parent[Page[Any]]) -> bool:
        """Known from one row more than was asked for."""
        return self.has_next

    @strawberry.field(description="Whether there is more before this page.")
    def has_previous_page(self: strawberry.Parent[Page[Any]]) -> bool:
        """Known likewise, or from the cursor that the page begins after."""
        return self.has_previous

    @strawberry.field(description="The cursor of the first edge; null without any.")
    def start_cursor(self: strawberry.Parent[Page[Any]]) -> str | None:
        """Where to go back from."""
        return self.start_cursor

    @strawberry.field(description="The cursor of the last edge; null without any.")
    def end_cursor(self: strawberry.Parent[Page[Any]]) -> str | None:
        """Where to go on from."""
        return self.end_cursor


@strawberry.type(description="An item of a list, and its place there.")
class Edge(Generic[T]):
    """The source is a row in its page."""

    node: T = strawberry.field(description="The item.")

    @strawberry.field(description="Opaque; good for `after` and `before` in this very list, sort and filter.")
    def cursor(self: strawberry.Parent[RowInPage]) -> str:
        """The row's key, signed."""
        return self.page.cursor(self.node)


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    """The source is a page."""

    @strawberry.field(description="The items with their cursors.")
    def edges(self: strawberry.Parent[Page[Any]]) -> list[Edge[T]]:
        """In the order of the list, whichever end the page was taken from."""
        return [RowInPage(self, row) for row in self.rows]  # type: ignore[misc]  # sources, not instances

    @strawberry.field(description="The items alone.")
    def nodes(self: strawberry.Parent[Page[Any]]) -> list[T]:
        """As in `edges`."""
        return list(self.rows)

    @strawberry.field(description="Where this page lies in the list.")
    def page_info(self: strawberry.Parent[Page[Any]]) -> PageInfo:
        """The page itself."""
        return self  # type: ignore[return-value]  # the source, not an instance

    @strawberry.field(description="How many items the whole list has; counted only when asked for.")
    async def total_count(self: strawberry.Parent[Page[Any]], info: Info) -> int:
        """Counted on the primary, for all parents at once."""
        if self.listing.parent:
            return await info.context.loaders.count.load(children(self.listing))
        return await paging.count(info.context.database.primary, self.listing)
