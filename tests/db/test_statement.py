"""Rows over pipelined connections: the same values as over a connection of psycopg's own, by the same statement."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

import pytest
from psycopg.errors import UndefinedTable

from db.engine import Database, PlannedEachTime, PureRead
from db.models import Movie
from db.pipeline.statement import number_placeholders
from errors import InvalidInput
from tests.support.factories import make_movie

INSTANT: Final = datetime(2026, 11, 29, 20, 15, 0, 120000, tzinfo=UTC)
VALUES: Final[list[tuple[str, object]]] = [
    ("bigint", 2**63 - 1),
    ("integer", -1),
    ("numeric", Decimal("1.10")),
    ("float8", 2.5),
    ("float8", float("inf")),
    ("boolean", True),
    ("text", "é\\\"'%"),
    ("text", ""),
    ("bytea", b"\0\xff"),
    ("timestamptz", INSTANT),
    ("date", date(2026, 11, 29)),
    ("interval", timedelta(days=1, seconds=2)),
    ("uuid", UUID(int=7)),
    ("jsonb", None),
    ("bigint[]", [1, 2**40]),
    ("bigint[]", []),
    ("text[]", ["a", 'b"c', "NULL", "{}"]),
    ("timestamptz[]", [INSTANT]),
]


@pytest.mark.parametrize(("kind", "value"), VALUES)
async def test_values_equal_those_that_psycopg_reads(database: Database, kind: str, value: object) -> None:
    statement = f"SELECT %(value)s::{kind} AS value, NULL::{kind} AS nothing, '100%%' AS literal"
    shared = await database.primary.tuples(PureRead(statement), value=value)
    assert shared == await database.primary.tuples(statement, value=value)
    assert shared == [(value, None, "100%")]


async def test_rows_of_model_equal_those_that_psycopg_reads(database: Database) -> None:
    await make_movie(database, title="Ünïcode")
    statement = "SELECT * FROM movies WHERE id > %(id)s AND id >= %(id)s AND title <> %(title)s"
    for marked in (PureRead(statement), PlannedEachTime(statement)):
        shared = await database.primary.rows(Movie, marked, id=0, title="x")
        assert shared == await database.primary.rows(Movie, statement, id=0, title="x")
        assert len(shared) == 1
        assert await database.primary.value(marked, id=2**62, title="x") is None


@pytest.mark.parametrize("value", ["a\0b", 2**64, 10**100])
async def test_refuses_values_that_postgresql_cannot_store(database: Database, value: object) -> None:
    kind = "text" if isinstance(value, str) else "bigint"
    with pytest.raises(InvalidInput):
        await database.primary.value(PureRead(f"SELECT %(value)s::{kind}"), value=value)


async def test_wrong_statement_raises_its_error(database: Database) -> None:
    with pytest.raises(UndefinedTable):
        await database.primary.tuples(PureRead("SELECT * FROM nowhere"))


def test_placeholder_of_one_name_has_one_number() -> None:
    assert number_placeholders("SELECT %(a)s, %(b)s, %(a)s, 5 %% 2") == (b"SELECT $1, $2, $1, 5 % 2", ("a", "b"))
