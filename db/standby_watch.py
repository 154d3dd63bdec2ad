"""Finds out whether a standby may be read from: one that does not answer or lags behind is left out."""

import asyncio
from contextlib import suppress
from contextvars import Context
from typing import Any, Final

import psycopg
import structlog
from psycopg import AsyncConnection

from db.server_watch import ServerWatch

CHECK_SECONDS: Final = 1.0
# A server that needs longer for this counts as one that does not answer.
PATIENCE_SECONDS: Final = 1.0

# As numbers of bytes. A server that was promoted meanwhile lags behind nobody.
WRITTEN: Final = (
    "SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 END"
)
REPLAYED: Final = """
    SELECT CASE
        WHEN pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::float8
        ELSE 'infinity'::float8
    END
"""

log = structlog.get_logger("matinee.database")


class StandbyWatch:
    """Compares what the standby has replayed with what the primary had written one check before.

    So a standby in use is about two checks behind at most. The clocks of the two machines are not compared, and an idle
    primary makes no standby look late. While the primary does not answer the standby stays in use: it can still answer
    readers, and falls no further behind.
    """

    def __init__(self, primary: ServerWatch, standby: ServerWatch) -> None:
        self._primary, self._standby = PositionReader(primary, WRITTEN), PositionReader(standby, REPLAYED)
        self._written = 0.0
        self.is_usable = True
        # What the standby had replayed at the last check, in bytes.
        self.replayed = 0.0

    async def run(self) -> None:
        """Check again and again, until cancelled."""
        try:
            while True:
                await self.check()
                await asyncio.sleep(CHECK_SECONDS)
        finally:
            await asyncio.gather(self._primary.close(), self._standby.close())

    async def check(self) -> None:
        """Decide whether the standby is in use until the next check."""
        written, replayed = await asyncio.gather(self._primary.read(), self._standby.read())
        is_usable = replayed is not None and replayed >= self._written
        if is_usable and not self.is_usable:
            log.warning("the standby is in use again")
        elif self.is_usable and not is_usable:
            log.warning("the standby is left out", reason="no answer" if replayed is None else "it lags behind")
        self.is_usable = is_usable
        if replayed is not None:
            self.replayed = replayed
        if written is not None:
            self._written = written

    async def read_written(self) -> int | None:
        """Return a position after everything that was acknowledged before the call, None where the primary does not answer."""
        written = await self._primary.read_anew()
        return None if written is None else int(written)


class PositionReader:
    """Reads a server's position in the log over a connection of its own, so that a busy pool is no sign of lag."""

    def __init__(self, watch: ServerWatch, statement: str) -> None:
        self._watch, self._statement = watch, statement
        self._connection: AsyncConnection[Any] | None = None
        self._turn = asyncio.Lock()
        self._next: asyncio.Task[float | None] | None = None

    async def read_anew(self) -> float | None:
        """Return the position, read after the call began, None where there is none in time; callers of one moment share a read."""
        if self._next is None:
            self._next = asyncio.create_task(self._read_next(), context=Context())
        try:
            # The read itself may wait for another one, and is tried twice.
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await asyncio.shield(self._next)
        except TimeoutError:
            return None

    async def _read_next(self) -> float | None:
        async with self._turn:
            # A request that comes from here on may have written after this read.
            self._next = None
            position = await self._read_once()
            # The connection may have been lost while nobody used it.
            return await self._read_once() if position is None else position

    async def read(self) -> float | None:
        """Return the position in bytes, None where the server does not answer in time or has none."""
        async with self._turn:
            return await self._read_once()

    async def _read_once(self) -> float | None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                if self._connection is None:
                    self._connection = await self._watch.connect()
                # Behind a connection pooler nothing may be prepared.
                cursor = await self._connection.execute(self._statement, prepare=False)
                row = await cursor.fetchone()
        except (psycopg.Error, OSError):
            row = None
        position: float | None = row[0] if row else None
        if position is None:
            # With several hosts the next connection leads to another server.
            await self.close()
        return position

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error, OSError):
                await connection.close()
