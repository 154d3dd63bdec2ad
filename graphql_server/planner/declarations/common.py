"""What declarations share: rows by their ids, and who sees them."""

from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, or_
from sqlmodel import SQLModel

from db import selects
from db.models import find_table
from graphql_server.planner.reads import ById, Kind, Leaf, One

# Parameters that are the same wherever they stand in a statement.
VIEWER: Final = bindparam("viewer", type_=BigInteger)
BASE: Final = "%(base)s::text"


def by_key(model: type[SQLModel], column: str, *, hidden_too: bool = False) -> One:
    """Return how a field reads the row whose id is in a column of its parent."""
    return One(lambda parent: selects.select_row(model, parent(column), hidden_too=hidden_too))


def by_id(model: type[SQLModel], prefix: str) -> ById:
    """Return how a root field reads a row by its id."""
    return ById(lambda identity: selects.select_row(model, identity), prefix)


def everybodys(model: type[SQLModel], prefix: str) -> Kind:
    """Return a type whose rows everybody sees."""
    return Kind(model, prefix, lambda identity: selects.select_row(model, identity))


def own(model: type[SQLModel], identity: ColumnElement[int]) -> Select[Any]:
    """Return the statement of a row that nobody but its user sees."""
    return selects.select_row(model, identity).where(find_table(model).c.user_id == VIEWER)


def own_or_staff(model: type[SQLModel], identity: ColumnElement[int], *, user: str = "user_id") -> Select[Any]:
    """Return the statement of a row that nobody but its user and staff see."""
    return selects.select_row(model, identity).where(or_(find_table(model).c[user] == VIEWER, selects.is_staff(VIEWER)))


def staffs(model: type[SQLModel], identity: ColumnElement[int]) -> Select[Any]:
    """Return the statement of a row that nobody but staff see."""
    return selects.select_row(model, identity).where(selects.is_staff(VIEWER))


def column(name: str) -> Leaf:
    """Return how a field shows a column of another name."""
    return Leaf(lambda row: row[name])
