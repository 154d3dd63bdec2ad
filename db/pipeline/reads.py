"""Reads of all callers over a few pipelined connections: chooses a connection for each statement, and replaces lost ones."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg.pq.abc import PGresult

from db.pipeline.connection import Answer, Call, PipelineConnection
from db.pipeline.pooled import PooledReads
from db.pipeline.session import RefusedByPoolerError, make_session_conninfo, open_session
from db.pipeline.statement import Parameters, RawReads, RawRow, Statement, read_rows, read_value, require_text
from errors import Unavailable
from runtime.logs import describe_error
from runtime.pipeline_metrics import PipelineEvent

# Together less than the 2 s in which a caller must get the answer that there is no database.
ANSWER_SECONDS: Final = 1.5
CHECK_SECONDS: Final = 0.05
# No statement waits behind one that takes longer.
SLOW_SECONDS: Final = 0.1
# After this time without data from the server, a new connection shows whether the statement is slow or the server frozen.
PROBE_SECONDS: Final = 0.4
# PostgreSQL ends a statement by itself; this time after that, the connection is given up.
GRACE_SECONDS: Final = 1.0
SPARE_SECONDS: Final = 10.0
PAUSES: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
MOST_WAITING: Final = 10_000

CountEvent = Callable[[PipelineEvent, int], object]

log = structlog.get_logger("matinee.pipeline")


def ignore_event(event: PipelineEvent, number: int) -> None:
    """Count nothing."""


class PipelinedReads:
    """Reads over shared connections, which the first read opens; RawReads states their errors."""

    def __init__(
        self,
        conninfo: str,
        *,
        connections: int,
        statement_seconds: float,
        needs_primary: bool,
        fallback: PooledReads | None = None,
        count_event: CountEvent = ignore_event,
    ) -> None:
        """Keep `connections` connections to a database, and spare ones while slow statements hold all of them.

        Where a pooler refuses such connections, reads use `fallback`.
        """
        self._conninfo = conninfo
        self._needs_primary = needs_primary
        self._fallback = fallback
        self._is_refused = False
        self._count_event = count_event
        # Counted together from time to time: counting takes a tenth of a statement's time.
        self._uncounted = 0
        self._wanted = connections
        self._longest = statement_seconds + GRACE_SECONDS
        self._connections: list[PipelineConnection] = []
        self._waiting: deque[Call] = deque()
        self._openers: set[asyncio.Task[None]] = set()
        self._probe: asyncio.Task[None] | None = None
        self._check: asyncio.TimerHandle | None = None
        # When the server last sent anything, and when slow statements last held all connections.
        self._heard = self._spared = 0.0
        self._failures = 0
        self._is_closed = False

    async def fetch_value(self, statement: Statement, parameters: Parameters) -> bytes | None:
        """Return the first column of the first row; None for NULL, and where there is no row."""
        return read_value(await self.run(statement, parameters))

    async def fetch_rows(self, statement: Statement, parameters: Parameters) -> list[RawRow]:
        """Return all rows."""
        return read_rows(await self.run(statement, parameters))

    async def run(self, statement: Statement, parameters: Parameters) -> PGresult:
        """Return the result as libpq holds it."""
        try:
            return await self.start(statement, parameters)
        except RefusedByPoolerError:
            return await self.run(statement, parameters)

    def start(self, statement: Statement, parameters: Parameters) -> Answer:
        """Send a statement, and return the future of its result; RefusedByPoolerError in it asks to send it again."""
        require_text(parameters)
        if self._fallback is not None and self._is_refused:
            return asyncio.ensure_future(self._fallback.run(statement, parameters))
        if self._is_closed or len(self._waiting) >= MOST_WAITING:
            raise Unavailable
        loop = asyncio.get_running_loop()
        call = Call(statement, parameters, answer=loop.create_future(), since=loop.time())
        self._uncounted += 1
        self._dispatch(call)
        if self._check is None:
            self._check = loop.call_later(CHECK_SECONDS, self._check_all)
        return call.answer

    def _dispatch(self, call: Call) -> None:
        chosen = self._shortest_queue()
        if chosen is None:
            self._waiting.append(call)
            self._open_missing()
        else:
            chosen.send(call)

    def _shortest_queue(self) -> PipelineConnection | None:
        chosen = None
        for connection in self._connections:
            if chosen is None or (connection.is_slow, len(connection)) < (chosen.is_slow, len(chosen)):
                chosen = connection
        return chosen

    def _open_missing(self) -> None:
        while len(self._connections) + len(self._openers) < self._wanted and not self._is_closed:
            opener = asyncio.create_task(self._open_until_done())
            self._openers.add(opener)
            opener.add_done_callback(self._openers.discard)

    async def _open_until_done(self) -> None:
        while True:
            try:
                self._adopt(await open_session(self._conninfo, needs_primary=self._needs_primary))
                return
            except RefusedByPoolerError:
                if self._fallback is not None:
                    self._read_by_pool()
                    return
                raise
            except (psycopg.Error, OSError) as error:
                pause = PAUSES[min(self._failures, len(PAUSES) - 1)]
                self._failures += 1
                if self._failures <= len(PAUSES):
                    log.warning("no pipelined connection; trying again", reason=describe_error(error), seconds=pause)
                await asyncio.sleep(pause)

    def _read_by_pool(self) -> None:
        """Give pipelined connections up for good, and send waiting statements over the pool."""
        if not self._is_refused:
            log.error("no pipelined connections through this pooler; set MATINEE_PIPELINE_CONNECTIONS=0")
        self._is_refused = True
        waiting, self._waiting = self._waiting, deque()
        for call in waiting:
            call.fail(RefusedByPoolerError())

    def _adopt(self, session: AsyncConnection[Any]) -> None:
        self._heard, self._failures = asyncio.get_running_loop().time(), 0
        self._connections.append(PipelineConnection(session, on_lost=self._replace))
        waiting, self._waiting = self._waiting, deque()
        for call in waiting:
            if not call.answer.done():
                self._dispatch(call)

    def _replace(self, lost: PipelineConnection) -> None:
        """Replace a lost connection, and run its unanswered statements again: reads can run twice."""
        if lost in self._connections:
            self._connections.remove(lost)
        log.warning("a pipelined connection was lost", statements=len(lost))
        self._count_event("connection lost", 1)
        self._open_missing()
        latest = asyncio.get_running_loop().time() - ANSWER_SECONDS
        for call in lost.take_all():
            # Only once: a statement that breaks a connection must not break one after the other.
            if call.is_resent or call.since < latest:
                call.fail(Unavailable())
            else:
                call.is_resent = True
                self._dispatch(call)

    def _check_all(self) -> None:
        """Check all connections and waiting statements, as long as there are any."""
        loop = asyncio.get_running_loop()
        self._check = loop.call_later(CHECK_SECONDS, self._check_all)
        for connection in list(self._connections):
            # Read first what arrived while this process was busy: that delay is not the server's.
            connection.receive()
            self._heard = max(self._heard, connection.heard)
        now = loop.time()
        for connection in list(self._connections):
            self._check_connection(connection, now)
        while self._waiting and self._waiting[0].since < now - ANSWER_SECONDS:
            self._waiting.popleft().fail(Unavailable())
        self._close_surplus(now)
        self._count_event("statement sent", self._uncounted)
        self._uncounted = 0
        if not self._waiting and not any(len(connection) for connection in self._connections):
            self._check.cancel()
            self._check = None

    def _check_connection(self, connection: PipelineConnection, now: float) -> None:
        seconds = now - connection.busy_since if len(connection) else 0.0
        silence = now - self._heard
        connection.is_slow = seconds > SLOW_SECONDS
        if not connection.is_slow:
            return
        is_frozen = seconds > ANSWER_SECONDS and silence > ANSWER_SECONDS - PROBE_SECONDS
        if is_frozen or seconds > self._longest:
            connection.lose()
            return
        if self._needs_spare():
            self._spared = now
            self._open_probe()
        elif silence > PROBE_SECONDS:
            self._open_probe()
        free = self._shortest_queue()
        if free is not None and not free.is_slow:
            moved = connection.take_waiting()
            self._count_event("statement moved", len(moved))
            for call in moved:
                self._dispatch(call)

    def _needs_spare(self) -> bool:
        are_slow = all(connection.is_slow for connection in self._connections)
        return are_slow and len(self._connections) < 2 * self._wanted

    def _open_probe(self) -> None:
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(self._probe_once())

    async def _probe_once(self) -> None:
        """Show that the server is alive, and let the new connection help where slow statements hold all others."""
        # A failure is no sign of life; the checks decide what follows from that.
        with suppress(psycopg.Error, OSError):
            session = await open_session(self._conninfo, needs_primary=self._needs_primary)
            self._heard = asyncio.get_running_loop().time()
            if self._needs_spare():
                self._adopt(session)
            else:
                await session.close()

    def _close_surplus(self, now: float) -> None:
        """Close spare connections that have not been needed for a while."""
        surplus = len(self._connections) - self._wanted
        if surplus <= 0 or now - self._spared < SPARE_SECONDS:
            return
        for connection in [each for each in self._connections if not len(each)][:surplus]:
            self._connections.remove(connection)
            connection.close()

    async def close(self) -> None:
        """End all connections; callers that still wait get Unavailable."""
        self._is_closed = True
        if self._check is not None:
            self._check.cancel()
        tasks = [*self._openers, *filter(None, [self._probe])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        left = [*self._waiting]
        for connection in self._connections:
            connection.close()
            left += connection.take_all()
        self._connections.clear()
        for call in left:
            call.fail(Unavailable())


def start_read(reads: RawReads, statement: Statement, parameters: Parameters) -> Answer:
    """Begin a read without waiting for anything, and return the future of what `reads.run` returns.

    RefusedByPoolerError in it asks to read again. Reads that are not pipelined need a task.
    """
    if isinstance(reads, PipelinedReads):
        return reads.start(statement, parameters)
    return asyncio.ensure_future(reads.run(statement, parameters))


@asynccontextmanager
async def open_pipeline(
    conninfo: str,
    *,
    connections: int = 2,
    statement_seconds: float,
    lock_seconds: float,
    needs_primary: bool = True,
    fallback: PooledReads | None = None,
    count_event: CountEvent = ignore_event,
) -> AsyncIterator[PipelinedReads]:
    """Yield reads over pipelined connections, without waiting for the database: the first read connects."""
    address = make_session_conninfo(conninfo, statement_seconds=statement_seconds, lock_seconds=lock_seconds)
    reads = PipelinedReads(
        address,
        connections=connections,
        statement_seconds=statement_seconds,
        needs_primary=needs_primary,
        fallback=fallback,
        count_event=count_event,
    )
    try:
        yield reads
    finally:
        await reads.close()
