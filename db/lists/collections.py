"""Lists of collections."""

from sqlalchemy import select

from db.lists.filters import Names
from db.models import Collection, find_table
from db.ordered import Ordered
from db.paging import Listing, Value
from db.selects import list_columns

collection = find_table(Collection).c


def list_collections(user_id: int) -> Listing[Collection]:
    """Return a user's collections, newest first."""
    return Listing("collections", Collection, select_collections, {"user_id": user_id}, parent="user_id")


def select_collections(_names: Names, _sort: str, value: Value) -> Ordered:
    """Return the statement of `list_collections`; ids grow with time."""
    statement = select(*list_columns(Collection)).where(collection.user_id == value("user_id"))
    return Ordered(statement, (collection.id,), ("id",), descending=True)
