"""Counts SQL statements, so that a test can say that their number does not grow with a list."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import pytest

from db.pipeline.connection import Call, PipelineConnection
from db.standby_watch import REPLAYED, WRITTEN
from identity.tokens import READ_SIGN_OUTS

POSITIONS: Final = (WRITTEN, REPLAYED.strip())
# What a connection sends when it is opened, what is sent to other servers some time after a change, and what a server
# reads again and again beside its requests.
BESIDE: Final = ("SELECT set_config", "SELECT pg_notify", READ_SIGN_OUTS.partition("%")[0], *POSITIONS)


class Statements(list[str]):
    """The statements that have run, in their order."""


@contextmanager
def recorded() -> Iterator[Statements]:
    """Yield the statements that run meanwhile, on any connection of this process."""
    seen = Statements()
    execute = psycopg.AsyncCursor.execute

    async def noted(
        cursor: psycopg.AsyncCursor[Any], query: str | bytes, *given: Any, **options: Any
    ) -> psycopg.AsyncCursor[Any]:
        text = query if isinstance(query, str) else query.decode()
        if not text.lstrip().startswith(BESIDE):
            seen.append(text)
        return await execute(cursor, query, *given, **options)

    send = PipelineConnection.send

    def noted_call(connection: PipelineConnection, call: Call) -> None:
        text = call.statement.sql.decode()
        if not text.startswith(BESIDE):
            seen.append(text)
        send(connection, call)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.AsyncCursor, "execute", noted)
        patch.setattr(PipelineConnection, "send", noted_call)
        yield seen
