"""Counts the requests of a server, in memory that its workers share, and bounds those that a worker runs at once."""

import fcntl
import mmap
import os
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Iterator, MutableMapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from errors import Unavailable
from runtime.shared_memory import make_shared_file

# As many workers as `matinee serve` takes.
WORKERS: Final = 256
# The numbers are 64 bits wide. Each worker has one of its own, a cache line apart, that nobody else writes: so nothing is
# lost, and a worker that takes a dead one's place goes on where that one was killed.
LINE: Final = 8
RUN, GENERATION, BASE, OTHERS = range(4)
SIZE: Final = (1 + WORKERS) * LINE * 8
# The share of the slots that reads may take, so that bookings find one even when all of those are taken.
BROWSING_SHARE: Final = 0.75

Message = MutableMapping[str, Any]


@dataclass(frozen=True, slots=True)
class CountReport:
    """The count of this run of a server since the reset with this generation."""

    run: int
    generation: int
    number: int


class RequestCounter:
    """The count of one run of a server, seen from one of its workers."""

    __slots__ = ("_descriptor", "_numbers", "_own", "_place")

    def __init__(self, memory: mmap.mmap, *, worker: int = 0, descriptor: int | None = None) -> None:
        """Count for this worker; the workers lock `descriptor` when they change the numbers that they share."""
        self._numbers = memoryview(memory).cast("Q")
        self._place = (1 + worker) * LINE
        # A copy of its own number: writing the sum costs less than reading, adding and writing.
        self._own = self._numbers[self._place]
        self._descriptor = descriptor

    @property
    def is_shared(self) -> bool:
        """Whether other processes share this count, so that it is added up in the database."""
        return self._descriptor is not None

    def add(self) -> None:
        """Count one request; one process's event loop is the only one that writes here."""
        self._own = self._numbers[self._place] = self._own + 1

    def count_since_reset(self) -> int:
        """Return the requests since the last reset: exact for this run, for other servers as last read from the database."""
        with self._locked():
            return self.count_live() - self._numbers[BASE] + self._numbers[OTHERS]

    def make_report(self) -> CountReport:
        """Return the count that this run publishes in the database."""
        with self._locked():
            numbers = self._numbers
            return CountReport(numbers[RUN], numbers[GENERATION], self.count_live() - numbers[BASE])

    def count_live(self) -> int:
        """Return the requests since this run began; resets do not matter."""
        return sum(self._numbers[LINE::LINE])

    def merge_others(self, generation: int, others: int, *, live_then: int | None = None) -> None:
        """Store the count of other servers since the reset with this generation.

        Where the reset is new here, count this run anew: from now, or from the moment when its count was `live_then`.
        """
        with self._locked():
            if generation > self._numbers[GENERATION]:
                self._numbers[BASE] = self.count_live() if live_then is None else live_then
                self._numbers[GENERATION] = generation
            if generation == self._numbers[GENERATION]:
                self._numbers[OTHERS] = others

    def close(self) -> None:
        """Close the file of the lock; the memory is freed with the process."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other workers from changing the shared numbers during the block."""
        if self._descriptor is None:
            yield
            return
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)


def make_private_counter() -> RequestCounter:
    """Return a counter of this process alone."""
    memory = mmap.mmap(-1, SIZE)
    _begin(memory)
    return RequestCounter(memory)


def make_shared_counter_file() -> AbstractContextManager[Path]:
    """Return a context with the file behind the memory that the workers of a server share, for as long as the server runs."""
    return make_shared_file("requests", size=SIZE, begin=_begin)


def join_counter(file: Path, *, worker: int) -> RequestCounter:
    """Return the counter in this file for one worker; raise ValueError for a worker beyond the last."""
    if not 0 <= worker < WORKERS:
        raise ValueError(f"worker {worker} of {WORKERS}")
    descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    return RequestCounter(mmap.mmap(descriptor, SIZE), worker=worker, descriptor=descriptor)


def _begin(memory: mmap.mmap) -> None:
    # A random number, so that no two runs on any machines share a row. 63 bits, since a bigint of PostgreSQL has a sign.
    memory[RUN * 8 : RUN * 8 + 8] = secrets.randbits(63).to_bytes(8, "little")


class RequestSlots:
    """The slots of a worker: the requests that it may run at once."""

    __slots__ = ("browsing", "free", "most")

    def __init__(self, most: int) -> None:
        self.most = self.free = most
        self.browsing = max(1, int(most * BROWSING_SHARE))

    def has_room(self, *, is_browsing: bool) -> bool:
        """Return whether a slot is left for this kind of request."""
        return self.free > (self.most - self.browsing if is_browsing else 0)

    def take(self, *, is_browsing: bool) -> "Slot | None":
        """Return a slot, None where there is none left for this kind of request."""
        if not self.has_room(is_browsing=is_browsing):
            return None
        self.free -= 1
        return Slot(self, is_browsing=is_browsing)


class Slot:
    """The slot of one request. It is free while the request's body arrives, and once its answer has begun.

    So a client that sends or reads slowly, or that follows a stream, takes no slot from others.
    """

    __slots__ = ("_is_browsing", "_is_over", "_is_receiving", "_is_refused", "_slots")

    def __init__(self, slots: RequestSlots, *, is_browsing: bool) -> None:
        self._slots = slots
        self._is_browsing = is_browsing
        self._is_over = self._is_receiving = self._is_refused = False

    def give_back(self) -> None:
        """Free the slot; a second time does nothing."""
        if not self._is_over:
            self._is_over = True
            self._slots.free += not self._is_receiving

    def receive_outside(self, receive: Callable[[], Awaitable[Message]]) -> Callable[[], Coroutine[Any, Any, Message]]:
        """Return a function that receives the messages of the request, and frees the slot while it waits.

        It raises Unavailable where others have taken all slots meanwhile: each surface renders that as it reads the body.
        """

        async def receive_one() -> Message:
            if self._is_refused:
                raise Unavailable
            if self._is_over or self._is_receiving:
                return await receive()
            self._is_receiving = True
            self._slots.free += 1
            try:
                message = await receive()
            finally:
                self._is_receiving = False
                has_slot = self._take_back()
            if not has_slot and message["type"] == "http.request":
                self._is_refused = True
                raise Unavailable
            return message

        return receive_one

    def _take_back(self) -> bool:
        """Take the slot again, and return True; return False where there is none left."""
        if self._is_over:
            # The answer has begun meanwhile: the slot is free for good.
            return True
        if not self._slots.has_room(is_browsing=self._is_browsing):
            self._is_over = True
            return False
        self._slots.free -= 1
        return True
