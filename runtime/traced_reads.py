"""Spans of reads whose answers stay bytes. Loaded only where traces are wanted."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any


class TracedReads:
    """Makes a span of each read, from its sending until its answer is there."""

    # Statements and reads are those of db/pipeline, which this package lies below.
    def __init__(self, reads: Any, *, statement_span: Callable[[str], AbstractContextManager[None]]) -> None:  # noqa: ANN401
        """Trace what `reads` sends; `statement_span` makes the span of an SQL text."""
        self._reads = reads
        self._span = statement_span

    async def fetch_value(self, statement: Any, parameters: Sequence[bytes | None]) -> bytes | None:  # noqa: ANN401
        """Return the first column of the first row."""
        with self._span(statement.sql.decode()):
            value: bytes | None = await self._reads.fetch_value(statement, parameters)
            return value

    async def fetch_rows(self, statement: Any, parameters: Sequence[bytes | None]) -> list[tuple[bytes | None, ...]]:  # noqa: ANN401
        """Return all rows."""
        with self._span(statement.sql.decode()):
            rows: list[tuple[bytes | None, ...]] = await self._reads.fetch_rows(statement, parameters)
            return rows

    async def run(self, statement: Any, parameters: Sequence[bytes | None]) -> Any:  # noqa: ANN401
        """Return the result as libpq holds it."""
        with self._span(statement.sql.decode()):
            return await self._reads.run(statement, parameters)
