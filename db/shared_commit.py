"""Runs statements of one caller or of many as one transaction, in one round trip and with one commit."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from psycopg import AsyncConnection
from psycopg.pq.abc import PGresult

from db.commit_outcome import track_commit
from db.pipeline.rows import bind_text
from db.pipeline.shared_transaction import Bound, run_transaction
from db.session_settings import APPLY, Pool
from db.taken_connection import take_connection


async def commit_together(pool: Pool, statements: Sequence[Bound]) -> list[PGresult]:
    """Return the results with rows once all is durable.

    Raises Unavailable where nothing was done, OutcomeUnknown where the connection was lost after the commit had been sent,
    and the refusal of a broken constraint.
    """
    is_local = pool.settings.is_local
    sent = [bind_text(APPLY, pool.settings.parameters), *statements] if is_local else statements
    with track_commit() as commit:
        async with take_connection(pool) as connection:
            with trace(connection, sent):
                found = await run_transaction(
                    connection, sent, prepares=not is_local, before_commit=partial(commit.expect, connection)
                )
    return found[1:] if is_local else found


def trace(connection: AsyncConnection[Any], statements: Sequence[Bound]) -> AbstractContextManager[None]:
    """Return the span of a transaction, where the connections of the pool are traced (runtime/tracing.py)."""
    trace_transaction = getattr(connection, "trace_transaction", None)
    if trace_transaction is None:
        return nullcontext()
    span: AbstractContextManager[None] = trace_transaction([statement.sql for statement, _ in statements])
    return span
