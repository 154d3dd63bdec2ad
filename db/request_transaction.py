"""One transaction for all that a request does, so that its answer can become durable in the same instant."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import AsyncConnection, AsyncPipeline
from psycopg.pq.abc import PGresult
from psycopg.rows import AsyncRowFactory

from db.commit_outcome import commit_outcome
from db.engine import Database, Reader, Reading, T, Transaction, undo
from db.notices import Changed, Kind, Note, unheard
from db.pipeline.pooled import run_raw
from db.pipeline.statement import Parameters, RawReads, RawRow, Statement, rows_of, value_of
from db.refusals import refusals
from db.session_settings import Pool, begin
from db.taken_connection import take_connection


class RequestTransaction:
    """A transaction that stays open from one use case to the next. Each has a savepoint of its own to be undone to."""

    def __init__(self, pool: Pool, *, note: Note = unheard) -> None:
        """Take connections from this pool; tell of changes by `note` once they are durable."""
        self.pool = pool
        self.touched: set[Changed] = set()
        self._note = note
        # Whether a use case has changed something since it began.
        self.is_changed = False
        self._open: tuple[AsyncConnection[Any], AsyncPipeline] | None = None
        self._stack = AsyncExitStack()
        # Statements of siblings come at the same time; their savepoints must not cross.
        self._alone = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        """Whether there is a transaction at the moment."""
        return self._open is not None

    def _opened(self) -> tuple[AsyncConnection[Any], AsyncPipeline]:
        if self._open is None:
            raise RuntimeError("the transaction of this request is not open")
        return self._open

    async def begin(self) -> None:
        """Begin; BEGIN travels with the first statement. Raise Unavailable where there is no connection in time."""
        with refusals():
            connection = await self._stack.enter_async_context(take_connection(self.pool))
            pipe = await self._stack.enter_async_context(connection.pipeline())
            await begin(connection, self.pool)
        self._open, self.is_changed = (connection, pipe), False

    async def commit(self) -> None:
        """Make durable what was done; raise OutcomeUnknown where that is not certain, Unavailable where it is not done."""
        connection, _ = self._opened()
        with commit_outcome() as commit:
            await commit.send(connection)
            await self._let_go()
        for change in self.touched:
            self._note(change)
        self.touched.clear()

    async def roll_back(self) -> None:
        """Undo all of it, and give the connection back; nothing where it is not open."""
        # What is being raised already is what is wrong, and a connection that is gone has undone everything.
        with suppress(psycopg.OperationalError):
            try:
                if self._open is not None:
                    await undo(*self._open, "ROLLBACK")
            finally:
                await self._let_go()

    async def _let_go(self) -> None:
        self._open = None
        await self._stack.aclose()

    @asynccontextmanager
    async def use_case(self) -> AsyncIterator[Transaction]:
        """Yield the transaction for one use case; what it raises undoes what it has done, and nothing else."""
        self.is_changed = True
        async with self._savepoint() as tx:
            yield tx
        self.touched |= tx.touched

    @asynccontextmanager
    async def _savepoint(self) -> AsyncIterator[Transaction]:
        connection, pipe = self._opened()
        with refusals():
            await connection.execute("SAVEPOINT use_case")
            try:
                yield Transaction(connection)
                if pipe.result_queue:
                    # A statement without rows is still on its way; what it fails of belongs here.
                    await pipe.sync()
            except BaseException:
                await undo(connection, pipe, "ROLLBACK TO use_case", "RELEASE use_case")
                raise
            await connection.execute("RELEASE use_case")

    async def fetch(self, factory: AsyncRowFactory[T], statement: str, parameters: Mapping[str, object]) -> list[T]:
        """Run one statement by itself and return its rows; where it fails, what came before stands."""
        async with self._alone, self._savepoint() as tx:
            return await tx.fetch(factory, statement, parameters)

    async def run_raw(self, statement: Statement, parameters: Parameters) -> PGresult:
        """Run one planned read by itself and return its result; where it fails, what came before stands."""
        async with self._alone, self._savepoint() as tx:
            with refusals():
                return await run_raw(tx.connection, statement, parameters)

    async def together(self, statements: Sequence[str], **parameters: object) -> list[list[tuple[Any, ...]]]:
        """Return the rows of several statements, each of which sees what the one before has waited for.

        They cost one round trip. What fails undoes the whole transaction.
        """
        connection, _ = self._opened()
        cursors = [connection.cursor() for _ in statements]
        with refusals():
            for cursor, statement in zip(cursors, statements, strict=True):
                await cursor.execute(statement, parameters)
            return [await cursor.fetchall() for cursor in cursors]

    async def execute(self, statement: str, **parameters: object) -> None:
        """Send a statement that returns no rows along with what comes next."""
        connection, _ = self._opened()
        with refusals():
            await connection.execute(statement, parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldReader(Reader):
    """Reads inside the transaction, which has what it has changed before its eyes."""

    held: RequestTransaction

    @property
    def pipeline(self) -> RawReads:
        """Planned reads inside the transaction."""
        return HeldReads(self.held)

    def touch(self, kind: Kind, identity: int) -> None:
        """Have subscribers told of a change once it is durable."""
        self.held.touched.add(Changed(kind, identity))

    async def fetch(self, factory: AsyncRowFactory[T], statement: str, parameters: Mapping[str, object]) -> list[T]:
        """Run one statement and return its rows."""
        return await self.held.fetch(factory, statement, parameters)


@dataclass(frozen=True, slots=True)
class HeldReads:
    """Stands in for pipelined reads: planned reads inside the transaction."""

    held: RequestTransaction

    async def fetch_value(self, statement: Statement, parameters: Parameters) -> bytes | None:
        """Return the first column of the first row."""
        return value_of(await self.held.run_raw(statement, parameters))

    async def fetch_rows(self, statement: Statement, parameters: Parameters) -> list[RawRow]:
        """Return all rows."""
        return rows_of(await self.held.run_raw(statement, parameters))


@dataclass(frozen=True, slots=True)
class RequestCommits(Reading):
    """Stands in for CommitBatcher: changes of one statement each, inside the transaction."""

    held: RequestTransaction

    def touch(self, kind: Kind, identity: int) -> None:
        """Have subscribers told of a change once it is durable."""
        self.held.touched.add(Changed(kind, identity))

    async def fetch(self, factory: AsyncRowFactory[T], statement: str, parameters: Mapping[str, object]) -> list[T]:
        """Run one change and return its rows, durable once the transaction is."""
        self.held.is_changed = True
        return await self.held.fetch(factory, statement, parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDatabase(Database):
    """Stands in for the database: use cases commit nothing, and reads see what they have done."""

    held: RequestTransaction

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Yield the transaction for one use case."""
        async with self.held.use_case() as tx:
            yield tx


def inside(held: RequestTransaction, database: Database) -> RequestDatabase:
    """Return the database as it is seen from inside the transaction."""
    reader = HeldReader(held.pool, held=held)
    return RequestDatabase(
        primary=reader, standby=reader, cursors=database.cursors, notices=database.notices, held=held
    )
