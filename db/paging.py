"""Runs a list page by page: keyset cursors both ways, for one parent or for many in one statement."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, column, func, literal_column, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.psycopg import dialect as psycopg_dialect
from sqlalchemy.sql import ClauseElement
from sqlmodel import SQLModel

from db.cursors import CursorCodec, compute_fingerprint
from db.engine import PlannedEachTime, PureRead, StatementRunner
from db.ordered import ONE, Bounds, Ordered, select_page
from db.pipeline.statement import make_row_maker
from errors import InvalidLimit

Row = TypeVar("Row", bound=SQLModel)

DEFAULT_SIZE: Final = 20
LARGEST_SIZE: Final = 100
LIMITS: Final = f"must be a whole number from 1 to {LARGEST_SIZE}"
DIALECT: Final = psycopg_dialect()  # type: ignore[no-untyped-call]

# Returns the column of one of a list's values: a parameter, or the parent's id where many parents are read at once.
Value = Callable[[str], ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class Listing(Generic[Row]):
    """A list with its sort and the values of its filters. `build` makes the statement for the names of those values."""

    name: str
    model: type[Row]
    build: Callable[[frozenset[str], str, Value], Ordered]
    values: Mapping[str, Any]
    sort: str = ""
    # The name of the value that is the id of the list's parent, if it has one.
    parent: str = ""
    # Parameters of the statement that are computed from `values`, and so are not in the cursor.
    derived: Mapping[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """The names of the parameters: with the sort, they determine the statement's text."""
        return frozenset(self.parameters)

    @property
    def parameters(self) -> dict[str, Any]:
        """The statement's parameters."""
        return {name: value for name, value in self.values.items() if value is not None} | dict(self.derived)

    @property
    def fingerprint(self) -> bytes:
        """The fingerprint that the cursors of this list are signed with."""
        return compute_fingerprint(self.name, {**self.values, "sort": self.sort or None})


@dataclass(frozen=True, slots=True)
class Window:
    """A page of a list: `size` rows from one end, between two cursors."""

    size: int = DEFAULT_SIZE
    backwards: bool = False
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows in the list's order, and whether there are more on either side."""

    rows: Sequence[Row]
    has_next: bool
    has_previous: bool
    listing: Listing[Row]
    codec: CursorCodec

    def cursor(self, row: Row) -> str:
        """Return the cursor of one of the rows."""
        attributes = build_list(self.listing).attributes
        return self.codec.encode(self.listing.fingerprint, [getattr(row, name) for name in attributes])

    @property
    def end_cursor(self) -> str | None:
        """The cursor of the last row, None without rows."""
        return self.cursor(self.rows[-1]) if self.rows else None

    @property
    def start_cursor(self) -> str | None:
        """The cursor of the first row, None without rows."""
        return self.cursor(self.rows[0]) if self.rows else None


def make_window(
    first: int | None = None, after: str | None = None, last: int | None = None, before: str | None = None
) -> Window:
    """Return the page that these arguments ask for; raise InvalidLimit outside 1 to 100, or for both ends at once."""
    if first is not None and last is not None:
        raise InvalidLimit(path=("last",), field="last", problem="cannot be given together with `first`")
    for name, size in (("first", first), ("last", last)):
        if size is not None and not 1 <= size <= LARGEST_SIZE:
            raise InvalidLimit(path=(name,), field=name, problem=LIMITS)
    return Window(first or last or DEFAULT_SIZE, backwards=last is not None, after=after, before=before)


async def read_page(source: StatementRunner, codec: CursorCodec, listing: Listing[Row], window: Window) -> Page[Row]:
    """Return one page of a list; raise InvalidCursor where a cursor is not of this list."""
    text = write_page_statement(listing.build, listing.names, listing.sort, make_bounds(window), None)
    parameters = listing.parameters | decode_cursors(listing, codec, window)
    return make_page(await source.rows(listing.model, text, **parameters), listing, codec, window)


async def read_pages(
    source: StatementRunner, codec: CursorCodec, listings: Mapping[int, Listing[Row]], parent: str, window: Window
) -> dict[int, Page[Row]]:
    """Return the first or last page of the same list for many parents, by one statement.

    `listings` holds a list for each parent's id; they differ in nothing but the value named `parent`. There are no
    cursors here, since a cursor belongs to one parent's list.
    """
    one = next(iter(listings.values()))
    text = write_page_statement(one.build, one.names, one.sort, make_bounds(window), parent)
    parameters = one.parameters | {"parents": list(listings)}
    found: dict[int, list[Row]] = {identity: [] for identity in listings}
    for identity, row in await source.make_rows(make_pair_maker(one.model), text, parameters):
        found[identity].append(row)
    return {identity: make_page(found[identity], listing, codec, window) for identity, listing in listings.items()}


def make_pair_maker(model: type[Row]) -> Callable[..., tuple[int, Row]]:
    """Return the function that makes a pair of the parent's id and a row from columns."""
    make = make_row_maker(model)

    def made(*, parent: int, **columns: Any) -> tuple[int, Row]:
        return parent, make(**columns)

    return made


async def read_numbered_page(source: StatementRunner, listing: Listing[Row], *, size: int, skipped: int) -> list[Row]:
    """Return `size` rows of the list after `skipped` ones, for clients with numbered pages.

    Unlike a keyset page it may repeat or miss rows that change meanwhile, and reads the rows that it skips.
    """
    text = write_numbered_statement(listing.build, listing.names, listing.sort, size)
    return await source.rows(listing.model, text, **listing.parameters, skipped=skipped)


async def count_rows(source: StatementRunner, listing: Listing[Row]) -> int:
    """Return the number of rows in the whole list."""
    total: int = await source.value(
        write_count_statement(listing.build, listing.names, listing.sort), **listing.parameters
    )
    return total


async def count_rows_by_parent(
    source: StatementRunner, listings: Mapping[int, Listing[Row]], parent: str
) -> dict[int, int]:
    """Return the number of rows in the same list of many parents, by one statement."""
    one = next(iter(listings.values()))
    text = write_count_statement(one.build, one.names, one.sort, parent)
    found = dict(await source.tuples(text, **one.parameters, parents=list(listings)))
    return {identity: found[identity] for identity in listings}


def make_page(found: Sequence[Row], listing: Listing[Row], codec: CursorCodec, window: Window) -> Page[Row]:
    """Return the page of the rows that were found; one row more than `size` shows that there is another page."""
    rows = list(found[: window.size])
    more = len(found) > window.size
    if window.backwards:
        rows.reverse()
        return Page(rows, window.before is not None, more, listing, codec)
    return Page(rows, more, window.after is not None, listing, codec)


def make_bounds(window: Window) -> Bounds:
    """Return the parts of a window that determine the statement's text.

    The size is one of them: PostgreSQL plans a prepared statement without its parameters, and would sort the whole list
    without a literal limit.
    """
    return Bounds(window.size, window.backwards, window.after is not None, window.before is not None)


def decode_cursors(listing: Listing[Any], codec: CursorCodec, window: Window) -> dict[str, object]:
    """Return the parameters of the keyset predicates."""
    cursors = {"after": window.after, "before": window.before}
    return {
        f"{side}_{place}": value
        for side, cursor in cursors.items()
        if cursor is not None
        for place, value in enumerate(codec.decode(listing.fingerprint, cursor, field=side))
    }


def build_list(listing: Listing[Any]) -> Ordered:
    """Return the statement of a list, with parameters for its values."""
    return build_statement(listing.build, listing.names, listing.sort, None)


@lru_cache(maxsize=512)
def build_statement(build: Any, names: frozenset[str], sort: str, parent: str | None) -> Ordered:
    """Return a list's statement; the value named `parent` becomes a column of the enclosing statement."""

    def value(name: str) -> ColumnElement[Any]:
        return literal_column("asked.id", BigInteger) if name == parent else bindparam(name)

    made: Ordered = build(names, sort, value)
    return made


@lru_cache(maxsize=1024)
def write_page_statement(build: Any, names: frozenset[str], sort: str, bounded: Bounds, parent: str | None) -> str:
    """Return the SQL text of a page; compiling takes longer than running, so each shape is compiled once."""
    source = build_statement(build, names, sort, parent)
    limited = select_page(source, bounded, limit=bounded.size + 1)
    falling = source.descending is not bounded.backwards
    text = compile_sql(limited if parent is None else repeat_for_parents(limited, name_order(source, falling=falling)))
    return PlannedEachTime(text) if source.varied else text


@lru_cache(maxsize=256)
def write_numbered_statement(build: Any, names: frozenset[str], sort: str, size: int) -> str:
    """Return the SQL text of a numbered page; its best plan depends on how many rows it skips."""
    return PlannedEachTime(compile_sql(select_numbered(build_statement(build, names, sort, None), size)))


def select_numbered(source: Ordered, size: int) -> Select[Any]:
    """Return the statement of so many rows of a list after those that the parameter `skipped` counts."""
    order = [key.desc() if source.descending else key.asc() for key in source.keys]
    limited = source.whole.order_by(*order).limit(literal_column(str(size)))
    return limited.offset(bindparam("skipped", type_=BigInteger))


def repeat_for_parents(limited: Select[Any], order: Sequence[ColumnElement[Any]]) -> Select[Any]:
    """Return the statement of a page for every id in the parameter `parents`."""
    parents = select_parents()
    each = limited.lateral("each")
    return (
        select(parents.c.id.label("parent"), each)
        .select_from(parents.join(each, true()))
        .order_by(parents.c.place, *order)
    )


def name_order(source: Ordered, *, falling: bool) -> list[ColumnElement[Any]]:
    """Return the order by the column names of the inner statement."""
    names: list[ColumnElement[Any]] = [literal_column(f"each.{name}") for name in source.attributes]
    return [name.desc() if falling else name.asc() for name in names]


@lru_cache(maxsize=256)
def write_count_statement(build: Any, names: frozenset[str], sort: str, parent: str | None = None) -> str:
    """Return the SQL text that counts a whole list, or that of each parent."""
    counted = select_count(build_statement(build, names, sort, parent))
    return compile_sql(counted if parent is None else select(select_parents().c.id, counted.scalar_subquery()))


def select_count(source: Ordered) -> Select[Any]:
    """Return the statement that counts a whole list."""
    inner = source.whole.with_only_columns(ONE, maintain_column_froms=True)
    return select(func.count()).select_from(inner.subquery())


def select_parents() -> Any:
    """Return the ids in the parameter `parents` as rows with their positions."""
    ids = func.unnest(bindparam("parents", type_=ARRAY(BigInteger)))
    return ids.table_valued(column("id", BigInteger), with_ordinality="place").render_derived(name="asked")


def compile_sql(statement: ClauseElement) -> PureRead:
    """Return the text of a select for psycopg, with named parameters."""
    return PureRead(statement.compile(dialect=DIALECT))
