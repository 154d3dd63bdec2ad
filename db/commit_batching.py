"""Commit batching: changes that arrive together run in one transaction, with one round trip and one commit."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg import errors
from psycopg.pq.abc import PGresult
from psycopg.rows import AsyncRowFactory

from db.commits import Bound, commit_together
from db.engine import Reading, T
from db.notices import Changed, Kind, Note, ignore_change
from db.pipeline.statement import bind_text, load_rows, make_rows, require_text
from db.pool import Pool
from errors import OutcomeUnknown, Unavailable

LARGEST_BATCH: Final = 128
MOST_WAITING: Final = 10_000
# PostgreSQL has undone the whole batch: it may be run again.
UNDONE: Final = (errors.DeadlockDetected, errors.SerializationFailure)

Parameters = Mapping[str, object]
# Returns the statement that takes the locks of all the changes in one order, and its parameters.
LockAll = Callable[[Sequence[Parameters]], tuple[str, Parameters]]


@dataclass(frozen=True, slots=True)
class Change:
    """A change that waits: its statement, and the future of its rows."""

    bound: Bound
    parameters: Parameters
    rows: asyncio.Future[PGresult]


class CommitBatcher(Reading):
    """A transaction that callers share, for use cases of one statement whose refusals change nothing.

    While one batch commits, the next one gathers. So a single caller does not wait, and many callers of one session share one
    round trip and one commit instead of waiting for its lock one after the other.
    """

    def __init__(self, pool: Pool, *, lock_all: LockAll, note: Note = ignore_change) -> None:
        """Run batches on connections of `pool`, which first take their locks by `lock_all`; pass changes to `note`."""
        self._pool = pool
        self._lock_all = lock_all
        self._note = note
        self._waiting: list[Change] = []
        self._runner: asyncio.Task[None] | None = None

    def touch(self, kind: Kind, identity: int) -> None:
        """Notify subscribers at once: what `fetch` has returned is durable."""
        self._note(Changed(kind, identity))

    async def make_rows(self, make: Callable[..., T], statement: str, parameters: Parameters) -> list[T]:
        """Return what `make` makes of each row of a change once it is durable.

        Raises Unavailable, OutcomeUnknown, or the refusal of a broken constraint.
        """
        return make_rows(make, await self._share(statement, parameters))

    async def tuples(self, statement: str, **parameters: object) -> list[tuple[Any, ...]]:
        """Return the rows of a change as plain tuples, once it is durable; raises as `make_rows`."""
        return load_rows(await self._share(statement, parameters))

    async def fetch(self, factory: AsyncRowFactory[T], statement: str, parameters: Parameters) -> list[T]:
        """Raise TypeError: a row factory needs a cursor, and callers that share a transaction have none."""
        raise TypeError(f"{factory} needs a cursor for {statement} with {sorted(parameters)}: use make_rows")

    async def _share(self, statement: str, parameters: Parameters) -> PGresult:
        if len(self._waiting) >= MOST_WAITING:
            raise Unavailable
        bound = bind_text(statement, parameters)
        # What PostgreSQL cannot hold is refused before it could take others down.
        require_text(bound[1])
        rows: asyncio.Future[PGresult] = asyncio.get_running_loop().create_future()
        self._waiting.append(Change(bound, parameters, rows))
        if self._runner is None:
            self._runner = asyncio.create_task(self._run_all())
        return await rows

    async def _run_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
                await self._settle(batch)
        finally:
            # Callers still wait here only where the runner was cancelled.
            left, self._waiting, self._runner = self._waiting, [], None
            fail_changes(left, Unavailable())

    async def _settle(self, batch: Sequence[Change]) -> None:
        try:
            found = await self._run(batch)
        except Exception as error:  # noqa: BLE001  # it is raised at the callers
            await self._part(batch, error)
        except BaseException:
            # Cancelled, perhaps in the middle of the commit.
            fail_changes(batch, OutcomeUnknown())
            raise
        else:
            for change, rows in zip(batch, found, strict=True):
                # A caller that has gone has cancelled its future; its change stays.
                if not change.rows.done():
                    change.rows.set_result(rows)

    async def _part(self, batch: Sequence[Change], error: Exception) -> None:
        """Try each change alone, so that one failing change, or a deadlock, does not fail the others.

        Only where PostgreSQL has undone everything: a change whose outcome is unknown must not run again.
        """
        cause = error.__cause__ or error
        is_everybodys = isinstance(error, Unavailable) and not isinstance(cause, UNDONE)
        if len(batch) == 1 or is_everybodys or isinstance(error, OutcomeUnknown):
            fail_changes(batch, error)
            return
        for change in batch:
            await self._settle([change])

    async def _run(self, batch: Sequence[Change]) -> list[PGresult]:
        statements = [change.bound for change in batch]
        if len(batch) == 1:
            return await commit_together(self._pool, statements)
        locks = bind_text(*self._lock_all([change.parameters for change in batch]))
        return (await commit_together(self._pool, [locks, *statements]))[1:]


def fail_changes(batch: Sequence[Change], error: Exception) -> None:
    """Raise an error at every caller that still waits."""
    for change in batch:
        if not change.rows.done():
            change.rows.set_exception(error)
