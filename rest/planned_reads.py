"""Reads that PostgreSQL answers as JSON text: the statements of db/lists/, with the columns alone that an answer shows."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Select, Table
from sqlalchemy.sql import visitors

from db import paging
from db.cursors import CursorCodec
from db.engine import Reader
from db.json_text import UNANSWERED, Literal, Piece, Row, Sql, join_pieces, spell_key
from db.ordered import Bounds, Ordered, select_page
from db.paging import Listing, Window
from db.pipeline import Statement
from db.pipeline.parameters import encode_parameter
from db.pipeline.statement import RawRow
from errors import Refusal
from rest.json_fields import Shape, write_object

PARAMETER: Final = re.compile(r"%\((\w+)\)s")
ITEM: Final = "item"


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A statement that answers with a row of JSON texts for each row; equal to itself alone."""

    statement: Statement
    # Names of its parameters, in the order of their numbers.
    parameters: tuple[str, ...]
    # Names of the tables that it reads.
    tables: frozenset[str]


@dataclass(frozen=True, slots=True)
class PlannedRead:
    """A statement with the values of one request."""

    program: Program
    values: tuple[bytes | None, ...]

    async def fetch(self, source: Reader) -> list[RawRow]:
        """Return the rows; raise Unavailable."""
        return await source.pipeline.fetch_rows(self.program.statement, self.values)


def plan_page(shape: Shape, listing: Listing[Any], codec: CursorCodec, asked: Window, *, base: str = "") -> PlannedRead:
    """Return the read of a page, one row longer than the page; raise InvalidCursor where a cursor is not of this list."""
    program = write_page(shape, listing.build, listing.names, listing.sort, paging.make_bounds(asked))
    values = listing.parameters | paging.decode_cursors(listing, codec, asked) | {"base": base}
    return bind(program, values)


def plan_numbered(shape: Shape, listing: Listing[Any], *, size: int, skipped: int) -> PlannedRead:
    """Return the read of so many rows of a list after those that are skipped."""
    program = write_numbered(shape, listing.build, listing.names, listing.sort, size)
    return bind(program, listing.parameters | {"skipped": skipped})


def bind(program: Program, values: Mapping[str, object]) -> PlannedRead:
    """Return the read of a program with these values."""
    return PlannedRead(program, tuple([encode_parameter(values[name]) for name in program.parameters]))


@lru_cache(maxsize=512)
def write_page(shape: Shape, build: Any, names: frozenset[str], sort: str, bounded: Bounds) -> Program:  # noqa: ANN401 - as in db/paging.py
    """Return the program of a page: rows of the object's text and of the sort key's, for the cursor."""
    source = paging.build_statement(build, names, sort, None)
    return write_rows(shape, select_page(source, bounded, limit=bounded.size + 1), source)


@lru_cache(maxsize=256)
def write_numbered(shape: Shape, build: Any, names: frozenset[str], sort: str, size: int) -> Program:  # noqa: ANN401 - as above
    """Return the program of a page by its number."""
    source = paging.build_statement(build, names, sort, None)
    return write_rows(shape, paging.select_numbered(source, size), source, is_planned_each_time=True)


def write_rows(shape: Shape, limited: Select[Any], source: Ordered, *, is_planned_each_time: bool = False) -> Program:
    """Return the program of a list's rows, in the list's order."""
    row = Row(ITEM)
    item = join_pieces(write_object(row, shape.fields))
    keys = {f"k{place}": key for place, key in enumerate(source.keys)}
    way = " DESC" if source.descending else ""
    order = ", ".join(f"{ITEM}.{name}{way}" for name in keys)
    joins = shape.join(row)
    rows = f"({narrow(limited, row, **keys)}) AS {ITEM} {joins}"
    text = f"SELECT {item}, {write_key(source)} FROM {rows} ORDER BY {order}"  # noqa: S608 - names of ours
    return number(text, limited, is_planned_each_time=source.varied or is_planned_each_time)


def write_key(source: Ordered) -> str:
    """Return the SQL of a row's sort key, as JSON."""
    pieces: list[Piece] = [Literal("[")]
    for place, key in enumerate(source.keys):
        pieces += [Literal("," if place else ""), Sql(spell_key(key, f"{ITEM}.k{place}"))]
    return join_pieces([*pieces, Literal("]")])


def write_one(shape: Shape, statement: Select[Any]) -> Program:
    """Return the program of a statement's only row."""
    row = Row(ITEM)
    item = join_pieces(write_object(row, shape.fields))
    joins = shape.join(row)
    text = f"SELECT {item} FROM ({narrow(statement, row)}) AS {ITEM} {joins}"  # noqa: S608 - names of ours
    return number(text, statement)


def narrow(statement: Select[Any], row: Row, **more: ColumnElement[Any]) -> str:
    """Return the text of a statement with those columns alone that were asked of its row, and some more."""
    known = {each.key: each for each in statement.selected_columns}
    columns = [known[name] for name in row.needed] + [each.label(name) for name, each in more.items()]
    return paging.compile_sql(statement.with_only_columns(*columns, maintain_column_froms=True))


def number(text: str, statement: Select[Any], *, is_planned_each_time: bool = False) -> Program:
    """Return the program of a text, with numbers in the place of its parameters' names."""
    places = {name: place for place, name in enumerate(dict.fromkeys(PARAMETER.findall(text)), start=1)}
    numbered = PARAMETER.sub(lambda found: f"${places[found[1]]}", text).replace("%%", "%")
    tables = frozenset(each.name for each in visitors.iterate(statement) if isinstance(each, Table))
    return Program(Statement(numbered.encode(), is_planned_each_time=is_planned_each_time), tuple(places), tables)


def render_page(shape: Shape, rows: Sequence[RawRow], *, listing: Listing[Any], codec: CursorCodec, size: int) -> bytes:
    """Return the body of a page of `size`: the objects, and what a caller needs for the next page."""
    cursor = b"null"
    if rows:
        key = rows[:size][-1][1] or b""
        cursor = f'"{codec.encode(listing.fingerprint, orjson.loads(key))}"'.encode()
    has_more = b"true" if len(rows) > size else b"false"
    return b'{"%b":%b,"metadata":{"has_more":%b,"end_cursor":%b}}' % (
        shape.name.encode(),
        render_items(rows[:size]),
        has_more,
        cursor,
    )


def render_items(rows: Sequence[RawRow]) -> bytes:
    """Return the JSON array of rows; raise ValueError for a value that has no JSON text."""
    return require_json(b"[%b]" % b",".join([row[0] or UNANSWERED for row in rows]))


def require_json(text: bytes) -> bytes:
    """Return a text that PostgreSQL wrote; raise ValueError where it stands for a value without JSON text."""
    if UNANSWERED in text:
        raise ValueError("a value in the database has no JSON text")
    return text


def render_one(shape: Shape, rows: Sequence[RawRow], *, missing: type[Refusal]) -> bytes:
    """Return the body of the only row; raise the refusal of what is missing where there is none."""
    if not rows:
        raise missing
    return b'{"%b":%b}' % (shape.name.encode(), require_json(rows[0][0] or UNANSWERED))
