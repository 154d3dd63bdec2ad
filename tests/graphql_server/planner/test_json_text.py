"""SQL spells scalars as the executor does."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import orjson
import psycopg
import pytest

from db.json_text import UNANSWERED, Literal, Sql, join_pieces, spell_instant, spell_number, spell_text, spell_texts
from domain import instants

FLOATS: Final = (0.0, -0.0, 4.0, 4.5, 0.1, 1.1, 1e-7, 5e-324, 1e15, 123456789012345.6, 1e20, 2.0**53 + 2, 1.7e308, -2.5)
INSTANTS: Final = (
    "2026-11-20T18:30:00Z",
    "2026-11-20T18:30:00.120000Z",
    "2026-11-20T18:30:00.000001Z",
    "0001-01-02T00:00:00Z",
    "9999-12-30T23:59:59.999999Z",
)
TEXTS: Final = ("", 'a "b" \\ c', "\t\n\x01\x1f\x7f", "é 映画 🎬 \u2028", "</script>'%s%%")


@pytest.fixture(params=["UTC", "Asia/Tokyo"])
def connection(request: pytest.FixtureRequest, database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection whose time zone must not matter."""
    with psycopg.connect(database_url, autocommit=True) as opened:
        opened.execute("SELECT set_config('timezone', %s, false)", (request.param,))
        yield opened


def spelled(connection: psycopg.Connection[Any], spelling: str, kind: str, value: object) -> bytes:
    """Return what SQL makes of a value."""
    query = f"SELECT {spelling} FROM (SELECT %s::{kind} AS x) AS v"  # noqa: S608 - ours
    row = connection.execute(query.encode(), (value,)).fetchone()
    assert row is not None
    return row[0].encode() if row[0] is not None else b"NULL"


@pytest.mark.parametrize("value", FLOATS)
def test_spells_floats_as_orjson_does(connection: psycopg.Connection[Any], value: float) -> None:
    ours, theirs = spelled(connection, spell_number("v.x"), "float8", value), orjson.dumps(value)
    assert repr(json.loads(ours)) == repr(json.loads(theirs))


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_has_no_spelling_of_what_json_has_no_number_for(connection: psycopg.Connection[Any], value: str) -> None:
    assert spelled(connection, spell_number("v.x"), "float8", value) == UNANSWERED


@pytest.mark.parametrize("value", INSTANTS)
def test_spells_instants_in_utc(connection: psycopg.Connection[Any], value: str) -> None:
    named = datetime.fromisoformat(value)
    assert spelled(connection, spell_instant("v.x"), "timestamptz", value) == orjson.dumps(instants.spell(named))
    assert named.tzinfo == UTC


@pytest.mark.parametrize("value", ["infinity", "-infinity", "0044-03-15 00:00:00+00 BC", "10000-01-01 00:00:00+00"])
def test_has_no_spelling_of_instants_that_python_has_not(connection: psycopg.Connection[Any], value: str) -> None:
    assert spelled(connection, spell_instant("v.x"), "timestamptz", value) == UNANSWERED


@pytest.mark.parametrize("value", TEXTS)
def test_spells_text_as_orjson_does(connection: psycopg.Connection[Any], value: str) -> None:
    assert spelled(connection, spell_text("v.x"), "text", value) == orjson.dumps(value)
    assert json.loads(spelled(connection, spell_texts("v.x"), "text[]", [value, value])) == [value, value]


def test_spells_lists_without_items_and_none_with_a_null(connection: psycopg.Connection[Any]) -> None:
    assert spelled(connection, spell_texts("v.x"), "text[]", []) == b"[]"
    assert spelled(connection, spell_texts("v.x"), "text[]", ["a", None]) == UNANSWERED


def test_joins_literals_that_stand_side_by_side() -> None:
    assert (
        join_pieces([Literal("{"), Literal("it's"), Sql("x"), Literal("%"), Sql("y")])
        == "(('{it''s' || x) || ('%%' || y))"
    )
