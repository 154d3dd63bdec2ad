"""Request-wide transaction: stores a request's effect and its recorded response in one commit."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import AsyncConnection, AsyncPipeline
from psycopg.pq.abc import PGresult
from psycopg.rows import AsyncRowFactory

from db.commits import track_commit
from db.engine import Database, Reader, StatementRunner, T, Transaction, undo
from db.notices import Changed, Kind, Note, ignore_change
from db.pipeline.pooled import run_raw
from db.pipeline.statement import Parameters, RawReads, RawRow, Statement, read_rows, read_value
from db.pool import Pool, begin, take_connection
from db.refusals import translate_errors


class RequestTransaction:
    """A transaction that stays open over all use cases of a request; each use case has a savepoint of its own."""

    def __init__(self, pool: Pool, *, note: Note = ignore_change) -> None:
        """Take a connection from this pool; pass changes to `note` after the commit."""
        self.pool = pool
        self.touched: set[Changed] = set()
        self._note = note
        # Whether a use case has changed something since it began.
        self.is_changed = False
        self._open: tuple[AsyncConnection[Any], AsyncPipeline] | None = None
        self._stack = AsyncExitStack()
        # Sibling fields run concurrently; their savepoints must not interleave.
        self._alone = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        """Whether there is a transaction at the moment."""
        return self._open is not None

    def _require_open(self) -> tuple[AsyncConnection[Any], AsyncPipeline]:
        if self._open is None:
            raise RuntimeError("the transaction of this request is not open")
        return self._open

    async def begin(self) -> None:
        """Begin; BEGIN travels with the first statement. Raise Unavailable where there is no connection in time."""
        with translate_errors():
            connection = await self._stack.enter_async_context(take_connection(self.pool))
            pipe = await self._stack.enter_async_context(connection.pipeline())
            await begin(connection, self.pool)
        self._open, self.is_changed = (connection, pipe), False

    async def commit(self) -> None:
        """Commit; raise OutcomeUnknown where the outcome is not known, Unavailable where nothing was committed."""
        connection, _ = self._require_open()
        with track_commit() as commit:
            await commit.send(connection)
            await self._release()
        for change in self.touched:
            self._note(change)
        self.touched.clear()

    async def roll_back(self) -> None:
        """Roll back and give the connection back; does nothing where the transaction is not open."""
        # The exception under way is the cause, and a lost connection has rolled back by itself.
        with suppress(psycopg.OperationalError):
            try:
                if self._open is not None:
                    await undo(*self._open, "ROLLBACK")
            finally:
                await self._release()

    async def _release(self) -> None:
        self._open = None
        await self._stack.aclose()

    @asynccontextmanager
    async def use_case(self) -> AsyncIterator[Transaction]:
        """Yield the transaction for one use case; an exception undoes this use case and no other."""
        self.is_changed = True
        async with self._savepoint() as tx:
            yield tx
        self.touched |= tx.touched

    @asynccontextmanager
    async def _savepoint(self) -> AsyncIterator[Transaction]:
        connection, pipe = self._require_open()
        with translate_errors():
            await connection.execute("SAVEPOINT use_case")
            try:
                yield Transaction(connection)
                if pipe.result_queue:
                    # A statement without rows may be still under way; its failure belongs to this use case.
                    await pipe.sync()
            except BaseException:
                await undo(connection, pipe, "ROLLBACK TO use_case", "RELEASE use_case")
                raise
            await connection.execute("RELEASE use_case")

    async def fetch(self, factory: AsyncRowFactory[T], statement: str, parameters: Mapping[str, object]) -> list[T]:
        """Run one statement in a savepoint and return its rows; its failure undoes nothing else."""
        async with self._alone, self._savepoint() as tx:
            return await tx.fetch(factory, statement, parameters)

    async def run_raw(self, statement: Statement, parameters: Parameters) -> PGresult:
        """Run one planned read in a savepoint and return its result; its failure undoes nothing else."""
        async with self._alone, self._savepoint() as tx:
            with translate_errors():
                return await run_raw(tx.connection, statement, parameters)

    async def together(self, statements: Sequence[str], **parameters: object) -> list[list[tuple[Any, ...]]]:
        """Return the rows of several statements, run one after the other in one round trip.

        Each begins after the one before has got its locks. A failure undoes the whole transaction.
        """
        connection, _ = self._require_open()
        cursors = [connection.cursor() for _ in statements]
        with translate_errors():
            for cursor, statement in zip(cursors, statements, strict=True):
                await cursor.execute(statement, parameters)
            return [await cursor.fetchall() for cursor in cursors]

    async def execute(self, statement: str, **parameters: object) -> None:
        """Send a statement without rows; it travels with the next one."""
        connection, _ = self._require_open()
        with translate_errors():
            await connection.execute(statement, parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestReader(Reader):
    """Reads inside the transaction, and so sees its changes."""

    request_tx: RequestTransaction

    @property
    def pipeline(self) -> RawReads:
        """Planned reads inside the transaction."""
        return RequestReads(self.request_tx)

    def touch(self, kind: Kind, identity: int) -> None:
        """Notify subscribers of a change after the commit."""
        self.request_tx.touched.add(Changed(kind, identity))

    # The transaction's connection is this request's alone: rows are read as psycopg reads them.
    make_rows = StatementRunner.make_rows
    tuples = StatementRunner.tuples

    async def fetch(self, factory: AsyncRowFactory[T], statement: str, parameters: Mapping[str, object]) -> list[T]:
        """Run one statement and return its rows."""
        return await self.request_tx.fetch(factory, statement, parameters)


@dataclass(frozen=True, slots=True)
class RequestReads:
    """Stands in for pipelined reads: planned reads inside the transaction."""

    request_tx: RequestTransaction

    async def fetch_value(self, statement: Statement, parameters: Parameters) -> bytes | None:
        """Return the first column of the first row."""
        return read_value(await self.run(statement, parameters))

    async def fetch_rows(self, statement: Statement, parameters: Parameters) -> list[RawRow]:
        """Return all rows."""
        return read_rows(await self.run(statement, parameters))

    async def run(self, statement: Statement, parameters: Parameters) -> PGresult:
        """Return the result of a statement."""
        return await self.request_tx.run_raw(statement, parameters)


@dataclass(frozen=True, slots=True)
class RequestCommits(StatementRunner):
    """Stands in for CommitBatcher: changes of one statement each, inside the transaction."""

    request_tx: RequestTransaction

    def touch(self, kind: Kind, identity: int) -> None:
        """Notify subscribers of a change after the commit."""
        self.request_tx.touched.add(Changed(kind, identity))

    async def fetch(self, factory: AsyncRowFactory[T], statement: str, parameters: Mapping[str, object]) -> list[T]:
        """Run one change inside the transaction and return its rows."""
        self.request_tx.is_changed = True
        return await self.request_tx.fetch(factory, statement, parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDatabase(Database):
    """Stands in for the database: use cases commit nothing, and reads see their changes."""

    request_tx: RequestTransaction

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Yield the transaction for one use case."""
        async with self.request_tx.use_case() as tx:
            yield tx

    async def commit_statement(self, statement: str, **parameters: object) -> None:
        """Run one change as a use case; it is committed with the request."""
        async with self.transaction() as tx:
            await tx.execute(statement, **parameters)


def bind_database(request_tx: RequestTransaction, database: Database) -> RequestDatabase:
    """Return a database whose reads and transactions run inside the request's transaction."""
    reader = RequestReader(request_tx.pool, request_tx=request_tx)
    return RequestDatabase(
        primary=reader, standby_reader=reader, cursors=database.cursors, notices=database.notices, request_tx=request_tx
    )
