"""Counts the requests of a worker: all that have come, in memory that its workers share, and those under way, which are bounded."""

import fcntl
import mmap
import os
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Iterator, MutableMapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from runtime.shared_memory import common

# As many workers as `matinee serve` takes.
WORKERS: Final = 256
# The numbers are 64 bits wide. Each worker has one of its own, a cache line apart, that nobody else writes: so nothing is
# lost, and a worker that takes a dead one's place goes on where that one was killed.
LINE: Final = 8
RUN, GENERATION, BASE, OTHERS = range(4)
SIZE: Final = (1 + WORKERS) * LINE * 8
# Of all slots, how many may be taken for browsing: bookings find one when browsers have taken all of theirs.
BROWSING_SHARE: Final = 0.75

Message = MutableMapping[str, Any]


@dataclass(frozen=True, slots=True)
class CountReport:
    """What this run of a server has counted since the reset of a generation."""

    run: int
    generation: int
    number: int


class RequestCounter:
    """The count of one run of a server, seen from one of its workers."""

    __slots__ = ("_descriptor", "_numbers", "_own", "_place")

    def __init__(self, memory: mmap.mmap, *, worker: int = 0, descriptor: int | None = None) -> None:
        """Count for this worker; `descriptor` is what the workers lock when they change what is common to them."""
        self._numbers = memoryview(memory).cast("Q")
        self._place = (1 + worker) * LINE
        # Its own number once more: to write is cheaper than to read and write.
        self._own = self._numbers[self._place]
        self._descriptor = descriptor

    @property
    def is_shared(self) -> bool:
        """Whether other processes count beside this one, and the database is to know of it."""
        return self._descriptor is not None

    def add(self) -> None:
        """Count one request; one process's event loop is the only one that writes here."""
        self._own = self._numbers[self._place] = self._own + 1

    def count_since_reset(self) -> int:
        """Return the requests since the last reset: of this run to the one, of others as the database last told."""
        with self._locked():
            return self.count_live() - self._numbers[BASE] + self._numbers[OTHERS]

    def make_report(self) -> CountReport:
        """Return what this run has to tell others."""
        with self._locked():
            numbers = self._numbers
            return CountReport(numbers[RUN], numbers[GENERATION], self.count_live() - numbers[BASE])

    def count_live(self) -> int:
        """Return what this run has counted since it began, resets aside."""
        return sum(self._numbers[LINE::LINE])

    def learn(self, generation: int, others: int, *, live_then: int | None = None) -> None:
        """Take in what others have counted since the reset of a generation.

        Where that reset is news, begin anew: from now, or from when this run had counted `live_then`.
        """
        with self._locked():
            if generation > self._numbers[GENERATION]:
                self._numbers[BASE] = self.count_live() if live_then is None else live_then
                self._numbers[GENERATION] = generation
            if generation == self._numbers[GENERATION]:
                self._numbers[OTHERS] = others

    def close(self) -> None:
        """Let go of the lock's file; the memory goes with the process."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep the other workers from changing what is common, for the microseconds that it takes."""
        if self._descriptor is None:
            yield
            return
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)


def private_counter() -> RequestCounter:
    """Return a tally that one process keeps for itself."""
    memory = mmap.mmap(-1, SIZE)
    _begin(memory)
    return RequestCounter(memory)


def shared_counter_file() -> AbstractContextManager[Path]:
    """Return the file behind the memory that the workers of a server share, to be entered for as long as it runs."""
    return common("requests", size=SIZE, begin=_begin)


def join_counter(file: Path, *, worker: int) -> RequestCounter:
    """Return the tally in this file as one worker sees it; raise ValueError for a worker beyond the last."""
    if not 0 <= worker < WORKERS:
        raise ValueError(f"worker {worker} of {WORKERS}")
    descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    return RequestCounter(mmap.mmap(descriptor, SIZE), worker=worker, descriptor=descriptor)


def _begin(memory: mmap.mmap) -> None:
    # By chance, so that no two runs on any machines have one row; a bigint of PostgreSQL has a sign.
    memory[RUN * 8 : RUN * 8 + 8] = secrets.randbits(63).to_bytes(8, "little")


class RequestSlots:
    """The slots of a worker."""

    __slots__ = ("browsing", "free", "most")

    def __init__(self, most: int) -> None:
        self.most = self.free = most
        self.browsing = max(1, int(most * BROWSING_SHARE))

    def take(self, *, is_browsing: bool) -> "Slot | None":
        """Return a slot, None where there is none left for this kind of request."""
        if self.free <= (self.most - self.browsing if is_browsing else 0):
            return None
        self.free -= 1
        return Slot(self)


class Slot:
    """One request that is being worked on: not while its body is on its way, and not once its answer has begun.

    So who sends or reads slowly, and who follows a stream, keeps nobody out.
    """

    __slots__ = ("_is_over", "_is_receiving", "_slots")

    def __init__(self, slots: RequestSlots) -> None:
        self._slots = slots
        self._is_over = self._is_receiving = False

    def give_back(self) -> None:
        """Free the slot; a second time does nothing."""
        if not self._is_over:
            self._is_over = True
            self._slots.free += not self._is_receiving

    def receive_outside(self, receive: Callable[[], Awaitable[Message]]) -> Callable[[], Coroutine[Any, Any, Message]]:
        """Return what receives the messages of the request, and leaves the slot to others meanwhile."""

        async def receive_one() -> Message:
            if self._is_over or self._is_receiving:
                return await receive()
            self._is_receiving = True
            self._slots.free += 1
            try:
                return await receive()
            finally:
                self._is_receiving = False
                # The answer may have begun meanwhile: then the slot is free for good.
                self._slots.free -= not self._is_over

        return receive_one
