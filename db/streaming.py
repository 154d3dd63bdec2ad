"""Reads any number of rows in constant memory: batches from a server-side cursor, in one snapshot."""

from collections.abc import AsyncGenerator
from typing import Any, Final

from db.engine import Reader
from db.pool import take_connection
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
    """Yield the statement's rows as plain tuples, `size` at a time; raise Unavailable where the database goes away."""
    with translate_errors():
        async with (
            take_connection(reader.pool) as connection,
            allow_longer_statements(connection, seconds=STATEMENT_SECONDS),
            connection.transaction(),
        ):
            if reader.pool.settings.is_local:
                await reader.pool.settings.apply(connection)
            await connection.execute(BOUNDS)
            async with connection.cursor(name="batches") as cursor:
                await cursor.execute(statement, parameters)
                while rows := await cursor.fetchmany(size):
                    yield rows
