"""One request with an idempotency key in a batch: it waits for the batch at each step, and the batch for it in between."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from psycopg.rows import AsyncRowFactory

from db.commit_batching import Change, Parameters, Rows, make_change
from db.commits import note_commit
from db.engine import StatementRunner, T
from db.notices import Changed, Kind
from domain.idempotency import Key, RecordedResponse
from errors import RequestInProgress

Act = Callable[["BatchedRequest"], None]


class BatchUndone(Exception):
    """The transaction was rolled back before anything of this request was committed: it may run again by itself."""


class BatchedRequest(StatementRunner):
    """One request in a batch; stands in for the CommitBatcher that makes its only change."""

    # As for a request with a transaction of its own: no other part of it has changed anything.
    is_changed = False

    def __init__(self, key: Key, fingerprint: bytes, *, join: Act, notify: Act) -> None:
        """Run under this key; the fingerprint is recorded with the response.

        `join` adds the request to the next batch, `notify` tells subscribers what it has changed.
        """
        self.key, self.fingerprint, self._join, self._notify = key, fingerprint, join, notify
        self.change: Change | None = None
        self.answer: bytes | None = None
        self.touched: set[Changed] = set()
        self.has_left = False
        self._has_joined = False
        self._ended = asyncio.Event()
        self._failure: Exception | None = None
        self._waiter: asyncio.Future[Any] | None = None
        self.arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def begin(self) -> RecordedResponse | None:
        """Return the response recorded under the key, None where the request has to run.

        Raises RequestInProgress, Unavailable, and BatchUndone.
        """
        self._join(self)
        self._has_joined = True
        recorded: RecordedResponse | None = await self._wait()
        return recorded

    async def finish(self, answer: bytes) -> None:
        """Return once the effect and the encrypted response are durable together.

        Raises OutcomeUnknown, Unavailable, and BatchUndone.
        """
        if self._failure is None:
            note_commit()
            self.answer = answer
        await self._wait()
        # In the request's own context, where edge/own_writes.py hears of it.
        self._notify(self)

    async def give_up(self) -> None:
        """Leave the batch unless it has the response already; return once the key is free."""
        self.has_left = self.answer is None
        self._arrive()
        if self._has_joined:
            await self._ended.wait()

    def resume(self, value: object) -> bool:
        """Let the request go on to its next step; return whether it is still there."""
        self.arrived = asyncio.get_running_loop().create_future()
        if self.has_left:
            self._arrive()
        is_there = self._waiter is not None and not self._waiter.done()
        if self._waiter is not None and is_there:
            self._waiter.set_result(value)
        return is_there

    def fail(self, error: Exception) -> None:
        """Raise an error at the request, now or at its next step; the first one counts."""
        self._failure = self._failure or error
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)

    def end(self) -> bool:
        """Note that the batch is done with the request; return False where that is known already."""
        if self._ended.is_set():
            return False
        self._ended.set()
        return True

    async def _wait(self, waiter: asyncio.Future[Any] | None = None) -> Any:  # noqa: ANN401 - another value at each step
        if self._failure is not None:
            raise self._failure
        self._waiter = asyncio.get_running_loop().create_future() if waiter is None else waiter
        self._arrive()
        return await self._waiter

    def _arrive(self) -> None:
        if not self.arrived.done():
            self.arrived.set_result(None)

    def touch(self, kind: Kind, identity: int) -> None:
        """Notify subscribers of a change after the commit."""
        self.touched.add(Changed(kind, identity))

    async def make_rows(self, make: Callable[..., T], statement: str, parameters: Parameters) -> list[T]:
        """Return what `make` makes of each row of the change, before it is durable."""
        names, rows = await self._share(statement, parameters)
        return [make(**dict(zip(names, row, strict=True))) for row in rows]

    async def tuples(self, statement: str, **parameters: object) -> list[tuple[Any, ...]]:
        """Return the rows of the change as plain tuples, before it is durable."""
        return (await self._share(statement, parameters)).rows

    async def fetch(self, factory: AsyncRowFactory[T], statement: str, parameters: Mapping[str, object]) -> list[T]:
        """Raise TypeError, as CommitBatcher does."""
        raise TypeError(f"{factory} needs a cursor for {statement} with {sorted(parameters)}: use make_rows")

    async def _share(self, statement: str, parameters: Parameters) -> Rows:
        if self.change is not None:
            raise RuntimeError("a request that shares its transaction makes one change")
        self.change = make_change(statement, parameters)
        try:
            rows: Rows = await self._wait(self.change.answer)
        except BatchUndone as undone:
            # Any refusal ends the run. Its response is dropped, because `finish` raises BatchUndone.
            raise RequestInProgress from undone
        return rows
