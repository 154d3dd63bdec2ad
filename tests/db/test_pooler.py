"""Requests work through PgBouncer in transaction mode, and leave nothing behind on the connections that others get."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Final

import psycopg
import pytest
from httpx import AsyncClient

from app import create_app, open_database
from config.settings import Settings
from db import ids
from db.engine import Database
from db.notices import Changed, listen
from tests.conftest import running
from tests.support.factories import bearer, make_session, make_user
from tests.support.pgbouncer import PROGRAM, pgbouncer
from tests.support.seats import taken, unbalanced

# Fewer than the callers, so that transactions of many share a connection.
SERVER_CONNECTIONS: Final = 2
BUYERS: Final = 12
SETTINGS: Final = ("synchronous_commit", "statement_timeout", "lock_timeout", "search_path", "random_page_cost")
SHOW: Final = "SELECT " + ", ".join(f"current_setting('{name}')" for name in SETTINGS)

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="Debian's package pgbouncer is not installed")


@pytest.fixture
def pooled_url(empty_database_url: str) -> Iterator[str]:
    with pgbouncer(empty_database_url, size=SERVER_CONNECTIONS) as url:
        yield url


@pytest.fixture
def pooled(settings: Settings, pooled_url: str) -> Settings:
    """The settings of a server behind PgBouncer."""
    return replace(settings, database_url=pooled_url, database_direct_url=settings.database_url)


@pytest.fixture
async def behind(pooled: Settings) -> AsyncIterator[Database]:
    async with open_database(pooled) as opened:
        yield opened


async def buy(client: AsyncClient, *, session: str, headers: dict[str, str]) -> int:
    """Return the status of the last step of buying a seat; each step has a key."""
    opened = await client.post(f"/v1/sessions/{session}/book", headers=headers | {"Idempotency-Key": "book"})
    booking = opened.json()["booking"]["id"]
    await client.post(f"/v1/bookings/{booking}/reserve", json={"seats": 1}, headers=headers)
    keyed = headers | {"Idempotency-Key": "confirm"}
    return (await client.post(f"/v1/bookings/{booking}/confirm", headers=keyed)).status_code


async def test_bookings_and_lists_work_through_pooler(database: Database, pooled: Settings) -> None:
    session = await make_session(database, capacity=BUYERS)
    users = [await make_user(database) for _ in range(BUYERS)]
    async with running(create_app(pooled, with_jobs=False)) as client:
        # More than psycopg takes to prepare a statement, where it may.
        for _ in range(7):
            assert (await client.get("/v1/movies")).status_code == 200
        key = ids.encode("ses", session.id)
        statuses = await asyncio.gather(*(buy(client, session=key, headers=bearer(user)) for user in users))
        bookings = await client.get("/v1/bookings", headers=bearer(users[0]))
    assert statuses == [200] * BUYERS
    assert len(bookings.json()["bookings"]) == 1
    assert await taken(database, session) == BUYERS
    assert await unbalanced(database) == []


async def test_no_setting_stays_on_connection_of_pooler(pooled: Settings, pooled_url: str) -> None:
    usual = await asyncio.to_thread(show, pooled_url)
    # Closed before others look: PgBouncer may leave one of its connections with a caller that still has its own.
    async with open_database(pooled) as behind:
        async with behind.transaction() as tx:
            inside = await tx.tuples(SHOW)
            assert await tx.value("SELECT current_setting('statement_timeout')") == "5s"
        assert inside[0][0] == "on"
        await asyncio.gather(*(behind.primary.value("SELECT pg_sleep(0.01)") for _ in range(BUYERS)))
        behind.primary.note(Changed("session", 1))
        await until_sent(behind)
    async with asyncio.timeout(60), AsyncExitStack() as stack:
        # Held at the same time, they are all there are.
        for _ in range(SERVER_CONNECTIONS):
            connection = await psycopg.AsyncConnection.connect(pooled_url)
            await stack.enter_async_context(connection)
            assert await (await connection.execute(SHOW)).fetchone() == usual


def show(url: str) -> tuple[str, ...] | None:
    """Return what a stranger's session has for settings."""
    with psycopg.connect(url) as connection:
        return connection.execute(SHOW).fetchone()


async def until_sent(database: Database) -> None:
    """Return once the notices that wait have been sent."""
    sent = asyncio.Event()
    database.notices.on_sent = lambda _: sent.set()
    database.primary.note(Changed("session", 2))
    async with asyncio.timeout(30):
        await sent.wait()


async def test_notices_are_heard_beside_pooler(behind: Database, pooled: Settings) -> None:
    heard, connected_again = asyncio.Event(), asyncio.Event()
    listening = asyncio.create_task(
        listen(pooled.direct_url or "", hear=lambda _: heard.set(), connected=connected_again.set)
    )
    async with asyncio.timeout(30):
        await connected_again.wait()
        behind.primary.note(Changed("session", 1))
        await heard.wait()
    listening.cancel()


async def test_lock_and_statement_bounds_hold_behind_a_pooler(pooled: Settings) -> None:
    async with open_database(replace(pooled, statement_seconds=0.2)) as opened:
        with pytest.raises(Exception, match="database"):
            await opened.primary.value("SELECT pg_sleep(20)")
