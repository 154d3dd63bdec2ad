"""Page views: anybody records them, staff read them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, Text, column, func, literal_column, select

from db import ids, lists, paging
from db.models import PageView
from db.paging import Listing, Page, Window
from domain import instants, page_view
from domain.page_view import NewPageView
from resolvers.context import Context
from resolvers.planned_reads import Arguments, Parent


async def track_page(context: Context, view: NewPageView) -> bool:
    """Return True once the page view is durable."""
    await context.services.page_views.add(page_view.check_page_view(view))
    return True


async def list_page_views(
    context: Context,
    window: Window,
    *,
    tracking_id: str | None,
    user_id: str | None,
    path: str | None,
    occurred_from: datetime | None,
    occurred_to: datetime | None,
) -> Page[PageView]:
    """Return a page of all page views, for staff."""
    await context.require_staff()
    listing = make_page_view_list(
        tracking_id=tracking_id, user_id=user_id, path=path, occurred_from=occurred_from, occurred_to=occurred_to
    )
    return await paging.read_page(context.database.primary, context.database.cursors, listing, window)


def make_page_view_list(
    *,
    tracking_id: str | None,
    user_id: str | None,
    path: str | None,
    occurred_from: datetime | None,
    occurred_to: datetime | None,
) -> Listing[PageView]:
    """Return the list of page views for these arguments; raise InvalidId or InvalidDate."""
    user = ids.expect("usr", user_id, "filter", "userId") if user_id is not None else None
    instants.check_range(occurred_from, occurred_to)
    return lists.list_page_views(
        tracking_id=tracking_id, user_id=user, path=path, occurred_from=occurred_from, occurred_to=occurred_to
    )


async def find_visible_page_view(context: Context, page_view_id: int) -> PageView | None:
    """Return a page view, for staff."""
    return await context.loaders.page_view_by_id.load(page_view_id) if await context.is_staff() else None


def bind_page_views(arguments: Arguments, _parent_id: int) -> Listing[PageView]:
    """Return the list of the root field `pageViews` for its arguments."""
    only = arguments.get("filter") or {}
    return make_page_view_list(
        tracking_id=only.get("trackingId"),
        user_id=only.get("userId"),
        path=only.get("path"),
        occurred_from=only.get("from"),
        occurred_to=only.get("to"),
    )


def select_query_parameters(parent: Parent) -> Select[Any]:
    """Return the statement of the pairs in a page's query."""
    elements = func.jsonb_array_elements(parent("query"))
    pairs = elements.table_valued(column("pair"), with_ordinality="place").render_derived(name="pairs")
    name, value = (pairs.c.pair.op("->>")(literal_column(place)) for place in ("0", "1"))
    return select(name.cast(Text).label("name"), value.cast(Text).label("value"), pairs.c.place)
