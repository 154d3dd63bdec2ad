"""Hashes passwords on threads of low priority, so that a flood of sign-ins slows no other request."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError

from errors import Unavailable
from runtime.shared_slots import SharedSlots
from runtime.tuning import count_processors

# OWASP lists several settings of equal strength; this one needs the least memory, and a machine needs it once for each
# processor.
HASHER: Final = PasswordHasher(time_cost=5, memory_cost=7 * 1024, parallelism=1, type=Type.ID)
# Checked in place of an account that does not exist, so that both answers take the same time.
NOBODYS_HASH: Final = "$argon2id$v=19$m=7168,t=5,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

# An event loop that wants the same processor gets nine tenths of it (nice(2)); the hash, the rest and what is idle.
NICENESS: Final = 10

Result = TypeVar("Result")


class Hashing(Protocol):
    """Hashes and verifies passwords."""

    async def hash(self, password: str) -> str:
        """Return the hash to store; raise Unavailable when the queue is full."""

    async def verify(self, stored_hash: str | None, password: str) -> bool:
        """Return whether the password matches the stored hash; None stands for an unknown account."""


class Passwords:
    """Argon2id: runs `threads` hashes at once and queues `waiting` more; refuses the rest.

    `slots` bounds the hashes that all workers of the machine run at once, and so the memory that hashing takes.
    """

    def __init__(self, *, threads: int | None = None, waiting: int = 64, slots: SharedSlots | None = None) -> None:
        """Hash on `threads` threads, by default as many as there are processors."""
        count = threads or count_processors()
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="argon2", initializer=lower_priority)
        self._room = count + waiting
        self._slots = slots

    async def hash(self, password: str) -> str:
        """Return the hash to store; raise Unavailable when the queue is full."""
        return await self._run_off_the_loop(lambda: HASHER.hash(_encode(password)))

    async def verify(self, stored_hash: str | None, password: str) -> bool:
        """Return whether the password matches the stored hash; None stands for an unknown account.

        An unknown account takes as long as a wrong password. Raises Unavailable when the queue is full.
        """
        matches = await self._run_off_the_loop(lambda: _matches(stored_hash or NOBODYS_HASH, password))
        return matches and stored_hash is not None

    async def _run_off_the_loop(self, work: Callable[[], Result]) -> Result:
        if self._room == 0:
            raise Unavailable
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._run, work)
        finally:
            self._room += 1

    def _run(self, work: Callable[[], Result]) -> Result:
        if self._slots is None:
            return work()
        with self._slots.hold():
            return work()

    def close(self) -> None:
        """Drop queued hashes, and end the threads after their current one."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def lower_priority() -> None:
    """Lower the priority of the calling thread, where the system knows that of a single thread."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, max(NICENESS, os.getpriority(os.PRIO_PROCESS, thread)))


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
