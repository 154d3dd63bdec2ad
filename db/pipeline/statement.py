"""Statements whose parameters and results stay bytes, and the protocol of what runs them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from psycopg.pq.abc import PGresult

from db.refusals import refuse_unfit_value

Parameters = Sequence[bytes | None]
RawRow = tuple[bytes | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """SQL that is made once and run often; compared by identity, so that looking it up is fast.

    Placeholders are $1 to $n, each with a cast. Without one PostgreSQL guesses a type, or refuses to (42P18). `types`
    may repeat the oids of the casts, 0 standing for one that is not given. `is_planned_each_time` is for statements whose
    best plan depends on the values: from the sixth run on PostgreSQL may use one plan for all.
    """

    sql: bytes
    types: tuple[int, ...] = ()
    is_planned_each_time: bool = False


class RawReads(Protocol):
    """Runs reads whose parameters and answers are bytes in PostgreSQL's text format, None standing for NULL.

    All raise Unavailable where there is no connection in time or no answer before the deadline, InvalidInput for a value
    that PostgreSQL cannot hold, and psycopg's own errors for a statement that is wrong.
    """

    async def fetch_value(self, statement: Statement, parameters: Parameters) -> bytes | None:
        """Return the first column of the first row; None for NULL, and where there is no row."""

    async def fetch_rows(self, statement: Statement, parameters: Parameters) -> list[RawRow]:
        """Return all rows."""

    async def run(self, statement: Statement, parameters: Parameters) -> PGresult:
        """Return the result as libpq holds it."""


def require_text(parameters: Parameters) -> None:
    """Raise InvalidInput where a parameter has a NUL: libpq would send the text before it without an error."""
    for parameter in parameters:
        if parameter is not None and b"\0" in parameter:
            raise refuse_unfit_value()


def read_value(result: PGresult) -> bytes | None:
    """Return the first column of the first row of a result."""
    return result.get_value(0, 0) if result.ntuples else None


def read_rows(result: PGresult) -> list[RawRow]:
    """Return all rows of a result."""
    get, columns = result.get_value, range(result.nfields)
    return [tuple([get(row, column) for column in columns]) for row in range(result.ntuples)]
