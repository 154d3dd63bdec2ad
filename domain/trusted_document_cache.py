"""A worker's cache of trusted documents, so that few requests read them from the database."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from db.engine import StatementRunner
from domain import trusted_document
from errors import Unavailable

# Registered documents do not change. A removed one may still run for this time.
KNOWN_SECONDS: Final = 60.0
# A document that is registered after it was asked for may stay unknown for this time.
UNKNOWN_SECONDS: Final = 1.0
MOST_CHARACTERS: Final = 1_000_000
MOST_UNKNOWN: Final = 1_000
LARGEST_BATCH: Final = 500
MOST_WAITING: Final = 10_000


@dataclass(frozen=True, slots=True)
class CachedDocument:
    """A document, None where it is not registered, and when it must be read again."""

    text: str | None
    until: float


class TrustedDocumentCache:
    """The registry in front of the database.

    One statement at a time is under way, whatever callers send: hashes that arrive meanwhile share the next one.
    """

    def __init__(self, runner: StatementRunner, *, now: Callable[[], float] = time.monotonic) -> None:
        self._runner = runner
        self._now = now
        self._known: OrderedDict[str, CachedDocument] = OrderedDict()
        self._unknown: OrderedDict[str, CachedDocument] = OrderedDict()
        self._room = MOST_CHARACTERS
        self._waiting: dict[str, asyncio.Future[str | None]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def text(self, digest: str) -> str | None:
        """Return the text of a registered document, None for another; raise Unavailable without a database."""
        remembered = self._known.get(digest) or self._unknown.get(digest)
        if remembered and remembered.until > self._now():
            if remembered.text is not None:
                self._known.move_to_end(digest)
            return remembered.text
        # Other callers may wait for the same answer; one that leaves must not cancel it.
        return await asyncio.shield(self._wait_for(digest))

    def _wait_for(self, digest: str) -> asyncio.Future[str | None]:
        if digest not in self._waiting:
            if len(self._waiting) >= MOST_WAITING:
                raise Unavailable
            self._waiting[digest] = asyncio.get_running_loop().create_future()
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_all())
        return self._waiting[digest]

    async def _ask_all(self) -> None:
        try:
            while self._waiting:
                await self._ask(list(self._waiting)[:LARGEST_BATCH])
        finally:
            # Callers still wait here only where the task was cancelled.
            left, self._waiting, self._asking = self._waiting, {}, None
            for answer in left.values():
                fail_answer(answer, Unavailable())

    async def _ask(self, digests: list[str]) -> None:
        try:
            found = await trusted_document.find_texts(self._runner, digests)
        except Exception as error:  # noqa: BLE001  # it is raised at each caller, and the loop goes on
            for digest in digests:
                fail_answer(self._waiting.pop(digest), error)
            return
        for digest in digests:
            self._remember(digest, found.get(digest))
            self._waiting.pop(digest).set_result(found.get(digest))

    def _remember(self, digest: str, text: str | None) -> None:
        self._forget(digest)
        if text is None:
            self._unknown[digest] = CachedDocument(None, self._now() + UNKNOWN_SECONDS)
            if len(self._unknown) > MOST_UNKNOWN:
                self._unknown.popitem(last=False)
            return
        self._known[digest] = CachedDocument(text, self._now() + KNOWN_SECONDS)
        self._room -= len(text)
        while self._room < 0:
            self._forget(next(iter(self._known)))

    def _forget(self, digest: str) -> None:
        self._unknown.pop(digest, None)
        gone = self._known.pop(digest, None)
        if gone and gone.text is not None:
            self._room += len(gone.text)


def fail_answer(answer: asyncio.Future[str | None], error: Exception) -> None:
    """Raise an error at all callers that wait for an answer."""
    answer.set_exception(error)
    # Marks the error as retrieved: where every caller has left, asyncio would log it.
    answer.exception()
