"""One connection in libpq's pipeline mode: statements of many callers, answered in the order in which they were sent."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from itertools import islice
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection, capabilities
from psycopg.errors import ReadOnlySqlTransaction, error_from_result
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult

from db.pipeline.statement import Parameters, Statement
from db.refusals import translate_error

# Each takes 10 to 100 kB of the server's memory on every connection.
MOST_PREPARED: Final = 256
# The server may run a statement once more for each move.
MOST_MOVES: Final = 3

# libpq's numbers, compared for every result; the enumeration's own comparison costs three times as much.
ROWS: Final = int(ExecStatus.TUPLES_OK)
ERROR: Final = int(ExecStatus.FATAL_ERROR)
SYNC: Final = int(ExecStatus.PIPELINE_SYNC)
COPIES: Final = frozenset({int(ExecStatus.COPY_OUT), int(ExecStatus.COPY_IN), int(ExecStatus.COPY_BOTH)})

# PostgreSQL's function that finds a cached plan out of date: its message is translated, its name is not.
CHANGED_PLAN: Final = b"RevalidateCachedQuery"
# No such prepared statement, or a second one of that name: a pooler resets this session or shares it.
LOST_NAMES: Final = (b"26000", b"42P05")

Answer = asyncio.Future[PGresult]


class Call:
    """A statement whose answer a caller waits for; where the caller has gone, the future is done."""

    __slots__ = ("answer", "is_resent", "is_unprepared", "moves", "parameters", "since", "statement")

    def __init__(self, statement: Statement, parameters: Parameters, *, answer: Answer, since: float) -> None:
        self.statement = statement
        self.parameters = parameters
        self.answer = answer
        # When the caller came, by the event loop's clock.
        self.since = since
        # How often it was moved from behind a slow statement, and whether it was on a lost connection.
        self.moves = 0
        self.is_resent = False
        self.is_unprepared = False

    def fail(self, error: BaseException) -> None:
        """Raise an error at the caller, if it still waits."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Sent:
    """A statement on its way; `call` is None once another connection has taken it over."""

    __slots__ = ("call", "error", "name", "prepares", "rows")

    def __init__(self, call: Call) -> None:
        self.call: Call | None = call
        self.name = b""
        self.prepares = False
        self.rows: PGresult | None = None
        self.error: PGresult | None = None


class PipelineConnection:
    """A connection that all callers share.

    A Sync follows each statement, so that each is a transaction of its own, and its failure does not affect others.
    Statements are never cancelled: when the request arrives, the server may be running another caller's statement.
    """

    def __init__(self, connection: AsyncConnection[Any], *, on_lost: Callable[["PipelineConnection"], None]) -> None:
        """Take over a connection, and call `on_lost` once when it breaks."""
        # Kept, because psycopg warns of an open connection that is garbage collected.
        self._connection = connection
        self._pgconn = connection.pgconn
        self._socket = self._pgconn.socket
        self._loop = asyncio.get_running_loop()
        self._on_lost = on_lost
        self._sent: deque[Sent] = deque()
        self._names: OrderedDict[Statement, bytes] = OrderedDict()
        self._unneeded: list[bytes] = []
        self._number = 0
        self._is_open = True
        # Set by the owner: its statement takes so long that others should not wait behind it.
        self.is_slow = False
        # When the server began the statement that is answered next, and when it last sent anything.
        self.busy_since = self.heard = self._loop.time()
        self._pgconn.enter_pipeline_mode()
        self._loop.add_reader(self._socket, self.receive)

    def __len__(self) -> int:
        """Return how many statements are on their way."""
        return len(self._sent)

    def send(self, call: Call) -> None:
        """Send a statement. An error of the connection shows as its loss."""
        sent = Sent(call)
        if not self._sent:
            self.busy_since = self._loop.time()
        self._sent.append(sent)
        try:
            if call.is_unprepared or call.statement.is_planned_each_time:
                # Parsed, bound and run in one transaction: no change of a table can come in between a second time.
                self._pgconn.send_query_params(call.statement.sql, call.parameters, call.statement.types or None)
            else:
                self._send_prepared(sent, call)
            self._pgconn.pipeline_sync()
            if self._pgconn.flush():
                self._loop.add_writer(self._socket, self._flush)
        except psycopg.OperationalError:
            self.lose()
        except Exception as error:  # noqa: BLE001  # it is raised at the caller
            # Half of it may have been sent, so other statements continue on another connection.
            call.fail(error)
            self.lose()

    def _send_prepared(self, sent: Sent, call: Call) -> None:
        statement = call.statement
        name = self._names.get(statement)
        if name is None:
            name = self._prepare(statement)
            sent.prepares = True
        else:
            self._names.move_to_end(statement)
        sent.name = name
        self._pgconn.send_query_prepared(name, call.parameters)

    def _prepare(self, statement: Statement) -> bytes:
        if len(self._names) >= MOST_PREPARED:
            self._unneeded.append(self._names.popitem(last=False)[1])
        for name in self._unneeded:
            if capabilities.has_send_close_prepared():
                self._pgconn.send_close_prepared(name)
            else:
                self._pgconn.send_query_params(b"DEALLOCATE " + name, None)
        self._unneeded.clear()
        # A name is never used twice, so a new name does not exist on the server, whatever happened to an old one.
        self._number += 1
        name = self._names[statement] = b"matinee_%d" % self._number
        self._pgconn.send_prepare(name, statement.sql, statement.types or None)
        return name

    def _flush(self) -> None:
        try:
            is_left = self._pgconn.flush()
        except psycopg.OperationalError:
            self.lose()
        else:
            if not is_left:
                self._loop.remove_writer(self._socket)

    def receive(self) -> None:
        """Read what has arrived, and answer all whose answer is complete."""
        if not self._is_open:
            return
        try:
            self._pgconn.consume_input()
        except psycopg.OperationalError:
            # What arrived before the end is read all the same.
            self._read_results()
            self.lose()
        else:
            self._read_results()

    def _read_results(self) -> None:
        pgconn, waiting = self._pgconn, self._sent
        now = self._loop.time()
        while waiting and not pgconn.is_busy():
            result = pgconn.get_result()
            if result is None:
                if pgconn.status != ConnStatus.OK:
                    break
                continue
            self.heard = now
            status = result.status
            if status == ROWS:
                waiting[0].rows = result
            elif status == SYNC:
                self.busy_since = now
                self._finish(waiting.popleft())
            elif status == ERROR and waiting[0].error is None:
                waiting[0].error = result
            elif status in COPIES:
                self._give_up_no_read(waiting.popleft())

    def _finish(self, sent: Sent) -> None:
        call = sent.call
        if sent.error is not None:
            self._finish_failed(sent, sent.error)
        elif sent.rows is None:
            self._give_up_no_read(sent)
        elif call is not None and not call.answer.done():
            call.answer.set_result(sent.rows)

    def _give_up_no_read(self, sent: Sent) -> None:
        """Give the connection up after a statement without rows: SET, BEGIN or COPY would affect later statements."""
        if sent.call is not None:
            sent.call.fail(psycopg.ProgrammingError("a statement without rows was sent as a read"))
        self.lose()

    def _finish_failed(self, sent: Sent, error: PGresult) -> None:
        call = sent.call
        has_lost_name = bool(sent.name) and is_name_lost(error)
        if call is None or call.answer.done():
            return
        if has_lost_name or sent.prepares:
            self._forget(call.statement, sent.name)
        if has_lost_name:
            call.is_unprepared = True
            self.send(call)
            return
        raised = error_from_result(error)
        # These sessions are read-only, so this error is a bug, and not a sign of a failover.
        refusal = raised if isinstance(raised, ReadOnlySqlTransaction) else translate_error(raised)
        refusal.__cause__ = None if refusal is raised else raised
        call.fail(refusal)

    def _forget(self, statement: Statement, name: bytes) -> None:
        """Let the next caller prepare the statement again."""
        if self._names.get(statement) == name:
            del self._names[statement]
            self._unneeded.append(name)

    def take_waiting(self) -> list[Call]:
        """Return the calls behind the statement that the server runs; their answers on this connection will be dropped."""
        taken = []
        for sent in islice(self._sent, 1, None):
            call = sent.call
            if call is not None and call.moves < MOST_MOVES and not call.answer.done():
                call.moves += 1
                taken.append(call)
                sent.call = None
        return taken

    def lose(self) -> None:
        """Give the connection up, and tell the owner."""
        if self._is_open:
            self.close()
            self._on_lost(self)

    def close(self) -> None:
        """End the connection."""
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._pgconn.finish()

    def take_all(self) -> list[Call]:
        """Return the calls that a lost connection leaves unanswered."""
        left = [sent.call for sent in self._sent if sent.call is not None and not sent.call.answer.done()]
        self._sent.clear()
        return left


def is_name_lost(error: PGresult) -> bool:
    """Return whether the error is only that a prepared statement is gone or out of date."""
    is_out_of_date = error.error_field(DiagnosticField.SOURCE_FUNCTION) == CHANGED_PLAN
    return is_out_of_date or error.error_field(DiagnosticField.SQLSTATE) in LOST_NAMES
