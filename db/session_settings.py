"""Settings of database sessions: applied once for a connection or, behind a connection pooler, in each transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

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

    # Replaced where the pool is made for a server (db/engine.py).
    settings = SessionSettings(statement_seconds=5, lock_seconds=2)


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
