"""What a worker remembers of the trusted documents, so that hardly a request asks the database for one."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from db.engine import Reading
from domain import trusted_document
from errors import Unavailable

# Registered documents do not change; so long after it was taken out one may still run.
KNOWN_SECONDS: Final = 60.0
# So long after somebody asked in vain a document that was added meanwhile may still be unknown.
UNKNOWN_SECONDS: Final = 1.0
MOST_CHARACTERS: Final = 1_000_000
MOST_UNKNOWN: Final = 1_000
LARGEST_BATCH: Final = 500
MOST_WAITING: Final = 10_000


@dataclass(frozen=True, slots=True)
class CachedDocument:
    """What the database said of a hash, None where it does not know it, and until when to believe it."""

    text: str | None
    until: float


class TrustedDocumentCache:
    """The registry in front of the database.

    Whatever callers invent, one statement at a time is under way: hashes that are asked for meanwhile share the next.
    """

    def __init__(self, reading: Reading, *, now: Callable[[], float] = time.monotonic) -> None:
        self._reading = reading
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
        # Others may wait for the same answer: who leaves must not take it from them.
        return await asyncio.shield(self._answer(digest))

    def _answer(self, digest: str) -> asyncio.Future[str | None]:
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
            # Somebody still waits only where this was cut off.
            left, self._waiting, self._asking = self._waiting, {}, None
            for answer in left.values():
                fail_answer(answer, Unavailable())

    async def _ask(self, digests: list[str]) -> None:
        try:
            found = await trusted_document.find_texts(self._reading, digests)
        except Exception as error:  # noqa: BLE001  # each caller gets it raised; the next are asked for all the same
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
    """Raise an error at all who wait for an answer."""
    answer.set_exception(error)
    # Where every caller has left nobody looks at it, which is no fault.
    answer.exception()
