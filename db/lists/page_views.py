"""Lists of page views."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import ColumnElement, DateTime, Text, and_, cast, func, select

from db.lists.filters import VARIED, Names
from db.models import PageView, find_table
from db.ordered import Ordered
from db.paging import Listing, Value
from db.selects import list_columns

page_view = find_table(PageView).c


def list_page_views(
    *,
    tracking_id: str | None = None,
    user_id: int | None = None,
    path: str | None = None,
    occurred_from: datetime | None = None,
    occurred_to: datetime | None = None,
) -> Listing[PageView]:
    """Return the page views, newest first; both bounds are included."""
    values = {
        "tracking_id": tracking_id,
        "user_id": user_id,
        "path": path,
        "occurred_from": occurred_from,
        "occurred_to": occurred_to,
    }
    return Listing("page views", PageView, select_page_views, values)


def select_page_views(names: Names, _sort: str, value: Value) -> Ordered:
    """Return the statement of `list_page_views`."""
    conditions: dict[str, Callable[[], ColumnElement[bool]]] = {
        "tracking_id": lambda: page_view.tracking_id == value("tracking_id"),
        "user_id": lambda: page_view.user_id == value("user_id"),
        # The index has the digest; the second condition compares the path itself.
        "path": lambda: and_(
            func.md5(page_view.path) == func.md5(cast(value("path"), Text)), page_view.path == value("path")
        ),
        "occurred_from": lambda: page_view.occurred_at >= cast(value("occurred_from"), DateTime(timezone=True)),
        "occurred_to": lambda: page_view.occurred_at <= cast(value("occurred_to"), DateTime(timezone=True)),
    }
    statement = select(*list_columns(PageView)).where(*(conditions[name]() for name in sorted(names)))
    keys = (page_view.occurred_at, page_view.id)
    return Ordered(statement, keys, ("occurred_at", "id"), descending=True, varied=bool(names & VARIED))
