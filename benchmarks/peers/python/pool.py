"""The pool of connections of the Python peers, and rows by prepared statements."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

Pool = AsyncConnectionPool[AsyncConnection[DictRow]]


@asynccontextmanager
async def opened() -> AsyncIterator[Pool]:
    """Yield a pool of connections, each of which commits by itself and prepares what comes a second time."""
    size = int(os.environ["PEER_POOL_SIZE"])
    options: dict[str, Any] = {"autocommit": True, "prepare_threshold": 1, "row_factory": dict_row}
    pool: Pool = AsyncConnectionPool(
        os.environ["DATABASE_URL"], min_size=size, max_size=size, kwargs=options, open=False
    )
    async with pool:
        yield pool


async def rows(pool: Pool, statement: str, **parameters: object) -> list[DictRow]:
    """Return the rows of a statement."""
    async with pool.connection() as connection:
        return await (await connection.execute(statement, parameters)).fetchall()


def instant(value: Mapping[str, Any], name: str) -> str | None:
    """Return a column's instant in ISO 8601, None for NULL."""
    return value[name].isoformat() if value[name] else None
