"""How a planned field reads its value in SQL, and which callers see a row: what a declaration may say of both.

Fields and types declare it in schema/, and graphql_server/planner/ writes the statement. docs/planner.md lists the forms.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, or_
from sqlmodel import SQLModel

from db import ids, selects
from db.json_text import Row
from db.models import find_table
from db.paging import Listing

# Parameters that are the same wherever they stand in a statement.
VIEWER: Final = bindparam("viewer", type_=BigInteger)
BASE: Final = "%(base)s::text"

# Arguments of a field under their names in the schema, coerced.
Arguments = Mapping[str, Any]
# Returns the SQL of a column of the parent's row.
Parent = Callable[[str], ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class SqlValue:
    """A scalar. `write` gets the row and returns the SQL of the value, or of its JSON text where `is_text`."""

    write: Callable[[Row], str]
    is_text: bool = False
    # Whether it is never read from a standby.
    newest: bool = False


@dataclass(frozen=True, slots=True)
class GlobalId:
    """The id of a row, spelled with the prefix of its type."""

    prefix: str


@dataclass(frozen=True, slots=True)
class SameRow:
    """An object that is made of its parent's own row; null where the column `unless_null` is."""

    unless_null: str | None = None


@dataclass(frozen=True, slots=True)
class OneRow:
    """Another row. `statement` reads it; it gets SQL that reads columns of the parent's row."""

    statement: Callable[[Parent], Select[Any]]
    # Whether an anonymous caller has none.
    of_viewer: bool = False


@dataclass(frozen=True, slots=True)
class ManyRows:
    """A list of rows that is no connection, in the order of `keys`."""

    statement: Callable[[Parent], Select[Any]]
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListPage:
    """A connection. `bind` returns the list for its arguments and the parent's id, which is 0 where there is no parent."""

    bind: Callable[[Arguments, int], Listing[Any]]
    # Whether its parent is a user, and nobody else sees the list.
    is_private: bool = False
    # Whether everybody but staff is refused.
    for_staff: bool = False


@dataclass(frozen=True, slots=True)
class RowById:
    """A root field that finds a row by its argument `id`."""

    statement: Callable[[ColumnElement[int]], Select[Any]]
    prefix: str
    # Whether an anonymous caller has none.
    of_viewer: bool = False
    # Whether everybody but staff is refused.
    for_staff: bool = False


@dataclass(frozen=True, slots=True)
class ViewerRow:
    """The root field of the signed-in user."""


@dataclass(frozen=True, slots=True)
class NodeRow:
    """The root fields `node` and `nodes`."""

    is_list: bool = False


Reads = SqlValue | GlobalId | SameRow | OneRow | ManyRows | ListPage | RowById | ViewerRow | NodeRow


@dataclass(frozen=True, slots=True)
class Visibility:
    """Which callers see a row by its id. `select` returns the statement that reads it for those."""

    select: Callable[[type[SQLModel], ColumnElement[int]], Select[Any]]
    # Whether an anonymous caller sees none.
    of_viewer: bool = True


def select_own(model: type[SQLModel], identity: ColumnElement[int]) -> Select[Any]:
    """Return the statement of a row that nobody but its user sees."""
    return selects.select_row(model, identity).where(find_table(model).c.user_id == VIEWER)


def select_own_or_staff(model: type[SQLModel], identity: ColumnElement[int], *, user: str = "user_id") -> Select[Any]:
    """Return the statement of a row that nobody but its user and staff see; `user` is the column of the user's id."""
    return selects.select_row(model, identity).where(
        or_(find_table(model).c[user] == VIEWER, selects.make_staff_condition(VIEWER))
    )


def select_for_staff(model: type[SQLModel], identity: ColumnElement[int]) -> Select[Any]:
    """Return the statement of a row that nobody but staff see."""
    return selects.select_row(model, identity).where(selects.make_staff_condition(VIEWER))


EVERYBODY: Final = Visibility(selects.select_row, of_viewer=False)
OWNER: Final = Visibility(select_own)
OWNER_OR_STAFF: Final = Visibility(select_own_or_staff)
STAFF: Final = Visibility(select_for_staff)
# Of users: everybody sees their own account.
SELF_OR_STAFF: Final = Visibility(partial(select_own_or_staff, user="id"))


def read_column(name: str) -> SqlValue:
    """Return how a field reads a column of another name."""
    return SqlValue(lambda row: row[name])


def read_uuid(prefix: str) -> SqlValue:
    """Return how a field reads the UUID that spells the row's id."""
    return SqlValue(lambda row: ids.write_uuid_sql(prefix, row["id"]))


def follow_key(model: type[SQLModel], column: str, *, hidden_too: bool = False) -> OneRow:
    """Return how a field reads the row whose id is in a column of its parent."""
    return OneRow(lambda parent: selects.select_row(model, parent(column), hidden_too=hidden_too))


def find_by_id(model: type[SQLModel], prefix: str, *, for_staff: bool = False) -> RowById:
    """Return how a root field reads a row by its id."""
    return RowById(lambda identity: selects.select_row(model, identity), prefix, for_staff=for_staff)


def find_own_by_id(model: type[SQLModel], prefix: str) -> RowById:
    """Return how a root field reads a row by its id, for its user alone."""
    return RowById(lambda identity: select_own(model, identity), prefix, of_viewer=True)
