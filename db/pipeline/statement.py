"""Statements as libpq takes them: how named placeholders and Python values become bytes, and results become values again."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Protocol, TypeVar

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq.abc import PGresult
from sqlmodel import SQLModel

from db.refusals import raise_translated, refuse_unfit_value

T = TypeVar("T")
Row = TypeVar("Row", bound=SQLModel)

# The function that makes rows of each model.
MAKERS: Final[dict[type[Any], Callable[..., Any]]] = {}

# A placeholder with its name, or an escaped per cent sign.
PLACEHOLDER: Final = re.compile(r"%(?:\((\w+)\)s|%)")

# PostgreSQL's oids of boolean, smallint, integer and bigint, and the bounds of the latter three.
BOOL, SMALLINT, INTEGER, BIGINT = 16, 21, 23, 20
INT2, INT4, INT8 = 2**15, 2**31, 2**63

Parameters = Sequence[bytes | None]
# The types and the texts of parameters.
Written = tuple[tuple[int, ...], list[bytes | None]]
RawRow = tuple[bytes | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """SQL that is made once and run often; compared by identity, so that looking it up is fast.

    Placeholders are $1 to $n, each with a cast. Without one PostgreSQL guesses a type, or refuses to (42P18). `types`
    may repeat the oids of the casts, 0 standing for one that is not given. `is_planned_each_time` is for statements whose
    best plan depends on the values: from the sixth run on PostgreSQL may use one plan for all.
    """

    sql: bytes
    types: tuple[int, ...] = ()
    is_planned_each_time: bool = False


class RawReads(Protocol):
    """Runs reads whose parameters and answers are bytes in PostgreSQL's text format, None standing for NULL.

    All raise Unavailable where there is no connection in time or no answer before the deadline, InvalidInput for a value
    that PostgreSQL cannot hold, and psycopg's own errors for a statement that is wrong.
    """

    async def fetch_value(self, statement: Statement, parameters: Parameters) -> bytes | None:
        """Return the first column of the first row; None for NULL, and where there is no row."""

    async def fetch_rows(self, statement: Statement, parameters: Parameters) -> list[RawRow]:
        """Return all rows."""

    async def run(self, statement: Statement, parameters: Parameters) -> PGresult:
        """Return the result as libpq holds it."""


def require_text(parameters: Parameters) -> None:
    """Raise InvalidInput where a parameter has a NUL: libpq would send the text before it without an error."""
    for parameter in parameters:
        if parameter is not None and b"\0" in parameter:
            raise refuse_unfit_value()


def read_value(result: PGresult) -> bytes | None:
    """Return the first column of the first row of a result."""
    return result.get_value(0, 0) if result.ntuples else None


def read_rows(result: PGresult) -> list[RawRow]:
    """Return all rows of a result."""
    get, columns = result.get_value, range(result.nfields)
    return [tuple([get(row, column) for column in columns]) for row in range(result.ntuples)]


async def fetch_tuples(
    reads: RawReads, text: str, parameters: Mapping[str, object], *, is_planned_each_time: bool
) -> list[tuple[Any, ...]]:
    """Return the rows of a statement, their values converted as psycopg converts them."""
    result = await fetch_result(reads, text, parameters, is_planned_each_time=is_planned_each_time)
    return load_rows(result)


async def fetch_made_rows(
    reads: RawReads,
    make: Callable[..., T],
    text: str,
    parameters: Mapping[str, object],
    *,
    is_planned_each_time: bool,
) -> list[T]:
    """Return what `make` makes of each row, its columns being named arguments."""
    return make_rows(make, await fetch_result(reads, text, parameters, is_planned_each_time=is_planned_each_time))


def make_rows(make: Callable[..., T], result: PGresult) -> list[T]:
    """Return what `make` makes of each row of a result, its columns being named arguments."""
    names = read_names(result)
    return [make(**dict(zip(names, row, strict=True))) for row in load_rows(result)]


def make_row_maker(model: type[Row]) -> Callable[..., Row]:
    """Return the function that makes a row of the model from its columns, without validating them.

    It does what pydantic's model_construct does for models like these, without aliases and private attributes, in a quarter
    of the time.
    """
    maker = MAKERS.get(model)
    if maker is None:
        maker = MAKERS[model] = _make_row_maker(model)
    return maker


def _make_row_maker(model: type[Row]) -> Callable[..., Row]:
    fields = model.model_fields
    names, defaults = fields.keys(), {name: each.default for name, each in fields.items() if not each.is_required()}
    new, set_attribute = object.__new__, object.__setattr__

    def make(**columns: Any) -> Row:
        row, found = new(model), set(columns)
        if columns.keys() != names:
            found &= names
            columns = defaults | {name: columns[name] for name in found}
        set_attribute(row, "__dict__", columns)
        set_attribute(row, "__pydantic_fields_set__", found)
        set_attribute(row, "__pydantic_extra__", None)
        set_attribute(row, "__pydantic_private__", None)
        return row

    return make


def read_names(result: PGresult) -> list[str]:
    """Return the names of the columns of a result."""
    return [(result.fname(column) or b"").decode() for column in range(result.nfields)]


async def fetch_result(
    reads: RawReads, text: str, parameters: Mapping[str, object], *, is_planned_each_time: bool
) -> PGresult:
    """Return the result of a statement; its values are sent as text, with the types that psycopg gives them."""
    return await reads.run(*bind_text(text, parameters, is_planned_each_time=is_planned_each_time))


def bind_text(
    text: str, parameters: Mapping[str, object], *, is_planned_each_time: bool = False
) -> tuple[Statement, list[bytes | None]]:
    """Return a statement and its parameters as libpq takes them; raise InvalidInput for a value that has no text."""
    sql, names = number_placeholders(text)
    chosen = [parameters[name] for name in names]
    types, values = write_plain(chosen) or write_any(chosen)
    return make_statement(sql, types, is_planned_each_time=is_planned_each_time), values


def write_plain(values: Sequence[object]) -> Written | None:
    """Return the types and texts of integers, booleans and NULLs as psycopg writes them; None where it has to write them."""
    types: list[int] = []
    texts: list[bytes | None] = []
    for value in values:
        if value is None:
            types.append(0)
            texts.append(None)
        elif value is True or value is False:
            types.append(BOOL)
            texts.append(b"t" if value else b"f")
        elif type(value) is int and -INT8 <= value < INT8:
            # psycopg takes the smallest type that holds the number.
            is_long, is_short = not -INT4 <= value < INT4, -INT2 <= value < INT2
            types.append(BIGINT if is_long else SMALLINT if is_short else INTEGER)
            texts.append(b"%d" % value)
        else:
            return None
    return tuple(types), texts


def write_any(values: Sequence[object]) -> Written:
    """Return the types and texts of values; raise InvalidInput for one that has no text."""
    dumped = Transformer()
    try:
        texts = dumped.dump_sequence(values, [PyFormat.TEXT] * len(values))
    except psycopg.Error as error:
        raise_translated(error)
    return tuple(oid or 0 for oid in dumped.types or ()), [None if text is None else bytes(text) for text in texts]


def load_rows(result: PGresult) -> list[tuple[Any, ...]]:
    """Return the rows of a result as tuples of Python values."""
    # Without a connection psycopg reads instants as UTC, which our sessions write.
    loaded = Transformer()
    loaded.set_pgresult(result)
    return loaded.load_rows(0, result.ntuples, tuple)


@lru_cache(maxsize=1024)
def number_placeholders(text: str) -> tuple[bytes, tuple[str, ...]]:
    """Return the SQL with $1 to $n for named placeholders, and the names in the order of their numbers."""
    numbers: dict[str, int] = {}

    def numbered(found: re.Match[str]) -> str:
        name = found[1]
        return "%" if name is None else f"${numbers.setdefault(name, len(numbers) + 1)}"

    return PLACEHOLDER.sub(numbered, text).encode(), tuple(numbers)


@lru_cache(maxsize=1024)
def make_statement(sql: bytes, types: tuple[int, ...], *, is_planned_each_time: bool) -> Statement:
    """Return the statement of an SQL text and types of parameters, the same one each time."""
    return Statement(sql, types, is_planned_each_time)
