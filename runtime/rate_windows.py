"""What is done in a span of time, counted by key in memory that all worker processes of one server share."""

import fcntl
import mmap
import os
import secrets
import time
from contextlib import AbstractContextManager
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

from runtime.shared_memory import common

# The numbers are 64 bits wide. The first eight are the salt; then come buckets of eight keys: their marks, the instants
# at which their windows end, and their counts.
WAYS: Final = 8
BUCKETS: Final = 2048
MARKS, ENDS, COUNTS = 0, WAYS, 2 * WAYS
BUCKET: Final = 3 * WAYS
HEAD: Final = 8
SIZE: Final = (HEAD + BUCKETS * BUCKET) * 8
THOUSAND: Final = 1000


class Rate(NamedTuple):
    """So much in so many seconds."""

    amount: int
    seconds: int


class Quota(NamedTuple):
    """What is left of a rate in the window that is open now."""

    rate: Rate
    left: int
    # Until the window ends, rounded up.
    seconds: int
    # Whether what was asked for last was within it, and was counted.
    allowed: bool


class RateWindows:
    """Counts by key. A window begins with the first count of its key, and is forgotten when it ends."""

    __slots__ = ("_descriptor", "_numbers", "_salt")

    def __init__(self, memory: mmap.mmap, *, descriptor: int | None = None) -> None:
        """Count in this memory; `descriptor` is what processes lock while they do."""
        self._numbers = memoryview(memory).cast("Q")
        self._salt = memory[: HEAD * 8]
        self._descriptor = descriptor

    def take(self, key: str, amount: int, rate: Rate) -> Quota:
        """Count an amount, unless that would be more than the rate has left for this key; return what is left."""
        # By a secret of this run: nobody can look for keys that share a bucket with another's.
        digest = int.from_bytes(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8, key=self._salt).digest())
        start = HEAD + digest % BUCKETS * BUCKET
        now = time.monotonic_ns() // 1_000_000
        descriptor = self._descriptor
        if descriptor is None:
            allowed, count, ends = self._count(start, digest, now, amount, rate)
        else:
            # For a few microseconds; the kernel lets go of the lock of a process that dies with it.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            try:
                allowed, count, ends = self._count(start, digest, now, amount, rate)
            finally:
                fcntl.flock(descriptor, fcntl.LOCK_UN)
        return Quota(rate, rate.amount - count, (ends - now + THOUSAND - 1) // THOUSAND, allowed)

    def _count(self, start: int, mark: int, now: int, amount: int, rate: Rate) -> tuple[bool, int, int]:
        """Return whether the amount was added, what the key has now, and when its window ends."""
        numbers = self._numbers
        marks = numbers[start : start + WAYS].tolist()
        place = start + (marks.index(mark) if mark in marks else self._least(start, now))
        ends, count = numbers[place + ENDS], numbers[place + COUNTS]
        if numbers[place] != mark or ends <= now:
            numbers[place] = mark
            ends = numbers[place + ENDS] = now + rate.seconds * THOUSAND
            count = numbers[place + COUNTS] = 0
        if count + amount > rate.amount:
            return False, count, ends
        numbers[place + COUNTS] = count + amount
        return True, count + amount, ends

    def _least(self, start: int, now: int) -> int:
        """Return the place in a bucket that a new key gets: one that is over, or else the one with the least in it.

        So whoever comes under many addresses pushes out their own, and no busy one.
        """
        ends = self._numbers[start + ENDS : start + COUNTS].tolist()
        counts = self._numbers[start + COUNTS : start + BUCKET].tolist()
        return min(range(WAYS), key=lambda place: counts[place] if ends[place] > now else -1)

    def close(self) -> None:
        """Let go of the lock's file; the memory goes with the process."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def private_windows() -> RateWindows:
    """Return counts that one process keeps for itself."""
    memory = mmap.mmap(-1, SIZE)
    _begin(memory)
    return RateWindows(memory)


def shared_windows_file() -> AbstractContextManager[Path]:
    """Return the file behind the memory that the workers of a server share, to be entered for as long as it runs."""
    return common("windows", size=SIZE, begin=_begin)


def join_windows(file: Path) -> RateWindows:
    """Return the counts in this file."""
    descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    return RateWindows(mmap.mmap(descriptor, SIZE), descriptor=descriptor)


def _begin(memory: mmap.mmap) -> None:
    memory[: HEAD * 8] = secrets.token_bytes(HEAD * 8)
