"""Several statements as one transaction in one round trip: libpq's pipeline with a single Sync, which commits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from psycopg import AsyncConnection
from psycopg.abc import PQGen
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.waiting import Ready, Wait

from db.pipeline.connection import is_name_lost
from db.pipeline.statement import Parameters, Statement

ROWS: Final = int(ExecStatus.TUPLES_OK)
ERROR: Final = int(ExecStatus.FATAL_ERROR)
SYNC: Final = int(ExecStatus.PIPELINE_SYNC)
# A name is never used twice in one session.
NUMBERS: Final = count(1)

Bound = tuple[Statement, Parameters]


# What is prepared on each connection, by statement.
NAMES: Final[WeakKeyDictionary[AsyncConnection[Any], dict[Statement, bytes]]] = WeakKeyDictionary()


async def run_transaction(
    connection: AsyncConnection[Any],
    statements: Sequence[Bound],
    *,
    prepares: bool,
    before_commit: Callable[[], None],
) -> list[PGresult]:
    """Return the results with rows, once the transaction of the statements is durable.

    Without an explicit BEGIN all statements up to the Sync are one transaction. `before_commit` is called before the Sync
    is sent: whatever goes wrong afterwards may have come after the commit. `prepares` is false behind a pooler, where a
    statement that was prepared on one server is looked for on another. Raises psycopg's error of the first fault.
    """
    names = NAMES.setdefault(connection, {}) if prepares else None
    try:
        return await exchange(connection, statements, names, before_commit)
    except psycopg.Error as error:
        if not names or error.pgresult is None or not is_name_lost(error.pgresult):
            raise
        # A table has changed since, or somebody cleaned the session up. Nothing was done.
        names.clear()
        return await exchange(connection, statements, names, before_commit)


async def exchange(
    connection: AsyncConnection[Any],
    statements: Sequence[Bound],
    names: dict[Statement, bytes] | None,
    before_commit: Callable[[], None],
) -> list[PGresult]:
    """Send statements with one Sync, and return their rows; `names` are those of statements that are prepared already."""
    pgconn = connection.pgconn
    # A server that has ended this connection has said so by now; then nothing is sent, and nothing can be done twice.
    pgconn.consume_input()
    pgconn.enter_pipeline_mode()
    made: dict[Statement, bytes] = {}
    try:
        for statement, parameters in statements:
            send_statement(pgconn, statement, parameters, names, made)
        before_commit()
        pgconn.pipeline_sync()
        found = await connection.wait(receive_results(pgconn))
    finally:
        leave_pipeline(pgconn)
    if names is not None:
        names |= made
    return found


def send_statement(
    pgconn: PGconn,
    statement: Statement,
    parameters: Parameters,
    names: dict[Statement, bytes] | None,
    made: dict[Statement, bytes],
) -> None:
    """Send a statement, prepared where `names` are kept; put a name that is new into `made`."""
    if names is None:
        pgconn.send_query_params(statement.sql, parameters, statement.types or None)
        return
    name = names.get(statement) or made.get(statement)
    if name is None:
        name = made[statement] = b"matinee_shared_%d" % next(NUMBERS)
        pgconn.send_prepare(name, statement.sql, statement.types or None)
    pgconn.send_query_prepared(name, parameters)


@dataclass(slots=True)
class Answers:
    """What has arrived of the answers up to the Sync."""

    rows: list[PGresult] = field(default_factory=list)
    error: PGresult | None = None
    is_complete: bool = False

    def read(self, pgconn: PGconn) -> None:
        """Take what can be read without waiting; raise psycopg.OperationalError where the connection is lost."""
        while not self.is_complete and not pgconn.is_busy():
            result = pgconn.get_result()
            if result is not None:
                self._take(result)
            elif pgconn.status != ConnStatus.OK:
                raise psycopg.OperationalError("the connection was lost")

    def _take(self, result: PGresult) -> None:
        status = result.status
        if status == ROWS:
            self.rows.append(result)
        elif status == SYNC:
            self.is_complete = True
        elif status == ERROR and self.error is None:
            self.error = result


def receive_results(pgconn: PGconn) -> PQGen[list[PGresult]]:
    """Return the rows of all statements up to the Sync; raise the first error among them."""
    answers, wait = Answers(), Wait.RW
    while not answers.is_complete:
        ready = yield wait
        if ready & Ready.W and not pgconn.flush():
            wait = Wait.R
        if ready & Ready.R:
            pgconn.consume_input()
            answers.read(pgconn)
    if answers.error is not None:
        raise error_from_result(answers.error)
    return answers.rows


def leave_pipeline(pgconn: PGconn) -> None:
    """Leave pipeline mode; end a connection that still has answers on their way, whose next user would read them."""
    try:
        if pgconn.status == ConnStatus.OK:
            pgconn.exit_pipeline_mode()
    except psycopg.OperationalError:
        pgconn.finish()
