"""Rows of Python values over pipelined connections, for statements with psycopg's named placeholders."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, TypeVar

from psycopg.adapt import PyFormat, Transformer
from psycopg.pq.abc import PGresult

from db.pipeline.statement import RawReads, Statement
from db.refusals import translate_errors

T = TypeVar("T")

# A placeholder with its name, or an escaped per cent sign.
PLACEHOLDER: Final = re.compile(r"%(?:\((\w+)\)s|%)")


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
    names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
    return [make(**dict(zip(names, row, strict=True))) for row in load_rows(result)]


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
    dumped = Transformer()
    with translate_errors():
        values = dumped.dump_sequence([parameters[name] for name in names], [PyFormat.TEXT] * len(names))
    types = tuple(oid or 0 for oid in dumped.types or ())
    statement = make_statement(sql, types, is_planned_each_time=is_planned_each_time)
    return statement, [None if value is None else bytes(value) for value in values]


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
