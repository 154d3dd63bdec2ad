"""Raw reads by the pool: each takes a connection for its statement. For poolers that pipelined connections cannot cross."""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import AsyncConnection, AsyncRawCursor
from psycopg.pq.abc import PGresult

from db.pipeline.statement import Parameters, RawRow, Statement, require_text, rows_of, value_of
from db.refusals import refusals, unfit_value
from db.session_settings import Pool, run_locally
from db.taken_connection import take_connection


@dataclass(frozen=True, slots=True)
class PooledReads:
    """The same reads as PipelinedReads, with the pool's own bounds."""

    pool: Pool
    seconds: float

    async def fetch_value(self, statement: Statement, parameters: Parameters) -> bytes | None:
        """Return the first column of the first row."""
        return value_of(await self.run(statement, parameters))

    async def fetch_rows(self, statement: Statement, parameters: Parameters) -> list[RawRow]:
        """Return all rows."""
        return rows_of(await self.run(statement, parameters))

    async def run(self, statement: Statement, parameters: Parameters) -> PGresult:
        """Return the result of a statement."""
        with refusals():
            async with (
                take_connection(self.pool, seconds=self.seconds) as connection,
                run_locally(connection, self.pool),
            ):
                return await run_raw(connection, statement, parameters)


async def run_raw(connection: AsyncConnection[Any], statement: Statement, parameters: Parameters) -> PGresult:
    """Return the result of a statement on a connection of psycopg's, in its pipeline mode or not."""
    require_text(parameters)
    try:
        # psycopg sends text without a type: the casts in the statement decide.
        texts = [None if parameter is None else parameter.decode() for parameter in parameters]
    except UnicodeDecodeError as error:
        raise unfit_value() from error
    async with AsyncRawCursor(connection) as cursor:
        await cursor.execute(statement.sql, texts, prepare=False if statement.is_planned_each_time else None)
        # In pipeline mode there is no result before it is asked for.
        await cursor.fetchone()
        if cursor.pgresult is None:
            raise psycopg.ProgrammingError("a statement without rows was sent as a read")
        return cursor.pgresult
