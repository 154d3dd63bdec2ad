"""How a field of the schema can read: what a declaration of a field may be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select
from sqlmodel import SQLModel

from db.json_text import Row
from db.paging import Listing

Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar. `value` writes the SQL of its value, or of its JSON text where `is_text`."""

    value: Callable[[Row], str]
    is_text: bool = False
    # Whether it is never read from a standby.
    newest: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """An object that is made of its parent's own row; null where the column `unless_null` is."""

    unless_null: str | None = None


@dataclass(frozen=True, slots=True)
class One:
    """Another row. `statement` reads it; it gets SQL that reads columns of the parent's row."""

    statement: Callable[[Callable[[str], ColumnElement[Any]]], Select[Any]]
    # Whether an anonymous caller has none.
    of_viewer: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list of rows that is no connection, in the order of `keys`."""

    statement: Callable[[Callable[[str], ColumnElement[Any]]], Select[Any]]
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A connection. `listing` is the list of its arguments and of the parent's id, which is 0 where there is no parent."""

    listing: Callable[[Arguments, int], Listing[Any]]
    # Whether its parent is a user, and nobody else sees the list.
    is_private: bool = False
    # Whether everybody but staff is refused.
    for_staff: bool = False


@dataclass(frozen=True, slots=True)
class ById:
    """A root field that finds a row by its argument `id`."""

    statement: Callable[[ColumnElement[int]], Select[Any]]
    prefix: str
    # Whether an anonymous caller has none.
    of_viewer: bool = False
    # Whether everybody but staff is refused.
    for_staff: bool = False


@dataclass(frozen=True, slots=True)
class Viewer:
    """The root field of the signed-in user."""


@dataclass(frozen=True, slots=True)
class ByAnyId:
    """The root fields `node` and `nodes`."""

    is_list: bool = False


Reads = Leaf | Part | One | Items | Page | ById | Viewer | ByAnyId


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of objects whose source is a row."""

    model: type[SQLModel]
    # Of its ids; empty where it has none.
    prefix: str
    # Reads the row that the root field `node` shows for an id.
    node: Callable[[ColumnElement[int]], Select[Any]]
    # Whether an anonymous caller sees none.
    of_viewer: bool = False
