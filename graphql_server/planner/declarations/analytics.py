"""Page views, for staff."""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, column, func, literal_column, select
from sqlalchemy import Text as TextType

from db.models import PageView, User
from db.paging import Listing
from graphql_server.planner.declarations.common import column as shown
from graphql_server.planner.declarations.common import own_or_staff, staffs
from graphql_server.planner.reads import Arguments, Items, Kind, One, Page, Reads
from resolvers import page_views

KINDS: Final[dict[str, Kind]] = {
    "PageView": Kind(PageView, "trk", lambda identity: staffs(PageView, identity), of_viewer=True),
}


def all_page_views(asked: Arguments, _: int) -> Listing[PageView]:
    """Return the list of the root field `pageViews`."""
    only = asked.get("filter") or {}
    return page_views.make_page_view_list(
        tracking_id=only.get("trackingId"),
        user_id=only.get("userId"),
        path=only.get("path"),
        occurred_from=only.get("from"),
        occurred_to=only.get("to"),
    )


def query_parameters(parent: Callable[[str], ColumnElement[Any]]) -> Select[Any]:
    """Return the statement of the pairs in a page's query."""
    elements = func.jsonb_array_elements(parent("query"))
    pairs = elements.table_valued(column("pair"), with_ordinality="place").render_derived(name="pairs")
    name, value = (pairs.c.pair.op("->>")(literal_column(place)) for place in ("0", "1"))
    return select(name.cast(TextType).label("name"), value.cast(TextType).label("value"), pairs.c.place)


FIELDS: Final[dict[tuple[str, str], Reads]] = {
    ("Query", "pageViews"): Page(all_page_views, for_staff=True),
    ("PageView", "user"): One(lambda parent: own_or_staff(User, parent("user_id"), user="id"), of_viewer=True),
    ("PageView", "query"): Items(query_parameters, keys=("place",)),
    ("QueryParameter", "name"): shown("name"),
    ("QueryParameter", "value"): shown("value"),
}
