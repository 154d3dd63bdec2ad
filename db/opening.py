"""Opens the database of a server: its pools, pipelined reads, notices, and the watches of its servers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from psycopg import AsyncConnection

from db.cursors import CursorCodec
from db.engine import Database, Reader
from db.notices import Notices
from db.pipeline import CountEvent, PooledReads, RawReads, ignore_event, open_pipeline
from db.pool import POOL_TIMEOUT_SECONDS, Pool, make_pool
from db.server_watch import ServerWatch
from db.standby_watch import StandbyWatch
from runtime.shutdown import SERVICES_CLOSED, limit_to_deadline

# A pool that is connecting to a server that does not answer is left to itself after that.
POOL_END_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class ReaderFactory:
    """Opens readers that stay open until the end of the stack."""

    stack: AsyncExitStack
    notices: Notices
    make_pool: Callable[..., Pool]
    # None where reads are not pipelined.
    open_pipeline: Callable[..., AbstractAsyncContextManager[RawReads]] | None
    trace_reads: Callable[[RawReads], RawReads] | None

    async def open_reader(self, conninfo: str, watch: ServerWatch, *, direct: str, needs_primary: bool) -> Reader:
        """Return the reads of a server; `direct` is its address for connections that need a session of their own."""
        pool = await _open_pool(self.stack, self.make_pool(conninfo, watch=watch))
        reads: RawReads = PooledReads(pool, POOL_TIMEOUT_SECONDS)
        if self.open_pipeline is not None:
            reads = await self.stack.enter_async_context(
                self.open_pipeline(direct, needs_primary=needs_primary, fallback=reads)
            )
        return Reader(pool, self.notices.note, self.trace_reads(reads) if self.trace_reads else reads)

    async def open_standby(
        self, conninfo: str, watch: ServerWatch, *, primary: ServerWatch
    ) -> tuple[Reader, StandbyWatch]:
        """Return the reads of a standby, and what compares it with its primary until the end of the stack."""
        reader = await self.open_reader(conninfo, watch, direct=conninfo, needs_primary=False)
        compared = StandbyWatch(primary, watch)
        self.stack.push_async_callback(_cancel, asyncio.create_task(compared.run()))
        return reader, compared


@asynccontextmanager
async def connect_database(
    conninfo: str,
    *,
    read_conninfo: str | None,
    direct_conninfo: str | None = None,
    cursors: CursorCodec,
    size: int,
    statement_seconds: float,
    lock_seconds: float,
    connection_class: type[AsyncConnection[Any]] = AsyncConnection,
    pipeline_connections: int = 2,
    trace_reads: Callable[[RawReads], RawReads] | None = None,
    count_event: CountEvent = ignore_event,
) -> AsyncIterator[Database]:
    """Yield the database, without waiting for it: a server that starts before its database answers 503 until then.

    With a `direct_conninfo`, the other addresses are those of a connection pooler in transaction mode. Notices and pipelined
    reads of the primary, which need a session, then use the direct address.

    For traces, the pools make connections of `connection_class`, and `trace_reads` wraps the pipelined reads.
    `count_event` counts the events of pipelined connections.
    """
    bounds: dict[str, Any] = {"statement_seconds": statement_seconds, "lock_seconds": lock_seconds}
    is_pooled = direct_conninfo is not None
    pools = partial(make_pool, size=size, is_pooled=is_pooled, connection_class=connection_class, **bounds)
    pipelines = partial(open_pipeline, connections=pipeline_connections, count_event=count_event, **bounds)
    direct = direct_conninfo or conninfo
    async with AsyncExitStack() as stack:
        # A pooler answers even where its server does not, so the watch needs the direct address.
        watch = ServerWatch(direct, statement_seconds=statement_seconds)
        notices = Notices(watch)
        readers = ReaderFactory(stack, notices, pools, pipelines if pipeline_connections else None, trace_reads)
        primary = standby = await readers.open_reader(conninfo, watch, direct=direct, needs_primary=True)
        standby_watch = None
        if read_conninfo:
            of_standby = ServerWatch(read_conninfo, statement_seconds=statement_seconds)
            standby, standby_watch = await readers.open_standby(read_conninfo, of_standby, primary=watch)
        stack.push_async_callback(notices.close)
        yield Database(primary, standby, cursors, notices, standby_watch)


async def _open_pool(stack: AsyncExitStack, pool: Pool) -> Pool:
    """Open a pool until the end of the stack. Not by `async with`, which would wait for the first connections."""
    await pool.open()
    stack.push_async_callback(_close_pool, pool)
    return pool


async def _close_pool(pool: Pool) -> None:
    await pool.close(limit_to_deadline(POOL_END_SECONDS, deadline=SERVICES_CLOSED))


async def _cancel(task: asyncio.Task[None]) -> None:
    """Cancel a task, and return once it has ended."""
    task.cancel()
    await asyncio.wait([task])
