"""Bounds the work that all workers of a server do at once: each piece of work locks one of a few files."""

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# How long the first in the queue sleeps between two tries of all slots; a password's hash takes 8 ms.
LOOK_SECONDS: Final = 0.0005


@dataclass(frozen=True, slots=True)
class SharedSlots:
    """As many slots as there are files. The slots of a process that dies are free again: the kernel closes its files."""

    queue: Path
    files: Sequence[Path]

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold a slot for the length of a block; blocks the calling thread until one is free."""
        descriptor = self._lock_any()
        try:
            yield
        finally:
            os.close(descriptor)

    def _lock_any(self) -> int:
        # No system call waits for any one of several locks. So one thread of the machine tries them, and the others queue for its place.
        place = lock_file(self.queue)
        try:
            while True:
                for file in self.files:
                    with suppress(BlockingIOError):
                        return lock_file(file, wait=False)
                time.sleep(LOOK_SECONDS)
        finally:
            os.close(place)


def lock_file(file: Path, *, wait: bool = True) -> int:
    """Return a descriptor that holds the lock of a file; raise BlockingIOError where `wait` is false and it is taken."""
    # Opened anew each time: the lock belongs to the open file, so that threads of one process exclude each other too.
    descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def make_shared_slots(name: str, *, count: int) -> Iterator[SharedSlots]:
    """Yield `count` slots; delete their files after the block."""
    with tempfile.TemporaryDirectory(prefix=f"matinee-{name}-") as folder:
        queue, *files = [Path(folder) / str(number) for number in range(count + 1)]
        for file in (queue, *files):
            file.touch()
        yield SharedSlots(queue, files)
