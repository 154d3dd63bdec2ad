"""A standby that does not answer or lags behind is left out, and is read from again once it has caught up."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Final

import psycopg
import pytest

from db import standby_watch
from db.cursors import make_codec
from db.engine import Database
from db.opening import connect_database
from db.own_writes import RUNNING, RequestWrites
from db.server_watch import ServerWatch
from db.standby_watch import CHECK_SECONDS
from tests.support.database_wire import Wire
from tests.support.standby import Pair, paused_replay, streaming_pair

PATIENCE_SECONDS: Final = 30.0
SEVERAL_CHECKS: Final = 2.5 * CHECK_SECONDS


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with streaming_pair() as made:
        yield made


def opened(primary: str, standby: str) -> AbstractAsyncContextManager[Database]:
    codec = make_codec([b"x" * 32])
    return connect_database(primary, read_conninfo=standby, cursors=codec, size=2, statement_seconds=5, lock_seconds=2)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - the watch has no event to wait for
            await asyncio.sleep(0.02)


async def test_leaves_out_a_standby_that_is_gone(empty_database_url: str, wire: Wire) -> None:
    async with opened(empty_database_url, wire.url) as database:
        await until(lambda: database.standby is not database.primary)
        wire.cut()
        await until(lambda: database.standby is database.primary)
        assert await database.standby.value("SELECT 1") == 1
        wire.mend()
        await until(lambda: database.standby is not database.primary)


async def test_leaves_out_a_standby_that_lags(pair: Pair) -> None:
    with (
        psycopg.connect(pair.primary, autocommit=True) as writing,
        psycopg.connect(pair.standby, autocommit=True) as replaying,
    ):
        writing.execute("CREATE TABLE written (number int)")
        async with opened(pair.primary, pair.standby) as database:
            # An idle primary makes no standby look late.
            await asyncio.sleep(SEVERAL_CHECKS)
            await until(lambda: database.standby is not database.primary)
            replaying.execute("SELECT pg_wal_replay_pause()")
            writing.execute("INSERT INTO written VALUES (1)")
            await until(lambda: database.standby is database.primary)
            assert await database.standby.value("SELECT count(*) FROM written") == 1
            replaying.execute("SELECT pg_wal_replay_resume()")
            await until(lambda: database.standby is not database.primary)
            assert await database.standby.value("SELECT count(*) FROM written") == 1


async def test_reads_own_change_from_primary_until_the_standby_shows_it(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine the primary does not count as one that does not answer.
    monkeypatch.setattr(standby_watch, "PATIENCE_SECONDS", PATIENCE_SECONDS)
    with psycopg.connect(pair.primary, autocommit=True) as writing:
        writing.execute("CREATE TABLE changed (number int)")
        async with opened(pair.primary, pair.standby) as database:
            await until(lambda: database.standby is not database.primary)
            assert database.standby_watch is not None
            with paused_replay(pair):
                writing.execute("INSERT INTO changed VALUES (1)")
                # Those who ask at the same time share reads, each of which begins after the question.
                positions = await asyncio.gather(*[database.standby_watch.read_written() for _ in range(9)])
                position = min(each for each in positions if each is not None)
                assert None not in positions
                running = RUNNING.set(RequestWrites(lambda: position))
                assert database.standby is database.primary
                assert await database.standby.value("SELECT count(*) FROM changed") == 1
            # By a later check, without another change.
            await until(lambda: database.standby is not database.primary)
            assert await database.standby.value("SELECT count(*) FROM changed") == 1
            RUNNING.reset(running)


async def test_goes_on_with_the_standby_while_the_primary_is_gone(empty_database_url: str, wire: Wire) -> None:
    async with opened(wire.url, empty_database_url) as database:
        wire.cut()
        await asyncio.sleep(SEVERAL_CHECKS)
        await until(lambda: database.standby is not database.primary)
        assert await database.standby.value("SELECT 1") == 1


async def test_reads_no_position_of_a_primary_whose_last_read_does_not_end(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standby_watch, "PATIENCE_SECONDS", 0.1)
    reader = standby_watch.PositionReader(ServerWatch(wire.url, statement_seconds=5), standby_watch.WRITTEN)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await reader.read_anew() is None:
                """On a busy machine a tenth of a second may be too short for it."""
            async with reader._turn:  # noqa: SLF001 - as a read holds it that waits for a frozen server
                assert await reader.read_anew() is None
    finally:
        await reader.close()
