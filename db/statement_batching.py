"""Statement batching: items that arrive together are written by one statement and one commit."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from db.commit_batching import make_shared_context
from db.commits import note_commit
from errors import OutcomeUnknown, Unavailable

Item = TypeVar("Item")
Write = Callable[[Sequence[Item]], Awaitable[None]]


class StatementBatcher(Generic[Item]):
    """While one batch is written, the next one gathers: a single item does not wait, and many share a commit."""

    def __init__(self, write: Write[Item], *, largest: int = 500, waiting: int = 10_000) -> None:
        """Hand batches of at most `largest` items to `write`; refuse more than `waiting` at once."""
        self._write = write
        self._largest = largest
        self._most_waiting = waiting
        self._waiting: list[tuple[Item, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def add(self, item: Item) -> None:
        """Return once the item is durable; raise the error of its batch, or Unavailable where too many wait."""
        await self.put(item)

    def put(self, item: Item) -> asyncio.Future[None]:
        """Return a future that is done once the item is durable, or has the error of its batch.

        Raises Unavailable where too many wait. The item is written also where the future is cancelled.
        """
        if len(self._waiting) >= self._most_waiting:
            raise Unavailable
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((item, written))
        note_commit()
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all(), context=make_shared_context())
        return written

    async def drain(self) -> None:
        """Return once everything that waits is written."""
        if self._writer is not None:
            await self._writer

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._largest], self._waiting[self._largest :]
                await self._settle(batch)
        finally:
            # Callers still wait here only where the writer was cancelled.
            left, self._waiting, self._writer = self._waiting, [], None
            settle_batch(left, Unavailable())

    async def _settle(self, batch: Sequence[tuple[Item, asyncio.Future[None]]]) -> None:
        # The outcome where the writer is cancelled, perhaps during the commit.
        outcome: Exception | None = OutcomeUnknown()
        try:
            await self._write([item for item, _ in batch])
            outcome = None
        except Exception as error:  # noqa: BLE001  # it is raised at each caller, and the writer goes on
            outcome = error
        finally:
            settle_batch(batch, outcome)


def settle_batch(batch: Sequence[tuple[Item, asyncio.Future[None]]], outcome: Exception | None) -> None:
    """Resolve the futures of a batch, with its error where there is one."""
    for _, written in batch:
        # A caller that has gone has cancelled its future.
        if not written.done():
            written.set_result(None) if outcome is None else written.set_exception(outcome)
