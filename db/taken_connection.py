"""Takes a connection of a pool for a block, and sees to it that no connection to a former primary is used twice."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from psycopg import AsyncConnection, errors
from psycopg_pool import AsyncConnectionPool

# Less than the 2 s in which a caller must have heard that there is no database.
POOL_TIMEOUT_SECONDS: Final = 1.5


@asynccontextmanager
async def take_connection(
    pool: AsyncConnectionPool[AsyncConnection[Any]], *, seconds: float = POOL_TIMEOUT_SECONDS
) -> AsyncIterator[AsyncConnection[Any]]:
    """Yield a connection; raise PoolTimeout where none is free in time.

    A primary that has become a standby refuses to write, but answers everything else: a pool would stay with it for days.
    The first such refusal has the pool close all of its connections and open new ones.
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
