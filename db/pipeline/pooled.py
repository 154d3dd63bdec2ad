"""Raw reads over the pool: each takes a connection for its statement. For poolers that refuse pipelined connections."""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import AsyncConnection, AsyncRawCursor
from psycopg.adapt import Dumper, PyFormat
from psycopg.pq.abc import PGresult

from db.pipeline.statement import Parameters, RawRow, Statement, read_rows, read_value, require_text
from db.pool import Pool, run_locally, take_connection
from db.refusals import translate_errors


@dataclass(frozen=True, slots=True)
class PooledReads:
    """The same reads as PipelinedReads, with the pool's own bounds."""

    pool: Pool
    seconds: float

    async def fetch_value(self, statement: Statement, parameters: Parameters) -> bytes | None:
        """Return the first column of the first row."""
        return read_value(await self.run(statement, parameters))

    async def fetch_rows(self, statement: Statement, parameters: Parameters) -> list[RawRow]:
        """Return all rows."""
        return read_rows(await self.run(statement, parameters))

    async def run(self, statement: Statement, parameters: Parameters) -> PGresult:
        """Return the result of a statement."""
        with translate_errors():
            async with (
                take_connection(self.pool, seconds=self.seconds) as connection,
                run_locally(connection, self.pool),
            ):
                return await run_raw(connection, statement, parameters)


@dataclass(frozen=True, slots=True)
class RawValue:
    """A parameter in PostgreSQL's text format, and the oid of its type, 0 where the statement has a cast."""

    text: bytes
    oid: int


class RawValueDumper(Dumper):
    """Passes raw values on as they are, with their type."""

    def __init__(self, cls: type, context: Any = None, *, oid: int = 0) -> None:
        super().__init__(cls, context)
        self.oid = oid

    def get_key(self, obj: RawValue, format: PyFormat) -> Any:  # noqa: A002, ARG002 - psycopg's own signature
        """Return what values of one type have in common."""
        return (self.cls, obj.oid)

    def upgrade(self, obj: RawValue, format: PyFormat) -> "RawValueDumper":  # noqa: A002, ARG002 - psycopg's own signature
        """Return the dumper of values of this type."""
        return RawValueDumper(self.cls, oid=obj.oid)

    def dump(self, obj: RawValue) -> bytes:
        """Return the value."""
        return obj.text


async def run_raw(connection: AsyncConnection[Any], statement: Statement, parameters: Parameters) -> PGresult:
    """Return the result of a statement on a connection of psycopg's, in its pipeline mode or not."""
    require_text(parameters)
    types = statement.types or (0,) * len(parameters)
    values = [None if text is None else RawValue(text, oid) for text, oid in zip(parameters, types, strict=True)]
    async with AsyncRawCursor(connection) as cursor:
        cursor.adapters.register_dumper(RawValue, RawValueDumper)
        await cursor.execute(statement.sql, values, prepare=False if statement.is_planned_each_time else None)
        # In pipeline mode there is no result before it is asked for.
        await cursor.fetchone()
        if cursor.pgresult is None:
            raise psycopg.ProgrammingError("a statement without rows was sent as a read")
        return cursor.pgresult
