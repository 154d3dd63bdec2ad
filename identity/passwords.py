"""Hashes passwords on threads of their own, so that hashing never blocks the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError

from errors import Unavailable

# OWASP lists several settings of equal strength; this one needs the least memory, and each worker needs it once.
HASHER: Final = PasswordHasher(time_cost=5, memory_cost=7 * 1024, parallelism=1, type=Type.ID)
# Checked in place of an account that does not exist, so that both answers take the same time.
NOBODYS_HASH: Final = "$argon2id$v=19$m=7168,t=5,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

Result = TypeVar("Result")


class Hashing(Protocol):
    """Hashes and verifies passwords."""

    async def hash(self, password: str) -> str:
        """Return the hash to store; raise Unavailable when the queue is full."""

    async def verify(self, stored_hash: str | None, password: str) -> bool:
        """Return whether the password matches the stored hash; None stands for an unknown account."""


class Passwords:
    """Argon2id: runs `threads` hashes at once and queues `waiting` more; refuses the rest."""

    def __init__(self, *, threads: int = 1, waiting: int = 64) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._room = threads + waiting

    async def hash(self, password: str) -> str:
        """Return the hash to store; raise Unavailable when the queue is full."""
        return await self._off_the_loop(lambda: HASHER.hash(_encode(password)))

    async def verify(self, stored_hash: str | None, password: str) -> bool:
        """Return whether the password matches the stored hash; None stands for an unknown account.

        An unknown account takes as long as a wrong password. Raises Unavailable when the queue is full.
        """
        matches = await self._off_the_loop(lambda: _matches(stored_hash or NOBODYS_HASH, password))
        return matches and stored_hash is not None

    async def _off_the_loop(self, work: Callable[[], Result]) -> Result:
        if self._room == 0:
            raise Unavailable
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._room += 1

    def close(self) -> None:
        """Drop queued hashes, and end the threads after their current one."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def needs_rehash(stored_hash: str) -> bool:
    """Return whether a hash was made with other costs than today's."""
    return HASHER.check_needs_rehash(stored_hash)


def _encode(password: str) -> bytes:
    # A lone surrogate cannot be UTF-8; it must be a wrong password, not a crash.
    return password.encode("utf-8", "surrogatepass")


def _matches(stored_hash: str, password: str) -> bool:
    try:
        return HASHER.verify(stored_hash, _encode(password))
    except VerifyMismatchError:
        return False
