"""A server that ends a connection ends every wait for it, on the event loop that the real server runs on.

uvloop tells of a socket's error once. What the server sent before the end is read first, without an error.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg
import pytest
from psycopg.pq import ConnStatus

from db.commits import commit_together
from db.pipeline import Statement, open_pipeline
from db.pipeline.statement import bind_text, load_rows
from db.pool import Pool, make_pool
from db.server_watch import break_connection
from errors import OutcomeUnknown

uvloop = pytest.importorskip("uvloop", reason="the server runs on it where there is one")

BACKEND: Final = "SELECT pg_backend_pid()"
# Meanwhile the backend reads nothing: it ends with most of the next statement unread, which is an error of our socket.
SLEEP_SECONDS: Final = 2.0
LONG_TEXT: Final = "x" * 50_000
PATIENCE: Final = 10.0

Admin = psycopg.Connection[Any]


async def until(holds: Callable[[], bool]) -> None:
    """Return in the first turn of the event loop in which this holds."""
    while True:
        if holds():
            return
        await asyncio.sleep(0)


async def end_while_busy(admin: Admin, backend: int) -> None:
    """End a backend once it sleeps; the event loop sees nothing before it is gone."""
    busy = "SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = %s"
    await until(lambda: admin.execute(busy, [backend]).fetchone() == (True,))
    assert admin.execute("SELECT pg_terminate_backend(%s, 10000)", [backend]).fetchone() == (True,)


@asynccontextmanager
async def opened_pool(url: str) -> AsyncIterator[Pool]:
    """Yield a pool of one connection."""
    pool = make_pool(url, size=1, statement_seconds=5, lock_seconds=2)
    await pool.open(wait=True)
    try:
        yield pool
    finally:
        await pool.close()


def test_commit_whose_backend_ends_has_an_unknown_outcome(empty_database_url: str) -> None:
    async def commit(admin: Admin) -> None:
        async with opened_pool(empty_database_url) as pool, asyncio.timeout(PATIENCE):
            (found,) = await commit_together(pool, [bind_text(BACKEND, {})])
            ((backend,),) = load_rows(found)
            statements = [
                bind_text("SELECT pg_sleep(%(seconds)s)::text", {"seconds": SLEEP_SECONDS}),
                bind_text("SELECT %(text)s::text", {"text": LONG_TEXT}),
            ]
            waiting = asyncio.create_task(commit_together(pool, statements))
            await end_while_busy(admin, backend)
            with pytest.raises(OutcomeUnknown):
                await waiting

    with psycopg.connect(empty_database_url, autocommit=True) as admin:
        uvloop.run(commit(admin))


def test_reads_whose_backend_ends_are_sent_again(empty_database_url: str) -> None:
    async def read(admin: Admin) -> None:
        async with (
            open_pipeline(empty_database_url, connections=1, statement_seconds=5, lock_seconds=2) as reads,
            asyncio.timeout(PATIENCE),
        ):
            backend = await reads.fetch_value(Statement(BACKEND.encode()), [])
            waiting = asyncio.gather(
                reads.fetch_value(Statement(b"SELECT pg_sleep($1::float8)::text"), [b"%f" % SLEEP_SECONDS]),
                reads.fetch_value(Statement(b"SELECT length($1::text)"), [LONG_TEXT.encode()]),
            )
            await end_while_busy(admin, int(backend or 0))
            assert list(await waiting) == [b"", b"%d" % len(LONG_TEXT)]

    with psycopg.connect(empty_database_url, autocommit=True) as admin:
        uvloop.run(read(admin))


async def test_lost_connection_takes_no_reader_from_next_socket_of_its_number(empty_database_url: str) -> None:
    loop, heard = asyncio.get_running_loop(), asyncio.Event()
    async with opened_pool(empty_database_url) as pool, asyncio.timeout(PATIENCE):
        waiting = asyncio.create_task(commit_together(pool, [bind_text("SELECT pg_sleep(9)", {})]))
        waits = pool.watch.waits if pool.watch else {}
        await until(lambda: bool(waits))
        (connection,) = waits
        number = connection.pgconn.socket
        break_connection(connection)
        await until(lambda: connection.pgconn.status != ConnStatus.OK)
        # libpq has closed the socket, and the caller has not heard of it yet.
        ours, theirs = socket.socketpair()
        with ours, theirs:
            assert ours.fileno() == number
            loop.add_reader(ours, heard.set)
            with pytest.raises(OutcomeUnknown):
                await waiting
            theirs.send(b"heard")
            await heard.wait()
            loop.remove_reader(ours)
