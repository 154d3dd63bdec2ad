"""Commits: runs statements as one transaction in one round trip, and tells failed commits from unknown ones."""

import asyncio
import select
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count, islice
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from psycopg import AsyncConnection, errors
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg_pool import AsyncConnectionPool

from db.pipeline.connection import MOST_PREPARED, is_name_lost
from db.pipeline.statement import Parameters, Statement, bind_text
from db.pool import APPLY, POOL_TIMEOUT_SECONDS, Pool, renew_after_demotion
from db.refusals import translate_error
from db.server_watch import CANCEL_SECONDS, WatchedConnection
from errors import OutcomeUnknown

# The function of PostgreSQL that waits for the synchronous standby. Its warnings are translated, its name is not.
STANDBY_WAIT: Final = "SyncRepWaitForLSN"
# Raised while the connection is taken down. The commit may have happened before that.
ENDINGS: Final = ("FATAL", "PANIC")
ROWS: Final = int(ExecStatus.TUPLES_OK)
DONE: Final = int(ExecStatus.COMMAND_OK)
ERROR: Final = int(ExecStatus.FATAL_ERROR)
SYNC: Final = int(ExecStatus.PIPELINE_SYNC)
# A name is never used twice in one session.
NUMBERS: Final = count(1)

Bound = tuple[Statement, Parameters]
# What is prepared on each connection, by statement.
NAMES: Final[WeakKeyDictionary[AsyncConnection[Any], dict[Statement, bytes]]] = WeakKeyDictionary()


@dataclass(slots=True)
class SentCommits:
    """Whether a commit of one request may have been sent."""

    is_any: bool = False


# Set for a request that may be cancelled in the middle of a commit (edge/middleware.py).
SENT_COMMITS: Final[ContextVar[SentCommits | None]] = ContextVar("SENT_COMMITS", default=None)


def note_commit() -> None:
    """Note that a commit of the running request is sent from here on, by itself or together with others."""
    sent = SENT_COMMITS.get()
    if sent is not None:
        sent.is_any = True


class Commit:
    """A commit that is sent in the pipeline behind earlier statements; its answer is read when the pipeline ends."""

    def __init__(self) -> None:
        self.connection: AsyncConnection[Any] | None = None
        self.is_unreplicated = False

    async def send(self, connection: AsyncConnection[Any]) -> None:
        """Send COMMIT."""
        self.expect(connection)
        await connection.execute("COMMIT")

    def expect(self, connection: AsyncConnection[Any]) -> None:
        """Note that the commit is sent next: an error from here on may have happened after it."""
        if connection.closed:
            raise psycopg.OperationalError("the connection was lost before the commit")
        if self.connection is None:
            note_commit()
            self.connection = connection
            connection.add_notice_handler(self._hear)

    def forget(self) -> None:
        """Note that PostgreSQL has undone what was sent: nothing is on its way to a commit."""
        if self.connection is not None:
            self.connection.remove_notice_handler(self._hear)
            self.connection = None

    def _hear(self, notice: errors.Diagnostic) -> None:
        if notice.source_function == STANDBY_WAIT:
            self.is_unreplicated = True


@contextmanager
def track_commit() -> Iterator[Commit]:
    """Yield the commit; raise OutcomeUnknown where it was sent but not answered, or the refusal of an error.

    The block ends after the answer to the commit has been read. A commit whose wait for the synchronous standby was cancelled is
    answered as if it were done, but the next primary may not have it: its outcome is unknown as well.
    """
    commit = Commit()
    try:
        yield commit
    except psycopg.Error as error:
        refusal = OutcomeUnknown() if commit.connection and is_lost(error) else translate_error(error)
        if refusal is error:
            raise
        raise refusal from error
    finally:
        commit.forget()
    if commit.is_unreplicated:
        raise OutcomeUnknown


def is_lost(error: psycopg.Error) -> bool:
    """Return whether an error is the end of the connection. An error that PostgreSQL answers has undone the transaction."""
    if isinstance(error, errors.PipelineAborted | errors.IdleInTransactionSessionTimeout):
        return False
    severity = error.diag.severity_nonlocalized
    return isinstance(error, psycopg.OperationalError) and (severity is None or severity in ENDINGS)


async def commit_together(pool: Pool, statements: Sequence[Bound]) -> list[PGresult]:
    """Return the results with rows once all is durable.

    Raises Unavailable where nothing was done, OutcomeUnknown where the connection was lost after the commit had been sent,
    and the refusal of a broken constraint.
    """
    is_local = pool.settings.is_local
    sent = [bind_text(APPLY, pool.settings.parameters), *statements] if is_local else statements
    with track_commit() as commit:
        # Not by `pool.connection()`, which waits for a commit of its own at the end. The wait has the bounds of Pool.getconn.
        connection = await AsyncConnectionPool.getconn(pool, min(POOL_TIMEOUT_SECONDS, pool.timeout))
        try:
            with trace(connection, sent):
                found = await run_transaction(connection, sent, prepares=not is_local, commit=commit)
        except psycopg.Error as error:
            await renew_after_demotion(pool, error)
            raise
        finally:
            await pool.putconn(connection)
    return found[1:] if is_local else found


def trace(connection: AsyncConnection[Any], statements: Sequence[Bound]) -> AbstractContextManager[None]:
    """Return the span of a transaction, where the connections of the pool are traced (runtime/tracing.py)."""
    trace_transaction = getattr(connection, "trace_transaction", None)
    if trace_transaction is None:
        return nullcontext()
    span: AbstractContextManager[None] = trace_transaction([statement.sql for statement, _ in statements])
    return span


async def run_transaction(
    connection: AsyncConnection[Any],
    statements: Sequence[Bound],
    *,
    prepares: bool,
    commit: Commit,
) -> list[PGresult]:
    """Return the results with rows, once the transaction of the statements is durable.

    Without an explicit BEGIN all statements up to the Sync are one transaction. `commit` is expected before the Sync is sent:
    whatever goes wrong afterwards may have come after the commit. `prepares` is false behind a pooler, where a
    statement that was prepared on one server is looked for on another. Raises psycopg's error of the first fault.
    """
    names = NAMES.setdefault(connection, {}) if prepares else None
    try:
        return await exchange(connection, statements, names, commit)
    except psycopg.Error as error:
        if not names or error.pgresult is None or not is_name_lost(error.pgresult):
            raise
        # A table has changed since, or somebody cleaned the session up. Nothing was done.
        names.clear()
        commit.forget()
        return await exchange(connection, statements, names, commit)


async def exchange(
    connection: AsyncConnection[Any],
    statements: Sequence[Bound],
    names: dict[Statement, bytes] | None,
    commit: Commit | None,
) -> list[PGresult]:
    """Send statements with one Sync, and return their rows; `names` are those of statements that are prepared already.

    `commit` is None where they end no transaction.
    """
    pgconn = connection.pgconn
    # Nothing is sent after the end, so that nothing can be done twice.
    read_ending(pgconn)
    pgconn.enter_pipeline_mode()
    made: dict[Statement, bytes] = {}
    answers = Answers(connection)
    try:
        for statement, parameters in statements:
            send_statement(pgconn, statement, parameters, names, made)
        if commit is not None:
            commit.expect(connection)
        pgconn.pipeline_sync()
        return await answers.receive()
    finally:
        leave_pipeline(pgconn)
        if names is not None:
            # What was prepared stays, whatever becomes of the transaction. They were sent in the order of `made`.
            names.update(islice(made.items(), answers.prepared))


def read_ending(pgconn: PGconn, *, signs: int = select.POLLIN) -> None:
    """Raise OperationalError where the server has ended the connection.

    It may have said why before that. libpq reads what was said without an error, and shows the end at the read after it.
    `signs` are the events of the socket besides its error and its end that may show an end.
    """
    arrived = select.poll()
    arrived.register(pgconn.socket, signs)
    while arrived.poll(0):
        pgconn.consume_input()


def send_statement(
    pgconn: PGconn,
    statement: Statement,
    parameters: Parameters,
    names: dict[Statement, bytes] | None,
    made: dict[Statement, bytes],
) -> None:
    """Send a statement, prepared where `names` are kept and have room; put a name that is new into `made`.

    What is planned each time, or has no plan as BEGIN and COMMIT, is not prepared.
    """
    name = None if names is None else names.get(statement) or made.get(statement)
    if name is None:
        if names is None or statement.is_planned_each_time or len(names) + len(made) >= MOST_PREPARED:
            pgconn.send_query_params(statement.sql, parameters, statement.types or None)
            return
        name = made[statement] = b"matinee_shared_%d" % next(NUMBERS)
        pgconn.send_prepare(name, statement.sql, statement.types or None)
    pgconn.send_query_prepared(name, parameters)


class Answers:
    """What has arrived of the answers up to the Sync.

    It reads them itself as they arrive, which takes a future and a callback. psycopg's own way of waiting makes an event, a
    task and a timer for each piece that arrives.
    """

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        """Read the answers of a connection in pipeline mode to which all is written."""
        self._connection = connection
        self._pgconn = connection.pgconn
        self._watched = connection if isinstance(connection, WatchedConnection) else None
        self._rows: list[PGresult] = []
        self._error: PGresult | None = None
        self._is_answered = False
        # How many statements were prepared.
        self.prepared = 0
        self._loop = asyncio.get_running_loop()
        self._complete: asyncio.Future[None] = self._loop.create_future()
        # Kept, because libpq does not tell it once the connection is lost.
        self._socket = self._pgconn.socket
        self._is_reading = False

    async def receive(self) -> list[PGresult]:
        """Return the results with rows; raise psycopg's error of the first fault, OperationalError for a lost connection."""
        self._loop.add_reader(self._socket, self._read)
        self._is_reading = True
        self._begin_wait()
        try:
            if self._pgconn.flush():
                self._loop.add_writer(self._socket, self._flush)
            await self._complete
        except asyncio.CancelledError:
            self._stop_reading()
            # Nobody waits for the statements any more, and they may hold locks.
            with suppress(psycopg.Error, OSError):
                await self._connection.cancel_safe(timeout=CANCEL_SECONDS)
            raise
        finally:
            self._stop_reading()
            self._end_wait()
        if self._error is not None:
            raise error_from_result(self._error)
        return self._rows

    def _begin_wait(self) -> None:
        # As WatchedConnection.wait does; the watch itself is called only where its checks do not run yet.
        if self._watched is not None:
            watch = self._watched.watch
            watch.waits[self._watched] = 0
            if not watch.is_checking:
                watch.begin_checks()

    def _end_wait(self) -> None:
        if self._watched is not None:
            watch = self._watched.watch
            watch.waits.pop(self._watched, None)
            if watch.is_doubted and self._is_answered:
                watch.note_life()

    def _stop_reading(self) -> None:
        if self._is_reading:
            self._is_reading = False
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)

    def _flush(self) -> None:
        try:
            if not self._pgconn.flush():
                self._loop.remove_writer(self._socket)
        except psycopg.OperationalError as error:
            self._fail(error)

    def _read(self) -> None:
        try:
            self._pgconn.consume_input()
            self._take_all()
            if not self._complete.done():
                # uvloop calls once for an error of the socket, and what came before it may be all that was read.
                read_ending(self._pgconn, signs=0)
        except psycopg.OperationalError as error:
            self._fail(error)

    def _take_all(self) -> None:
        while not (self._complete.done() or self._pgconn.is_busy()):
            self._take(self._pgconn.get_result())

    def _take(self, result: PGresult | None) -> None:
        if result is None:
            # The end of a statement's results, or of the connection.
            if self._pgconn.status != ConnStatus.OK:
                self._fail(psycopg.OperationalError("the connection was lost"))
            return
        status = result.status
        if status == ROWS:
            self._rows.append(result)
        elif status == SYNC:
            self._is_answered = True
            self._complete.set_result(None)
        elif status == DONE and not result.command_status:
            # A statement that has run names its command.
            self.prepared += 1
        elif status == ERROR and self._error is None:
            self._error = result

    def _fail(self, error: psycopg.OperationalError) -> None:
        # Not later: libpq has closed the socket, and the next one that is opened gets its number.
        self._stop_reading()
        if not self._complete.done():
            self._complete.set_exception(error)


def leave_pipeline(pgconn: PGconn) -> None:
    """Leave pipeline mode; end a connection that still has answers on their way, whose next user would read them."""
    try:
        if pgconn.status == ConnStatus.OK:
            pgconn.exit_pipeline_mode()
    except psycopg.OperationalError:
        pgconn.finish()
