"""Response cache: answers stay in memory until the data that they show changes (docs/response-cache.md)."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from starlette.types import Scope

from db.engine import Database, Reader
from db.programme_changes import ProgrammeChanges, ProgrammePart, Versions
from errors import Unavailable
from runtime.response_cache_metrics import ResponseCacheMetrics
from runtime.sized_store import SizedStore

Parts = frozenset[ProgrammePart]
Read = Callable[[], Awaitable[bytes | None]]
ReadFrom = Callable[[Reader], Awaitable[bytes | None]]

# A request with one of these headers is of a known caller, follows a change of its caller, or is to be run once.
CREDENTIALS: Final = frozenset({b"authorization", b"cookie", b"idempotency-key", b"matinee-position", b"x-auth-token"})
# The header of an answer to a GET that was not read for its request: it was found valid within the last second.
AGE: Final = "0"


@dataclass(frozen=True, slots=True)
class Entry:
    """A cached answer, the parts of the programme that it shows, and their versions when it was read."""

    answer: bytes
    parts: Parts
    versions: Versions


@dataclass(frozen=True, slots=True, eq=False)
class Flight:
    """A read under way, which all requests with the same key share."""

    task: asyncio.Task[bytes | None]
    versions: Versions


class ResponseCache:
    """Answers by key, within a bound of memory; the least recently used are removed first."""

    def __init__(self, size: int, changes: ProgrammeChanges, metrics: ResponseCacheMetrics) -> None:
        """Keep answers of `size` bytes altogether, 0 for none, until `changes` reports a change of their parts."""
        self._size = size
        self.changes = changes
        self._metrics = metrics
        # A quarter is for requests whose answers are here (edge/repeated_requests.py).
        self.requests: SizedStore[Any] = SizedStore(size // 4)
        self._entries: SizedStore[Entry] = SizedStore(size - size // 4)
        self._flights: dict[Hashable, Flight] = {}

    @property
    def is_on(self) -> bool:
        """Whether anything is cached."""
        return self._size > 0

    def find(self, key: Hashable) -> bytes | None:
        """Return the cached answer of a key, None where there is none that is known to be valid."""
        entry = self._entries.find(key)
        if entry is None or not self.changes.is_current:
            return None
        if not self.changes.are_unchanged(entry.versions, entry.parts):
            self._entries.remove(key)
            return None
        self._metrics.count("hit")
        return entry.answer

    async def fetch_from(self, database: Database, key: Hashable, parts: Parts, read: ReadFrom) -> bytes | None:
        """Return what `fetch` does, read from the primary, or from a standby while the primary is gone."""
        try:
            # A standby may show what was before the last change that was heard.
            return await self.fetch(key, parts, partial(read, database.primary))
        except Unavailable:
            standby = database.standby
            if standby is database.primary:
                raise
            # Not kept, for the same reason.
            return await read(standby)

    async def fetch(self, key: Hashable, parts: Parts, read: Read) -> bytes | None:
        """Return an answer from memory or by `read`, which all who ask at the same time share; raise what it raises.

        `read` returns None for an answer that must not be cached. Cancelling a caller does not cancel the read.
        """
        found = self.start(key, parts, read)
        return found if isinstance(found, bytes) else await found

    def start(self, key: Hashable, parts: Parts, read: Read) -> bytes | Awaitable[bytes | None]:
        """Return an answer from memory, or what `fetch` has to await; not awaited, that may run nothing."""
        found = self.find(key)
        if found is not None:
            return found
        self.changes.start()
        if not self.changes.is_current:
            self._metrics.count("unsure")
            return read()
        flight = self._flights.get(key)
        if flight is None or not self.changes.are_unchanged(flight.versions, parts):
            self._metrics.count("miss")
            flight = self._begin(key, parts, read)
        else:
            self._metrics.count("joined")
        return asyncio.shield(flight.task)

    def _begin(self, key: Hashable, parts: Parts, read: Read) -> Flight:
        # Taken before the read: if a change arrives from here on, the answer is not cached.
        versions = self.changes.versions()
        task = asyncio.ensure_future(self._read(key, parts, versions, read))
        flight = self._flights[key] = Flight(task, versions)
        task.add_done_callback(lambda _: self._land(key, flight))
        return flight

    async def _read(self, key: Hashable, parts: Parts, versions: Versions, read: Read) -> bytes | None:
        answer = await read()
        if answer is not None and self.changes.are_unchanged(versions, parts):
            self._keep(key, answer, parts, versions)
        return answer

    def _land(self, key: Hashable, flight: Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not flight.task.cancelled():
            # Where all callers have gone, nobody else retrieves the exception.
            flight.task.exception()

    def _keep(self, key: Hashable, answer: bytes, parts: Parts, versions: Versions) -> None:
        self._entries.keep(key, Entry(answer, parts, versions), len(answer))
        self._metrics.note_size(self._entries.used, len(self._entries))


def is_anonymous(scope: Scope) -> bool:
    """Return whether no header of a request identifies its caller."""
    return all(name not in CREDENTIALS for name, _ in scope["headers"])
