"""Reads any number of rows in constant memory: batches from a server-side cursor, in one snapshot."""

from collections.abc import AsyncGenerator
from typing import Any, Final

from db.engine import Reader
from db.refusals import translate_errors
from db.server_watch import allow_longer_statements

STATEMENT_SECONDS: Final = 60
# Limits for the read of a batch, and for its consumer between two batches: a store may be slow.
BOUNDS: Final = (
    f"SELECT set_config('statement_timeout', '{STATEMENT_SECONDS}s', true),"
    " set_config('idle_in_transaction_session_timeout', '120s', true)"
)


async def read_batches(
    reader: Reader, statement: str, *, size: int, **parameters: object
) -> AsyncGenerator[list[tuple[Any, ...]], None]:
    """Yield the statement's rows as plain tuples, `size` at a time; raise Unavailable where the database goes away.

    Over a connection of its own: a consumer that is slow or hangs must not keep one of the pool from requests.
    """
    watch = reader.pool.watch
    if watch is None:
        raise ValueError("the pool does not know its server")
    with translate_errors():
        async with (
            await watch.connect() as connection,
            allow_longer_statements(connection, seconds=STATEMENT_SECONDS),
            connection.transaction(),
        ):
            await reader.pool.settings.apply(connection)
            await connection.execute(BOUNDS)
            async with connection.cursor(name="batches") as cursor:
                await cursor.execute(statement, parameters)
                while rows := await cursor.fetchmany(size):
                    yield rows
