"""Holds two changes at the exact points where they could get in each other's way."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, LiteralString, TypeVar

import psycopg
from psycopg import AsyncConnection

from db.engine import Database

T = TypeVar("T")

WAITING: Final = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
# In a pipeline PostgreSQL calls a connection active, even while it waits for what comes next.
OPEN: Final = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND xact_start IS NOT NULL AND wait_event = 'ClientRead'
"""
PATIENCE_SECONDS: Final = 5.0


@asynccontextmanager
async def holding(
    database: Database, statement: LiteralString, **parameters: object
) -> AsyncIterator[AsyncConnection[Any]]:
    """Run a statement that locks rows, hold them for the length of the block, then let go."""
    async with await psycopg.AsyncConnection.connect(str(database.primary.pool.conninfo)) as connection:
        await connection.execute(statement, parameters)
        yield connection
        await connection.commit()


async def started(database: Database, change: Coroutine[Any, Any, T], *, waiting: int = 1) -> "asyncio.Task[T]":
    """Return the change as a task, once so many connections in all wait for a lock."""
    task = asyncio.create_task(change)
    await until_waiting(database, waiting)
    return task


async def until_waiting(database: Database, number: int) -> None:
    """Return once so many connections wait for a lock."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await database.primary.value(WAITING) < number:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.01)


async def until_no_transaction_waits(database: Database) -> None:
    """Return once no transaction is open that waits for its client; PostgreSQL shows the end of one a moment after a commit."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await database.primary.value(OPEN):  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.01)
