"""The pool of connections: the settings of its sessions, and how a connection is taken from it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from psycopg import AsyncConnection, errors
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool

from db.conninfo import add_deadlines
from db.server_watch import KNOWN_SILENT_SECONDS, ServerWatch

# Less than the 2 s in which a caller must get the answer that there is no database.
POOL_TIMEOUT_SECONDS: Final = 1.5
# For libraries that pass no timeout: procrastinate would wait half a minute, after SIGTERM too.
QUEUE_TIMEOUT_SECONDS: Final = 2 * POOL_TIMEOUT_SECONDS
# The pool doubles its pauses between attempts up to this time, then starts again with the next caller. Otherwise it would
# wait for an hour after an hour without a database.
RECONNECT_SECONDS: Final = 2.0

# Applied once for a connection or, behind a connection pooler, in each transaction.
APPLY: Final = """
    SELECT set_config('search_path', 'public, queue', %(is_local)s),
        set_config('timezone', 'UTC', %(is_local)s),
        set_config('datestyle', 'ISO', %(is_local)s),
        set_config('statement_timeout', %(statement)s, %(is_local)s),
        set_config('lock_timeout', %(lock)s, %(is_local)s),
        -- The default assumes disks that seek, and PostgreSQL would sort rather than read in an index's order.
        set_config('random_page_cost', '1.1', %(is_local)s),
        -- PostgreSQL expects so much of the functions that derive columns that it would compile them anew for each row.
        set_config('jit', 'off', %(is_local)s),
        set_config('idle_in_transaction_session_timeout', '10s', %(is_local)s),
        -- Acknowledged commits must be on disk, whatever the defaults of database and role are.
        set_config('synchronous_commit', coalesce(nullif(current_setting('synchronous_commit'), 'off'), 'on'), %(is_local)s)
"""


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """Bounds in seconds; `is_local` where a pooler hands each transaction to another session."""

    statement_seconds: float
    lock_seconds: float
    is_local: bool = False

    async def apply(self, connection: AsyncConnection[Any]) -> None:
        """Send the settings: for the rest of the transaction where they are local, else for the rest of the session."""
        await connection.execute(APPLY, self.parameters)

    async def configure(self, connection: AsyncConnection[Any]) -> None:
        """Give the settings to the session of a new connection.

        By statement, because not every connection pooler passes start-up options on.
        """
        await self.apply(connection)
        await connection.commit()

    @property
    def parameters(self) -> dict[str, object]:
        """The parameters of APPLY."""
        return {
            "is_local": self.is_local,
            "statement": f"{int(self.statement_seconds * 1000)}ms",
            "lock": f"{int(self.lock_seconds * 1000)}ms",
        }


class Pool(AsyncConnectionPool[AsyncConnection[Any]]):
    """Connections whose sessions have the settings, or whose transactions begin with them."""

    # Replaced where the pool is made for a server.
    settings = SessionSettings(statement_seconds=5, lock_seconds=2)
    watch: ServerWatch | None = None

    def shorten_waits(self, is_silent: bool) -> None:  # noqa: FBT001 - called by the watch alone
        """Let callers wait for a connection for a shorter time while the server is known to be silent.

        Callers that wait for one another, as batches of changes do, would each wait for their whole time.
        """
        self.timeout = KNOWN_SILENT_SECONDS if is_silent else QUEUE_TIMEOUT_SECONDS

    async def getconn(self, timeout: float | None = None) -> AsyncConnection[Any]:  # noqa: ASYNC109 - as psycopg_pool has it
        """Return a connection; raise PoolTimeout where none is free in time, soon where the server is known to be silent."""
        return await super().getconn(min(timeout or self.timeout, self.timeout))


def make_pool(
    conninfo: str,
    *,
    size: int,
    statement_seconds: float,
    lock_seconds: float,
    autocommit: bool = True,
    is_pooled: bool = False,
    watch: ServerWatch | None = None,
    connection_class: type[AsyncConnection[Any]] = AsyncConnection,
) -> Pool:
    """Return a closed pool of at most `size` connections, each bounding its statements and its waits for a lock.

    `is_pooled` is for a connection pooler in transaction mode, where settings of a session are lost.
    `watch` bounds the waits for a server that does not answer; by default the pool makes one.
    """
    watch = watch or ServerWatch(conninfo, statement_seconds=statement_seconds)
    settings = SessionSettings(statement_seconds, lock_seconds, is_local=is_pooled)
    made = Pool(
        # What is sent as bytes is UTF-8, whatever PGCLIENTENCODING says.
        add_deadlines(make_conninfo(conninfo, client_encoding="utf8")),
        connection_class=watch.connection_class(connection_class),
        min_size=min(2, size),
        max_size=size,
        open=False,
        configure=None if is_pooled else settings.configure,
        timeout=QUEUE_TIMEOUT_SECONDS,
        reconnect_timeout=RECONNECT_SECONDS,
        # Behind a pooler a statement may be prepared on one server and run on another.
        kwargs=({"autocommit": True} if autocommit else {}) | ({"prepare_threshold": None} if is_pooled else {}),
        name="matinee",
    )
    made.settings, made.watch = settings, watch
    watch.followers.append(made.shorten_waits)
    return made


@asynccontextmanager
async def take_connection(
    pool: AsyncConnectionPool[AsyncConnection[Any]], *, seconds: float = POOL_TIMEOUT_SECONDS
) -> AsyncIterator[AsyncConnection[Any]]:
    """Yield a connection; raise PoolTimeout where none is free in time, soon where the server is known to be silent."""
    async with pool.connection(seconds) as connection:
        try:
            yield connection
        except Exception as error:
            await renew_after_demotion(pool, error)
            raise


async def renew_after_demotion(pool: AsyncConnectionPool[AsyncConnection[Any]], error: Exception) -> None:
    """Make the pool open new connections where an error says that its server is no longer the primary.

    A primary that has become a standby refuses writes but answers reads, so a pool would keep its connections for days.
    """
    if isinstance(error, errors.ReadOnlySqlTransaction) or isinstance(error.__cause__, errors.ReadOnlySqlTransaction):
        await pool.drain()


async def begin(connection: AsyncConnection[Any], pool: Pool) -> None:
    """Begin a transaction with the settings of the pool; in pipeline mode this travels with the first statement."""
    await connection.execute("BEGIN")
    if pool.settings.is_local:
        await pool.settings.apply(connection)


@asynccontextmanager
async def run_locally(connection: AsyncConnection[Any], pool: Pool) -> AsyncIterator[None]:
    """Run the statements of a block in a transaction with the settings of the pool, where its sessions do not have them."""
    if not pool.settings.is_local:
        yield
        return
    async with connection.pipeline():
        await begin(connection, pool)
        yield
        await connection.execute("COMMIT")
