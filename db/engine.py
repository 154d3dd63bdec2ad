"""Connections to the database: reads of one statement, transactions, and the pools that they take connections from."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, LiteralString, TypeVar

from psycopg import AsyncConnection, AsyncPipeline, errors
from psycopg.pq import PipelineStatus
from psycopg.rows import AsyncRowFactory, kwargs_row, tuple_row

from db.commits import commit_together, track_commit
from db.cursors import CursorCodec
from db.notices import Changed, Kind, Note, Notices, ignore_change
from db.own_writes import find_required_position
from db.pipeline import PooledReads, RawReads
from db.pipeline.statement import Row, bind_text, fetch_made_rows, fetch_tuples, make_row_maker
from db.pool import POOL_TIMEOUT_SECONDS, Pool, begin, run_locally, take_connection
from db.refusals import translate_errors
from db.shared_change import LockedChange
from db.standby_watch import StandbyWatch

T = TypeVar("T")


class PureRead(str):
    """A statement that only reads, so that it can share a connection, and run again where that is lost."""

    __slots__ = ()


class PlannedEachTime(PureRead):
    """A pure read whose best plan depends on its values, so that PostgreSQL plans it each time."""

    __slots__ = ()


class StatementRunner(ABC):
    """Runs statements, and returns their rows: on a connection of its own, or in a transaction."""

    @abstractmethod
    async def fetch(self, factory: AsyncRowFactory[T], statement: str, parameters: Mapping[str, object]) -> list[T]:
        """Run one statement and return its rows; raise Unavailable, or the refusal of a broken constraint."""

    @abstractmethod
    def touch(self, kind: Kind, identity: int) -> None:
        """Notify subscribers of a change once it is durable; takes no time, and never fails."""

    async def rows(self, model: type[Row], statement: str, **parameters: object) -> list[Row]:
        """Return the rows of a statement whose columns are named as the model's attributes."""
        return await self.make_rows(make_row_maker(model), statement, parameters)

    async def make_rows(self, make: Callable[..., T], statement: str, parameters: Mapping[str, object]) -> list[T]:
        """Return what `make` makes of each row, its columns being named arguments."""
        return await self.fetch(kwargs_row(make), statement, parameters)

    async def row(self, model: type[Row], statement: str, **parameters: object) -> Row | None:
        """Return the only row of a statement, None where there is none."""
        found = await self.rows(model, statement, **parameters)
        return found[0] if found else None

    async def tuples(self, statement: str, **parameters: object) -> list[tuple[Any, ...]]:
        """Return the rows of a statement as plain tuples."""
        return await self.fetch(tuple_row, statement, parameters)

    async def value(self, statement: str, **parameters: object) -> Any:
        """Return the first column of the first row, None where there is none."""
        found = await self.tuples(statement, **parameters)
        return found[0][0] if found else None


@dataclass(frozen=True, slots=True)
class Reader(StatementRunner):
    """Reads that each take a connection for one statement, so that sibling fields run concurrently."""

    pool: Pool
    note: Note = ignore_change
    pipelined: RawReads | None = None

    @property
    def pipeline(self) -> RawReads:
        """Reads whose parameters and results stay bytes: over pipelined connections, or over the pool without those."""
        return self.pipelined or PooledReads(self.pool, POOL_TIMEOUT_SECONDS)

    def touch(self, kind: Kind, identity: int) -> None:
        """Notify at once: each statement is its own transaction."""
        self.note(Changed(kind, identity))

    async def make_rows(self, make: Callable[..., T], statement: str, parameters: Mapping[str, object]) -> list[T]:
        """Return what `make` makes of each row, its columns being named arguments."""
        if not isinstance(statement, PureRead):
            return await StatementRunner.make_rows(self, make, statement, parameters)
        is_planned_each_time = isinstance(statement, PlannedEachTime)
        return await fetch_made_rows(
            self.pipeline, make, statement, parameters, is_planned_each_time=is_planned_each_time
        )

    async def tuples(self, statement: str, **parameters: object) -> list[tuple[Any, ...]]:
        """Return the rows of a statement as plain tuples."""
        if not isinstance(statement, PureRead):
            return await StatementRunner.tuples(self, statement, **parameters)
        is_planned_each_time = isinstance(statement, PlannedEachTime)
        return await fetch_tuples(self.pipeline, statement, parameters, is_planned_each_time=is_planned_each_time)

    async def fetch(self, factory: AsyncRowFactory[T], statement: str, parameters: Mapping[str, object]) -> list[T]:
        """Run one statement and return its rows."""
        with translate_errors():
            async with take_connection(self.pool) as connection, run_locally(connection, self.pool):
                return await run_statement(connection, factory, statement, parameters)


@dataclass(frozen=True, slots=True)
class Transaction(StatementRunner):
    """Statements that take effect together or not at all."""

    connection: AsyncConnection[Any]
    touched: set[Changed] = field(default_factory=set)

    def touch(self, kind: Kind, identity: int) -> None:
        """Remember the change until the commit."""
        self.touched.add(Changed(kind, identity))

    async def fetch(self, factory: AsyncRowFactory[T], statement: str, parameters: Mapping[str, object]) -> list[T]:
        """Run one statement and return its rows; the locks of a change travel with it."""
        with translate_errors():
            if isinstance(statement, LockedChange) and statement.lock is not None:
                await self.connection.execute(statement.lock, parameters)
            return await run_statement(self.connection, factory, statement, parameters)

    async def execute(self, statement: str, **parameters: object) -> None:
        """Send a statement that returns no rows along with the next one, which raises its errors."""
        with translate_errors():
            await self.connection.execute(statement, parameters)


@dataclass(frozen=True, slots=True)
class Database:
    """The database: primary and standby, cursors and notices."""

    primary: Reader
    # Where `standby` reads from, as long as that one may be used.
    standby_reader: Reader
    cursors: CursorCodec
    notices: Notices
    standby_watch: StandbyWatch | None = None

    @property
    def standby(self) -> Reader:
        """Reads that may be about two seconds old: from a standby where one answers and does not lag, else the primary.

        A caller who has just changed something reads from the primary until the standby shows that change.
        """
        watch = self.standby_watch
        if watch is None or (watch.is_usable and watch.replayed >= find_required_position()):
            return self.standby_reader
        return self.primary

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Yield a transaction; commit it at the end, roll it back when anything is raised.

        In pipeline mode BEGIN travels with the first statement and COMMIT with the closing sync: a use case of one
        statement costs two round trips, and no lock is held for a third. Raises Unavailable where nothing was changed, and
        OutcomeUnknown where the connection was lost after COMMIT had been sent.
        """
        with track_commit() as commit:
            async with take_connection(self.primary.pool) as connection, connection.pipeline() as pipe:
                await begin(connection, self.primary.pool)
                tx = Transaction(connection)
                try:
                    yield tx
                except BaseException:
                    await undo(connection, pipe, "ROLLBACK")
                    raise
                await commit.send(connection)
        # After the transaction: a NOTIFY in it would make the commits of all transactions that notify wait for each other.
        for change in tx.touched:
            self.primary.note(change)

    async def commit_statement(self, statement: str, **parameters: object) -> None:
        """Run one change as a transaction of its own, in one round trip; raises as `transaction`, or a refusal."""
        await commit_together(self.primary.pool, [bind_text(statement, parameters)])


async def undo(connection: AsyncConnection[Any], pipe: AsyncPipeline, *statements: LiteralString) -> None:
    """Send statements that roll back, while an error is raised; a broken connection has rolled back already."""
    if connection.broken:
        return
    # After an error the server skips everything until a sync. A refusal is not an error of PostgreSQL, and needs no sync: its
    # locks are held for one round trip less.
    if pipe.status is PipelineStatus.ABORTED:
        # The sync reports the skipped statements again.
        with suppress(errors.PipelineAborted):
            await pipe.sync()
    for statement in statements:
        await connection.execute(statement)


async def run_statement(
    connection: AsyncConnection[Any], factory: AsyncRowFactory[T], statement: str, parameters: Mapping[str, object]
) -> list[T]:
    """Return the rows of one statement."""
    # psycopg prepares other statements after a few runs.
    prepare = False if isinstance(statement, PlannedEachTime) else None
    async with connection.cursor(row_factory=factory) as cursor:
        await cursor.execute(statement, parameters, prepare=prepare)
        return await cursor.fetchall()
