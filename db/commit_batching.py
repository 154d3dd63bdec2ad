"""Commit batching: changes that arrive together run in one transaction, with one round trip and one commit."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import structlog
from psycopg import errors
from psycopg.pq.abc import PGresult
from psycopg.rows import AsyncRowFactory

from db.commits import Bound, commit_together, note_commit
from db.engine import StatementRunner, T
from db.notices import Changed, Kind, Note, ignore_change
from db.pipeline.statement import bind_text, load_rows, read_names, require_text
from db.pool import Pool
from db.shared_change import Group, LockedChange, SharedChange, group_changes
from errors import OutcomeUnknown, Unavailable

LARGEST_BATCH: Final = 128
MOST_WAITING: Final = 10_000
# PostgreSQL has undone the whole batch: it may be run again.
UNDONE: Final = (errors.DeadlockDetected, errors.SerializationFailure)
# Somebody held a lock for as long as a batch may wait for it.
LOCKED: Final = errors.LockNotAvailable

Parameters = Mapping[str, object]
# Returns a statement about all the changes, and its parameters.
AskForAll = Callable[[Sequence[Parameters]], tuple[str, Parameters]]
# Returns the statements that take the locks of all the changes, in their order; each begins once the one before has its locks.
LockAll = Callable[[Sequence[Parameters]], Sequence[tuple[str, Parameters]]]


class Rows(NamedTuple):
    """What answers one change: rows, and the names of their columns."""

    names: Sequence[str]
    rows: list[tuple[Any, ...]]


NO_ROWS: Final = Rows((), [])


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """A change that waits: its statement, and the future of its rows."""

    statement: str
    parameters: Parameters
    answer: asyncio.Future[Rows]
    # None for a SharedChange, which is bound with its group.
    bound: Bound | None


class CommitBatcher(StatementRunner):
    """A transaction that callers share, for use cases of one statement whose refusals change nothing.

    While one batch commits, the next one gathers. So a single caller does not wait, and many callers of one session share one
    round trip and one commit instead of waiting for its lock one after the other.
    """

    def __init__(
        self, pool: Pool, *, lock_all: LockAll, find_free: AskForAll | None = None, note: Note = ignore_change
    ) -> None:
        """Run batches on connections of `pool`, which first take their locks by `lock_all`; pass changes to `note`.

        `find_free` is the statement that returns the places of the changes whose locks nobody else holds, from 1 on.
        """
        self._pool = pool
        self._lock_all = lock_all
        self._find_free = find_free
        self._note = note
        self._waiting: list[Change] = []
        self._runner: asyncio.Task[None] | None = None

    def touch(self, kind: Kind, identity: int) -> None:
        """Notify subscribers at once: what `make_rows` has returned is durable."""
        self._note(Changed(kind, identity))

    async def make_rows(self, make: Callable[..., T], statement: str, parameters: Parameters) -> list[T]:
        """Return what `make` makes of each row of a change once it is durable.

        Raises Unavailable, OutcomeUnknown, or the refusal of a broken constraint.
        """
        names, rows = await self._share(statement, parameters)
        return [make(**dict(zip(names, row, strict=True))) for row in rows]

    async def tuples(self, statement: str, **parameters: object) -> list[tuple[Any, ...]]:
        """Return the rows of a change as plain tuples, once it is durable; raises as `make_rows`."""
        return (await self._share(statement, parameters)).rows

    async def fetch(self, factory: AsyncRowFactory[T], statement: str, parameters: Parameters) -> list[T]:
        """Raise TypeError: a row factory needs a cursor, and callers that share a transaction have none."""
        raise TypeError(f"{factory} needs a cursor for {statement} with {sorted(parameters)}: use make_rows")

    async def _share(self, statement: str, parameters: Parameters) -> Rows:
        if len(self._waiting) >= MOST_WAITING:
            raise Unavailable
        change = make_change(statement, parameters)
        self._waiting.append(change)
        note_commit()
        if self._runner is None:
            self._runner = asyncio.create_task(self._run_all(), context=make_shared_context())
        return await change.answer

    async def _run_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
                await self._settle(batch)
        finally:
            # Callers still wait here only where the runner was cancelled.
            left, self._waiting, self._runner = self._waiting, [], None
            if left:
                fail_changes(left, Unavailable())

    async def _settle(self, batch: Sequence[Change], *, may_leave: bool = True) -> None:
        try:
            found = await self._run(batch)
        except Exception as error:  # noqa: BLE001  # it is raised at the callers
            await self._part_or_fail(batch, error, may_leave=may_leave)
        except BaseException:
            # Cancelled, perhaps in the middle of the commit.
            fail_changes(batch, OutcomeUnknown())
            raise
        else:
            for change, rows in zip(batch, found, strict=True):
                # A caller that has gone has cancelled its future; its change stays.
                if not change.answer.done():
                    change.answer.set_result(rows)

    async def _part_or_fail(self, batch: Sequence[Change], error: Exception, *, may_leave: bool) -> None:
        try:
            await self._part(batch, error, may_leave=may_leave)
        except BaseException:
            # Cancelled: those who have no answer yet would wait for ever.
            fail_changes(batch, OutcomeUnknown())
            raise

    async def _part(self, batch: Sequence[Change], error: Exception, *, may_leave: bool) -> None:
        """Try each change alone, so that one failing change, or a deadlock, does not fail the others.

        Only where PostgreSQL has undone everything: a change whose outcome is unknown must not run again.
        """
        cause = error.__cause__ or error
        if isinstance(cause, LOCKED) and len(batch) > 1 and self._find_free is not None and may_leave:
            await self._leave_locked(batch, error, self._find_free)
            return
        is_everybodys = isinstance(error, Unavailable) and not isinstance(cause, UNDONE)
        if len(batch) == 1 or is_everybodys or isinstance(error, OutcomeUnknown):
            fail_changes(batch, error)
            return
        for change in batch:
            await self._settle([change])

    async def _leave_locked(self, batch: Sequence[Change], error: Exception, find_free: AskForAll) -> None:
        """Fail the changes whose locks somebody holds, who have waited for them in vain, and run the others again.

        Where the locks are free by now, or nothing is known of the one in the way, the whole batch fails.
        """
        try:
            free = await list_free(self._pool, batch, find_free)
        except Exception as failure:  # noqa: BLE001 - raised at the callers
            is_away = isinstance(failure, Unavailable | OutcomeUnknown)
            fail_changes(batch, error if is_away else failure)
            return
        fail_changes([change for change in batch if change not in free], error)
        if free:
            # Once: who needs no lock of somebody else waits no longer than twice.
            await self._settle(free, may_leave=False)

    async def _run(self, batch: Sequence[Change]) -> list[Rows]:
        statements, read = bind_batch(batch, self._lock_all)
        results = await commit_together(self._pool, statements)
        return read_committed(lambda: read(results))


async def list_free(pool: Pool, batch: Sequence[Change], find_free: AskForAll) -> list[Change]:
    """Return the changes of a batch whose locks nobody else holds; none where the one in the way is not known."""
    (found,) = await commit_together(pool, [bind_text(*find_free([change.parameters for change in batch]))])
    places = {place - 1 for (place,) in load_rows(found)}
    free = [change for place, change in enumerate(batch) if place in places]
    return free if len(free) < len(batch) else []


def bind_batch(
    batch: Sequence[Change], lock_all: LockAll
) -> tuple[list[Bound], Callable[[Sequence[PGresult]], list[Rows]]]:
    """Return the statements that lock and make the changes of a batch, and what reads the answers from their results."""
    if len(batch) == 1:
        statements = [*bind_lock(batch[0]), bind_alone(batch[0])]
        return statements, lambda results: [Rows(read_names(result), load_rows(result)) for result in results[-1:]]
    groups = group_changes([(change.statement, change.parameters) for change in batch])
    statements = [bind_group(group, batch) for group in groups]
    needs_locks = len(groups) > 1 or not groups[0].locks_in_order
    locks = [bind_text(*each) for each in lock_all([change.parameters for change in batch])] if needs_locks else []
    return [*locks, *statements], lambda results: read_groups(groups, results[len(locks) :], count=len(batch))


def make_change(statement: str, parameters: Parameters) -> Change:
    """Return a change that waits; raise InvalidInput for what PostgreSQL cannot hold, before it could take others down."""
    bound = None if isinstance(statement, SharedChange) else bind_change(statement, parameters)
    return Change(statement, parameters, asyncio.get_running_loop().create_future(), bound)


def read_committed(read: Callable[[], list[Rows]]) -> list[Rows]:
    """Return the answers that `read` finds; raise OutcomeUnknown where it fails, for the changes must not run again."""
    try:
        return read()
    except Exception as error:
        raise OutcomeUnknown from error


def read_groups(groups: Sequence[Group], results: Sequence[PGresult], *, count: int) -> list[Rows]:
    """Return the answers of `count` changes, in their order in the batch."""
    answers = [NO_ROWS] * count
    for group, result in zip(groups, results, strict=True):
        for place, rows in read_group(group, result):
            answers[place] = rows
    return answers


def bind_change(statement: str, parameters: Parameters) -> Bound:
    """Return a statement and its parameters as libpq takes them; raise InvalidInput for what PostgreSQL cannot hold."""
    bound = bind_text(statement, parameters)
    require_text(bound[1])
    return bound


def bind_group(group: Group, batch: Sequence[Change]) -> Bound:
    """Return the statement and the parameters that make the changes of a group."""
    if group.many is not None:
        return group.many.bind([batch[place].parameters for place in group.places])
    return bind_alone(batch[group.places[0]])


def bind_lock(change: Change) -> Iterator[Bound]:
    """Yield the statement that takes the locks of a change alone, where it has one."""
    if isinstance(change.statement, LockedChange) and change.statement.lock is not None:
        yield bind_change(change.statement.lock, change.parameters)


def bind_alone(change: Change) -> Bound:
    """Return the statement and the parameters that make one change."""
    return change.bound or bind_change(change.statement, change.parameters)


def read_group(group: Group, result: PGresult) -> Iterator[tuple[int, Rows]]:
    """Yield the places of a group's changes in their batch, each with its rows; a change without a row may be left out."""
    names, rows = read_names(result), load_rows(result)
    if group.many is None:
        yield group.places[0], Rows(names, rows)
        return
    own = names[1:]
    for place, *values in rows:
        yield group.places[place], Rows(own, [tuple(values)])


def make_shared_context() -> Context:
    """Return the context of a task that works for several callers: the fields of the first one's log lines are not theirs.

    The trace is left, so that what the task does shows in that of the first caller.
    """
    made = copy_context()
    made.run(structlog.contextvars.clear_contextvars)
    return made


def fail_changes(batch: Sequence[Change], error: Exception) -> None:
    """Raise an error at every caller that still waits."""
    for change in batch:
        if not change.answer.done():
            change.answer.set_exception(error)
