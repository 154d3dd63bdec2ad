"""A PostgreSQL that is frozen: every wait for it ends, and everything works by itself once it goes on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg_pool import PoolTimeout
from structlog.testing import capture_logs

from db import cursors, notices, opening
from db.engine import Database
from db.notices import Changed
from db.pipeline import Statement
from db.pool import QUEUE_TIMEOUT_SECONDS
from db.server_watch import KNOWN_SILENT_SECONDS
from errors import Unavailable
from tests.support.factories import SECRET
from tests.support.frozen_server import frozen, own_cluster, stopped
from tests.support.lived import lived

# A caller must have heard within 2 s; the rest is for a machine that is busy with other tests.
BOUND_SECONDS = 4.0
PATIENCE_SECONDS = 20.0
ONE = Statement(b"SELECT 1::text")


@pytest.fixture(scope="module")
def cluster() -> Iterator[tuple[Path, str]]:
    with own_cluster() as made:
        yield made


@pytest.fixture
def data_dir(cluster: tuple[Path, str]) -> Path:
    return cluster[0]


@pytest.fixture
def url(cluster: tuple[Path, str]) -> str:
    return cluster[1]


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with connected(url) as opened:
        assert await opened.primary.value("SELECT 1") == 1
        yield opened


@asynccontextmanager
async def connected(url: str, **bounds: Any) -> AsyncIterator[Database]:
    told = {"read_conninfo": None, "size": 4, "statement_seconds": 5, "lock_seconds": 2} | bounds
    async with opening.connect_database(url, cursors=cursors.make_codec([SECRET.encode()]), **told) as opened:
        yield opened


async def read(database: Database) -> object:
    return await database.primary.value("SELECT 1")


async def change(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.tuples("SELECT pg_advisory_xact_lock(1)")


async def read_by_pipeline(database: Database) -> object:
    return await database.primary.pipeline.fetch_value(ONE, [])


async def seconds_until_refused(call: Awaitable[object]) -> float:
    with lived() as spent, pytest.raises(Unavailable):
        await call
    return spent.seconds


async def until_it_works(call: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await call()
                return
            except Unavailable:
                await asyncio.sleep(0.05)


@pytest.mark.alone
@pytest.mark.parametrize("call", [read, change, read_by_pipeline])
async def test_raises_unavailable_within_two_seconds_while_server_is_frozen(
    database: Database, data_dir: Path, call: Callable[[Database], Awaitable[object]]
) -> None:
    await call(database)
    with frozen(data_dir):
        # More of them than there are connections: whoever waits for one is refused in time too.
        took = await asyncio.gather(*(seconds_until_refused(call(database)) for _ in range(6)))
        assert max(took) < BOUND_SECONDS
        assert await seconds_until_refused(call(database)) < BOUND_SECONDS
    await until_it_works(lambda: call(database))


async def test_no_caller_waits_long_for_server_that_is_known_to_be_silent(database: Database, data_dir: Path) -> None:
    with frozen(data_dir):
        # The connections that waited for it are broken, and there are no others.
        await asyncio.gather(*(seconds_until_refused(read(database)) for _ in range(6)))
        async with asyncio.timeout(PATIENCE_SECONDS):
            with pytest.raises(PoolTimeout):
                await database.primary.pool.getconn(10 * PATIENCE_SECONDS)
        assert database.primary.pool.timeout == KNOWN_SILENT_SECONDS
    await until_it_works(lambda: read(database))
    assert database.primary.pool.timeout == QUEUE_TIMEOUT_SECONDS


@pytest.mark.alone
async def test_cancelled_caller_does_not_wait_for_frozen_server(database: Database, data_dir: Path) -> None:
    with frozen(data_dir):
        with lived() as spent:
            waiting = asyncio.create_task(read(database))
            await asyncio.sleep(0.05)
            waiting.cancel()
            await asyncio.wait({waiting}, timeout=PATIENCE_SECONDS)
        assert waiting.done()
        assert spent.seconds < BOUND_SECONDS
    await until_it_works(lambda: read(database))


@pytest.mark.alone
async def test_close_ends_in_time_while_server_is_frozen(url: str, data_dir: Path) -> None:
    async with connected(url) as database:
        await read(database)
        await read_by_pipeline(database)
        with frozen(data_dir):
            with lived() as spent:
                database.notices.note(Changed("session", 1))
                waiting = asyncio.create_task(seconds_until_refused(read(database)))
                await asyncio.sleep(0.1)
                leaving = asyncio.create_task(database.notices.close())
                await asyncio.wait({leaving, waiting}, timeout=PATIENCE_SECONDS)
            assert leaving.done()
            assert spent.seconds < BOUND_SECONDS


async def test_slow_statement_is_not_taken_for_frozen_server(database: Database) -> None:
    assert await database.primary.value("SELECT 'slow' FROM pg_sleep(2.5)") == "slow"


async def test_connection_to_one_frozen_backend_is_given_up(url: str) -> None:
    async with connected(url, size=1, statement_seconds=0.3) as database:
        pid = await database.primary.value("SELECT pg_backend_pid()")
        with psycopg.connect(url, autocommit=True) as other, stopped(int(pid)):
            assert other.execute("SELECT 1").fetchone() == (1,)
            assert await seconds_until_refused(read(database)) < PATIENCE_SECONDS


async def test_listener_hears_again_after_server_was_frozen(
    database: Database, url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "SILENCE_SECONDS", 0.2)
    heard: asyncio.Queue[Changed] = asyncio.Queue()
    connected_again = asyncio.Semaphore(0)
    with capture_logs() as logged:
        listening = asyncio.create_task(notices.listen(url, hear=heard.put_nowait, connected=connected_again.release))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await connected_again.acquire()
            with frozen(data_dir):
                while not any(line["event"].startswith("not listening") for line in logged):  # noqa: ASYNC110 - a log has no event
                    await asyncio.sleep(0.02)
            await connected_again.acquire()
            database.notices.note(Changed("session", 7))
            assert await heard.get() == Changed("session", 7)
        listening.cancel()
        await asyncio.wait({listening})
