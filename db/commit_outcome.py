"""Distinguishes a commit that PostgreSQL refused from one whose outcome is unknown."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection, errors

from db.refusals import translate_error
from errors import OutcomeUnknown

# The function of PostgreSQL that waits for the synchronous standby. Its warnings are translated, its name is not.
STANDBY_WAIT: Final = "SyncRepWaitForLSN"
# Raised while the connection is taken down. The commit may have happened before that.
ENDINGS: Final = ("FATAL", "PANIC")


class Commit:
    """A commit that is sent in the pipeline behind earlier statements; its answer is read when the pipeline ends."""

    def __init__(self) -> None:
        self.connection: AsyncConnection[Any] | None = None
        self.is_unreplicated = False

    async def send(self, connection: AsyncConnection[Any]) -> None:
        """Send COMMIT."""
        self.expect(connection)
        await connection.execute("COMMIT")

    def expect(self, connection: AsyncConnection[Any]) -> None:
        """Note that the commit is sent next. Whatever goes wrong from here on may have come after it."""
        if connection.closed:
            raise psycopg.OperationalError("the connection was lost before the commit")
        if self.connection is None:
            self.connection = connection
            connection.add_notice_handler(self._hear)

    def _hear(self, notice: errors.Diagnostic) -> None:
        if notice.source_function == STANDBY_WAIT:
            self.is_unreplicated = True


@contextmanager
def track_commit() -> Iterator[Commit]:
    """Yield the commit; raise OutcomeUnknown where it was sent but not answered, or the refusal of an error.

    The block ends after the answer to the commit has been read. A commit whose wait for the synchronous standby was cancelled is
    answered as if it were done, but the next primary may not have it: its outcome is unknown as well.
    """
    commit = Commit()
    try:
        yield commit
    except psycopg.Error as error:
        refusal = OutcomeUnknown() if commit.connection and is_lost(error) else translate_error(error)
        if refusal is error:
            raise
        raise refusal from error
    finally:
        if commit.connection is not None:
            commit.connection.remove_notice_handler(commit._hear)  # noqa: SLF001 - of this module
    if commit.is_unreplicated:
        raise OutcomeUnknown


def is_lost(error: psycopg.Error) -> bool:
    """Return whether an error is the end of the connection. An error that PostgreSQL answers has undone the transaction."""
    if isinstance(error, errors.PipelineAborted | errors.IdleInTransactionSessionTimeout):
        return False
    severity = error.diag.severity_nonlocalized
    return isinstance(error, psycopg.OperationalError) and (severity is None or severity in ENDINGS)
