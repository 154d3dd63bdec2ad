"""Takes a connection of a pool for a block, and renews the pool where its server is no longer the primary."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from psycopg import AsyncConnection, errors
from psycopg_pool import AsyncConnectionPool

# Less than the 2 s in which a caller must get the answer that there is no database.
POOL_TIMEOUT_SECONDS: Final = 1.5


@asynccontextmanager
async def take_connection(
    pool: AsyncConnectionPool[AsyncConnection[Any]], *, seconds: float = POOL_TIMEOUT_SECONDS
) -> AsyncIterator[AsyncConnection[Any]]:
    """Yield a connection; raise PoolTimeout where none is free in time.

    A primary that has become a standby refuses writes but answers reads, so a pool would keep its connections for days.
    The first such refusal makes the pool close all connections and open new ones.
    """
    async with pool.connection(seconds) as connection:
        try:
            yield connection
        except Exception as error:
            if isinstance(error, errors.ReadOnlySqlTransaction) or isinstance(
                error.__cause__, errors.ReadOnlySqlTransaction
            ):
                await pool.drain()
            raise
