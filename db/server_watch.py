"""Detects a PostgreSQL server that has stopped answering, and breaks the connections that wait for it.

A frozen server keeps its sockets open: its kernel still acknowledges what is sent, so no timeout of TCP ends the wait, and a
request to cancel is not answered either. Only a deadline of our own does.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, TypeVar

import psycopg
import structlog
from psycopg import AsyncConnection, Connection
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

from db.conninfo import add_deadlines

T = TypeVar("T")

# Time is counted in checks and not by the clock: a process that was busy itself must not blame the server.
CHECK_SECONDS: Final = 0.1
# After so many checks without a sign of life from the server, a new connection is opened to get one.
PROBE_CHECKS: Final = 3
# Less than the 2 s in which a caller must get the answer that the database does not answer.
SILENT_CHECKS: Final = 15
# While the server is known to be silent, no caller waits long for it, nor for a connection to it.
KNOWN_SILENT_CHECKS: Final = 3
KNOWN_SILENT_SECONDS: Final = KNOWN_SILENT_CHECKS * CHECK_SECONDS
# PostgreSQL ends a statement by itself; this time after that, its connection is broken.
GRACE_SECONDS: Final = 1.0
CANCEL_SECONDS: Final = 1.0
UNANSWERED: Final = (TransactionStatus.ACTIVE, TransactionStatus.UNKNOWN)

log = structlog.get_logger("matinee.database")


class ServerWatch:
    """Watches one server by the answers to this process's statements, and by probes while no answer comes."""

    def __init__(self, conninfo: str, *, statement_seconds: float) -> None:
        """Watch the server at this address, which ends a statement after `statement_seconds`."""
        self._conninfo = add_deadlines(conninfo)
        self._statement_checks = count_checks(statement_seconds)
        # For how many checks each connection has waited for its present answer.
        self.waits: dict[WatchedConnection, int] = {}
        # Called with whether the server is silent, when that changes.
        self.followers: list[Callable[[bool], None]] = []
        # Whether checks run; they end where no connection waits.
        self.is_checking = False
        # Whether a check has found a connection waiting since the last answer.
        self.is_doubted = False
        self._silent_checks = 0
        self._is_silent = False
        self._probe: asyncio.Task[None] | None = None

    def connection_class(self, parent: type[AsyncConnection[Any]] = AsyncConnection) -> "type[WatchedConnection]":
        """Return a class of connections to this server that are watched, derived from `parent`."""
        bases = (WatchedConnection,) if parent is AsyncConnection else (WatchedConnection, parent)
        return type(WatchedConnection.__name__, bases, {"watch": self})

    async def connect(self) -> "WatchedConnection":
        """Return a new connection in autocommit mode; raise psycopg.OperationalError where there is none in time."""
        return await self.connection_class().connect(self._conninfo, autocommit=True)

    @property
    def is_silent(self) -> bool:
        """Return whether the server has stopped answering, as far as this process knows."""
        return self._is_silent

    def begin_wait(self, connection: "WatchedConnection") -> None:
        """Count how long a connection waits for its answer."""
        self.waits[connection] = 0
        if not self.is_checking:
            self.begin_checks()

    def end_wait(self, connection: "WatchedConnection", *, is_answered: bool) -> None:
        """Stop counting; an answer is a sign of life."""
        self.waits.pop(connection, None)
        if is_answered and self.is_doubted:
            self.note_life()

    def begin_checks(self) -> None:
        """Check the waits from time to time, as long as there are any."""
        self.is_checking = True
        asyncio.get_running_loop().call_later(CHECK_SECONDS, self._check)

    def note_life(self) -> None:
        """Note that the server has answered."""
        self._silent_checks, self.is_doubted = 0, False
        if self._is_silent:
            self._set_silent(is_silent=False)
            log.warning("the database answers again")

    def _check(self) -> None:
        # A connection that listens for notices waits too, but the server owes it no answer.
        waiting = [each for each in self.waits if each.pgconn.transaction_status == TransactionStatus.ACTIVE]
        self._silent_checks = self._silent_checks + 1 if waiting else 0
        self.is_doubted |= bool(waiting)
        for connection in waiting:
            self.waits[connection] += 1
        self._judge(max((self.waits[each] for each in waiting), default=0))
        for connection in waiting:
            if self.waits[connection] > self._most_checks(connection):
                break_connection(connection)
        self.is_checking = bool(self.waits)
        if self.is_checking:
            asyncio.get_running_loop().call_later(CHECK_SECONDS, self._check)

    def _judge(self, longest: int) -> None:
        """Decide whether the server is silent, where the longest wait has lasted for so many checks."""
        if min(longest, self._silent_checks) >= PROBE_CHECKS and (self._probe is None or self._probe.done()):
            self._probe = asyncio.create_task(self._probe_once())
        is_late = longest >= SILENT_CHECKS and self._silent_checks >= SILENT_CHECKS - PROBE_CHECKS
        if is_late and not self._is_silent:
            self._set_silent(is_silent=True)
            log.warning(
                "the database does not answer; connections that wait for it are broken", waiting=len(self.waits)
            )

    def _set_silent(self, *, is_silent: bool) -> None:
        self._is_silent = is_silent
        for follow in self.followers:
            follow(is_silent)

    def _most_checks(self, connection: "WatchedConnection") -> int:
        return KNOWN_SILENT_CHECKS if self._is_silent else connection.longest_checks or self._statement_checks

    async def _probe_once(self) -> None:
        """Open a connection; an answer is a sign of life."""
        try:
            connection = await AsyncConnection.connect(self._conninfo, autocommit=True)
        except (psycopg.Error, OSError) as error:
            # PostgreSQL's own refusal, too many connections say, is an answer as well.
            if "FATAL" in str(error):
                self.note_life()
            return
        self.note_life()
        await connection.close()


class WatchedConnection(AsyncConnection[Any]):
    """A connection whose every wait for the server has an end."""

    watch: ServerWatch
    # For statements whose time limit in PostgreSQL differs from that of the others.
    longest_checks: int | None = None

    async def wait(self, gen: PQGen[T], interval: float = CHECK_SECONDS, timeout: float | None = None) -> T:  # noqa: ASYNC109 - as psycopg has it
        """Wait for the server; raise psycopg.OperationalError where it does not answer."""
        self.watch.begin_wait(self)
        is_answered = False
        try:
            found = await super().wait(gen, interval, timeout)
            # In pipeline mode a wait may end once the statement is sent: the connection is active then.
            is_answered = self.pgconn.transaction_status not in UNANSWERED
            return found
        finally:
            self.watch.end_wait(self, is_answered=is_answered)

    async def cancel_safe(self, *, timeout: float = CANCEL_SECONDS) -> None:  # noqa: ASYNC109 - as psycopg has it
        """Ask the server to cancel the statement, and give up soon: a frozen one does not even answer that."""
        longest = KNOWN_SILENT_SECONDS if self.watch.is_silent else CANCEL_SECONDS
        await super().cancel_safe(timeout=min(timeout, longest))


def break_connection(connection: AsyncConnection[Any] | Connection[Any]) -> None:
    """End the stream from the server: psycopg sees its end, and the statement that waits for it raises an error."""
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.pgconn.socket)) as duplicate:
        duplicate.shutdown(socket.SHUT_RDWR)


@asynccontextmanager
async def allow_longer_statements(connection: AsyncConnection[Any], *, seconds: float) -> AsyncIterator[None]:
    """Allow longer statements on a connection, whose time limit in PostgreSQL is `seconds` meanwhile."""
    if not isinstance(connection, WatchedConnection):
        yield
        return
    connection.longest_checks = count_checks(seconds)
    try:
        yield
    finally:
        connection.longest_checks = None


def count_checks(statement_seconds: float) -> int:
    """Return after how many checks a statement of this bound is overdue."""
    return int((statement_seconds + GRACE_SECONDS) / CHECK_SECONDS)
