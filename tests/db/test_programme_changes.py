"""Every change of the programme is announced, whoever makes it; and a listener knows when it hears nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import psycopg
import pytest
from psycopg import AsyncConnection
from structlog.testing import capture_logs

from db.engine import Database
from db.programme_changes import CHANNEL, COUNT_TRIGGERS, LEASE_SECONDS, TRIGGERS, ProgrammeChanges
from domain import rating
from tests.support.factories import make_booking, make_movie, make_rating, make_session, make_user, soon
from tests.support.frozen_server import stopped
from tests.support.live import PATIENCE, cut

LISTENER: Final = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE '%last_ends_at > now()%' AND pid <> pg_backend_pid()
"""
ENDED: Final = "SELECT bool_and(last_ends_at <= clock_timestamp()) FROM airings"
# Columns that no trigger watches.
UNWATCHED: Final = """
    SELECT relname || '.' || attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relname = ANY ('{movies,places,sessions,airings}') AND relkind = 'r' AND attnum > 0
        AND NOT attisdropped AND attgenerated = ''
        AND NOT EXISTS (
            SELECT FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
            WHERE tgrelid = attrelid AND proname = 'announce_catalogue_change' AND attnum = ANY (tgattr::int2[])
        )
"""


async def until(condition: Callable[[], bool]) -> None:
    """Return once the condition holds."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[ProgrammeChanges]:
    """Yield what has heard of every change until now, and goes on listening."""
    changes = ProgrammeChanges(url)
    changes.start()
    try:
        await until(lambda: changes.is_current)
        yield changes
    finally:
        await changes.close()


async def announced(connection: AsyncConnection[object], url: str, *statements: str) -> set[str]:
    """Return the parts that a transaction of these statements announces."""
    async with await AsyncConnection.connect(url, autocommit=True) as writer, writer.transaction():
        for statement in statements:
            await writer.execute(statement.encode())
    await connection.execute("SELECT pg_notify('matinee_catalogue', 'end')")
    heard: set[str] = set()
    async for notice in connection.notifies(timeout=PATIENCE):
        if notice.payload == "end":
            break
        heard.add(notice.payload)
    return heard


async def test_announces_every_change_of_what_answers_show(database: Database, database_url: str) -> None:
    await make_booking(database)
    await make_rating(database)
    expected = {
        "UPDATE movies SET title = 'Ran'": {"movies"},
        "UPDATE movies SET duration = duration + 1": {"movies", "sessions", "airings"},
        "UPDATE ratings SET value = 1": {"ratings"},
        "DELETE FROM ratings": {"ratings"},
        "UPDATE places SET name = 'Rex'": {"places", "airings"},
        "UPDATE sessions SET starts_at = starts_at + interval '1 day'": {
            "sessions",
            "airings",
            "movies",
        },
        # What bookings do is announced to nobody.
        "UPDATE sessions SET taken = taken + 1": set(),
        "UPDATE bookings SET reserved_seats = 0": set(),
        "TRUNCATE places CASCADE": {"places", "sessions", "airings"},
        "DELETE FROM movies": {"movies", "airings"},
        "INSERT INTO places (name, address, capacity) VALUES ('Studio', 'here', 9)": {"places"},
    }
    async with await AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(f"LISTEN {CHANNEL}".encode())
        found = {statement: await announced(connection, database_url, statement) for statement in expected}
        silenced = await announced(
            connection, database_url, "SET session_replication_role = replica", "UPDATE places SET capacity = 8"
        )
    assert found == expected
    assert silenced == {"places"}


async def test_triggers_watch_every_column_but_taken_seats(database_url: str) -> None:
    async with await AsyncConnection.connect(database_url) as connection:
        unwatched = await (await connection.execute(UNWATCHED)).fetchall()
        triggers = await (await connection.execute(COUNT_TRIGGERS)).fetchone()
    assert unwatched == [("sessions.taken",)]
    assert triggers == (TRIGGERS,)


async def test_hears_changes(database: Database, database_url: str) -> None:
    movie, user = await make_movie(database), await make_user(database)
    async with listening(database_url) as changes:
        before = changes.versions()
        async with database.transaction() as tx:
            await rating.rate(tx, user_id=user.id, movie_id=movie.id, value=4)
        await until(lambda: not changes.are_unchanged(before, ["ratings"]))
        changes.hear("a part of a later release")
        assert not any(changes.are_unchanged(before, [part]) for part in ("movies", "places", "sessions", "clock"))


async def test_forgets_everything_when_connection_is_cut(database_url: str) -> None:
    async with listening(database_url) as changes:
        before = changes.versions()
        await cut(database_url, "last_ends_at > now()")
        await until(lambda: not changes.are_unchanged(before, ["movies"]))
        await until(lambda: changes.is_current)


async def test_is_unsure_while_server_does_not_answer(database_url: str) -> None:
    async with listening(database_url) as changes:
        async with await AsyncConnection.connect(database_url) as connection:
            pids = await (await connection.execute(LISTENER)).fetchall()
        assert len(pids) == 1
        try:
            with stopped(pids[0][0]):
                await until(lambda: not changes.is_current)
                await asyncio.sleep(LEASE_SECONDS)
                assert not changes.is_current
        except PermissionError:
            pytest.skip("the processes of this PostgreSQL belong to somebody else")
        await until(lambda: changes.is_current)


async def test_notes_end_of_airing_by_clock_of_database(database: Database, database_url: str) -> None:
    await make_session(database, starts_at=soon())
    async with (
        listening(database_url) as changes,
        await AsyncConnection.connect(database_url, autocommit=True) as connection,
    ):
        await connection.execute("UPDATE airings SET last_ends_at = clock_timestamp() + interval '1 second'")
        before = changes.versions()
        while True:
            latest = changes.versions()
            if await (await connection.execute(ENDED)).fetchone() == (True,):
                break
            # At this moment it had not ended.
            before = latest
            await asyncio.sleep(0.01)
        await until(lambda: not changes.are_unchanged(before, ["clock"]))


async def test_is_unsure_where_a_trigger_is_missing(database_url: str) -> None:
    changes = ProgrammeChanges(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE places DISABLE TRIGGER catalogue_rows")
        try:
            with capture_logs() as logged:
                changes.start()
                await until(lambda: bool(logged))
            assert "run `matinee migrate`" in logged[0]["reason"]
            assert not changes.is_current
        finally:
            connection.execute("ALTER TABLE places ENABLE ALWAYS TRIGGER catalogue_rows")
    await until(lambda: changes.is_current)
    await changes.close()
