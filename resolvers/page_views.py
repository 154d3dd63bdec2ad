"""Page views: anybody records them, staff read them."""

from datetime import datetime

from db import ids, lists, paging
from db.models import PageView
from db.paging import Listing, Page, Window
from domain import instants, page_view
from domain.page_view import NewPageView
from resolvers.context import Context


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
