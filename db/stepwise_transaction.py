"""Transaction in steps: each sends several statements at once and reads their results, and the last one commits."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg_pool import AsyncConnectionPool

from db.commits import NAMES, Bound, Commit, exchange, trace, track_commit
from db.pipeline.connection import is_name_lost
from db.pipeline.statement import Statement, bind_text
from db.pool import APPLY, POOL_TIMEOUT_SECONDS, Pool, renew_after_demotion

BEGIN, COMMIT, ROLLBACK = (
    (Statement(command, is_planned_each_time=True), ()) for command in (b"BEGIN", b"COMMIT", b"ROLLBACK")
)


class StepwiseTransaction:
    """A transaction on one connection. It begins with its first step, so that BEGIN takes no round trip of its own."""

    def __init__(self, connection: AsyncConnection[Any], pool: Pool) -> None:
        """Run on this connection of the pool."""
        self._connection = connection
        # Behind a pooler a statement that was prepared on one server is looked for on another.
        self._names = None if pool.settings.is_local else NAMES.setdefault(connection, {})
        self._start: list[Bound] = [BEGIN]
        if pool.settings.is_local:
            self._start.append(bind_text(APPLY, pool.settings.parameters))

    async def run(self, statements: Sequence[Bound]) -> list[PGresult]:
        """Return the results with rows of statements that are sent in one round trip; raise psycopg's errors."""
        sent, skipped = [*self._start, *statements], len(self._start[1:])
        self._start = []
        return (await self._send(sent, None))[skipped:]

    async def commit(self, statements: Sequence[Bound]) -> None:
        """Run statements without rows and commit, in one round trip.

        Raises OutcomeUnknown where the outcome is not known, Unavailable or the refusal of an error where nothing was committed.
        """
        with track_commit() as commit:
            await self._send([*statements, COMMIT], commit)

    async def roll_back(self) -> None:
        """Roll back what is open; a lost connection has rolled back by itself."""
        if self._connection.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            with suppress(psycopg.OperationalError):
                await self._send([ROLLBACK], None)

    async def _send(self, statements: Sequence[Bound], commit: Commit | None) -> list[PGresult]:
        try:
            with trace(self._connection, statements):
                return await exchange(self._connection, statements, self._names, commit)
        except psycopg.Error as error:
            if self._names and error.pgresult is not None and is_name_lost(error.pgresult):
                # A table has changed since, or somebody cleaned the session up: the next transaction prepares anew.
                self._names.clear()
            raise


@asynccontextmanager
async def open_stepwise(pool: Pool) -> AsyncIterator[StepwiseTransaction]:
    """Yield a transaction, which is rolled back unless the block commits it.

    Raises PoolTimeout where there is no connection in time.
    """
    # Not by `pool.connection()`, which waits for a commit of its own at the end. The wait has the bounds of Pool.getconn.
    connection = await AsyncConnectionPool.getconn(pool, min(POOL_TIMEOUT_SECONDS, pool.timeout))
    try:
        transaction = StepwiseTransaction(connection, pool)
        try:
            yield transaction
        finally:
            await transaction.roll_back()
    except psycopg.Error as error:
        await renew_after_demotion(pool, error)
        raise
    finally:
        await pool.putconn(connection)
