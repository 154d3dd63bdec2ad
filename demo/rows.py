"""How rows of the demo get into the database: ids made ahead, then one statement a table."""

from collections.abc import Iterable
from typing import Any, LiteralString

from psycopg import AsyncConnection

Connection = AsyncConnection[Any]


async def make_snowflakes(connection: Connection, number: int) -> list[int]:
    """Return new ids in ascending order."""
    made = await connection.execute("SELECT snowflake() AS id FROM generate_series(1, %s) ORDER BY id", (number,))
    return [row[0] for row in await made.fetchall()]


async def copy_rows(connection: Connection, statement: LiteralString, rows: Iterable[tuple[object, ...]]) -> None:
    """Send the rows to the server in one statement, so that its triggers run once for all."""
    async with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            await copy.write_row(row)
