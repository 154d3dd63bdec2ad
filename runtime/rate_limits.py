"""Rate limits: counts what callers do in a span of time, in memory that the workers of a server share, and renders the headers."""

import fcntl
import mmap
import os
import secrets
import time
from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import lru_cache, partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple

from errors import RateLimited
from runtime.connection_limits import find_network
from runtime.shared_memory import make_shared_file

# The numbers are 64 bits wide. The first eight are the salt; then come buckets of eight keys: their marks, the instants
# at which their windows end, and their counts.
WAYS: Final = 8
BUCKETS: Final = 2048
MARKS, ENDS, COUNTS = 0, WAYS, 2 * WAYS
BUCKET: Final = 3 * WAYS
HEAD: Final = 8
SIZE: Final = (HEAD + BUCKETS * BUCKET) * 8
THOUSAND: Final = 1000
# Keys whose hash a process remembers: a caller sends many requests in a row.
REMEMBERED_KEYS: Final = 1024


class Rate(NamedTuple):
    """An amount that is allowed in a number of seconds."""

    amount: int
    seconds: int


class Quota(NamedTuple):
    """The rest of a rate in the current window."""

    rate: Rate
    left: int
    # Seconds until the window ends, rounded up.
    seconds: int
    # Whether the last amount was within the rate, and so was counted.
    allowed: bool


class RateWindows:
    """Counts by key. The window of a key begins with its first count; when it ends, the count begins anew."""

    __slots__ = ("_descriptor", "_hash", "_numbers")

    def __init__(self, memory: mmap.mmap, *, descriptor: int | None = None) -> None:
        """Count in this memory; processes lock `descriptor` while they count."""
        self._numbers = memoryview(memory).cast("Q")
        self._hash = lru_cache(maxsize=REMEMBERED_KEYS)(partial(hash_key, salt=memory[: HEAD * 8]))
        self._descriptor = descriptor

    def take(self, key: str, amount: int, rate: Rate) -> Quota:
        """Count an amount for a key, unless it is more than the rate has left; return the rest."""
        digest = self._hash(key)
        start = HEAD + digest % BUCKETS * BUCKET
        now = time.monotonic_ns() // 1_000_000
        descriptor = self._descriptor
        if descriptor is None:
            allowed, count, ends = self._count(start, digest, now, amount, rate)
        else:
            # Held for a few microseconds. The kernel releases the lock of a process that dies.
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
        place = start + (marks.index(mark) if mark in marks else self._choose_place(start, now))
        ends, count = numbers[place + ENDS], numbers[place + COUNTS]
        if numbers[place] != mark or ends <= now:
            numbers[place] = mark
            ends = numbers[place + ENDS] = now + rate.seconds * THOUSAND
            count = numbers[place + COUNTS] = 0
        if count + amount > rate.amount:
            return False, count, ends
        numbers[place + COUNTS] = count + amount
        return True, count + amount, ends

    def _choose_place(self, start: int, now: int) -> int:
        """Return the place in a bucket for a new key: one whose window has ended, else the one with the smallest count.

        So a caller with many addresses replaces the counts of those, and never a large count of another.
        """
        ends = self._numbers[start + ENDS : start + COUNTS].tolist()
        counts = self._numbers[start + COUNTS : start + BUCKET].tolist()
        return min(range(WAYS), key=lambda place: counts[place] if ends[place] > now else -1)

    def close(self) -> None:
        """Close the file of the lock; the memory is freed with the process."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def hash_key(key: str, *, salt: bytes) -> int:
    """Return the hash of a key, made with a secret of this run: so nobody can find keys that share a bucket with another's."""
    return int.from_bytes(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8, key=salt).digest())


def make_private_windows() -> RateWindows:
    """Return counts of this process alone."""
    memory = mmap.mmap(-1, SIZE)
    _begin(memory)
    return RateWindows(memory)


def make_shared_windows_file() -> AbstractContextManager[Path]:
    """Return a context with the file behind the memory that the workers of a server share, for as long as the server runs."""
    return make_shared_file("windows", size=SIZE, begin=_begin)


def join_windows(file: Path) -> RateWindows:
    """Return the counts in this file."""
    descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    return RateWindows(mmap.mmap(descriptor, SIZE), descriptor=descriptor)


def _begin(memory: mmap.mmap) -> None:
    memory[: HEAD * 8] = secrets.token_bytes(HEAD * 8)


@dataclass(slots=True)
class Visitor:
    """The sender of a request by network address, with the rest of each rate that the request was counted for."""

    address: str
    quotas: dict[str, Quota] = field(default_factory=dict)

    def count(self, windows: RateWindows, name: str, key: str, rate: Rate, amount: int = 1) -> None:
        """Count an amount for a key of this rate; raise RateLimited where that is more than is left."""
        quota = windows.take(f"{name} {key}", amount, rate)
        before = self.quotas.get(name)
        if before is None or quota.left < before.left or not quota.allowed:
            self.quotas[name] = quota
        if not quota.allowed:
            raise RateLimited(seconds=quota.seconds)


def find_visitor(scope: MutableMapping[str, Any]) -> Visitor:
    """Return the visitor of this ASGI request, the same object each time."""
    found: Visitor | None = scope.get("visitor")
    if found is None:
        client = scope.get("client")
        found = scope["visitor"] = Visitor(find_network(client[0]) if client else "")
    return found


def format_rate_headers(scope: MutableMapping[str, Any]) -> list[tuple[bytes, bytes]]:
    """Return the headers on the rates that a request was counted for (draft-ietf-httpapi-ratelimit-headers)."""
    found: Visitor | None = scope.get("visitor")
    if found is None or not found.quotas:
        return []
    quotas = found.quotas.items()
    policies = b", ".join([format_policy(name, quota.rate) for name, quota in quotas])
    left = b", ".join([b'"%b";r=%d;t=%d' % (name.encode(), quota.left, quota.seconds) for name, quota in quotas])
    return [(b"ratelimit-policy", policies), (b"ratelimit", left)]


@lru_cache(maxsize=64)
def format_policy(name: str, rate: Rate) -> bytes:
    """Return a rate as an item of `RateLimit-Policy`."""
    return f'"{name}";q={rate.amount};w={rate.seconds}'.encode()
