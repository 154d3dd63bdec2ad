"""Positions in the database's log by user, in memory that all worker processes of one server share."""

import mmap
import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from runtime.request_count import WORKERS
from runtime.shared_memory import make_shared_file

# Users share buckets. A user who shares one with a user who has changed something also reads from the primary for a moment.
BUCKETS: Final = 1024
SIZE: Final = BUCKETS * WORKERS * 8


class PositionMarks:
    """The position of each user's last change. Each worker has numbers of its own in each bucket, so no lock is needed."""

    __slots__ = ("_numbers", "_worker")

    def __init__(self, memory: mmap.mmap, *, worker: int = 0) -> None:
        """Write for this worker, and read what all have written."""
        self._numbers = memoryview(memory).cast("Q")
        self._worker = worker

    def mark(self, user_id: int, position: int) -> None:
        """Note that a user has changed something before this position."""
        place = user_id % BUCKETS * WORKERS + self._worker
        self._numbers[place] = max(self._numbers[place], position)

    def find(self, user_id: int) -> int:
        """Return the position that a user has to see, 0 where they have changed nothing."""
        start = user_id % BUCKETS * WORKERS
        return max(self._numbers[start : start + WORKERS])


def make_private_marks() -> PositionMarks:
    """Return marks of this process alone."""
    return PositionMarks(mmap.mmap(-1, SIZE))


def make_shared_marks_file() -> AbstractContextManager[Path]:
    """Return a context with the file behind the memory that the workers of a server share, for as long as the server runs."""
    return make_shared_file("positions", size=SIZE, begin=_begin)


def join_marks(file: Path, *, worker: int) -> PositionMarks:
    """Return the marks in this file as one worker writes them."""
    descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    try:
        return PositionMarks(mmap.mmap(descriptor, SIZE), worker=worker)
    finally:
        os.close(descriptor)


def _begin(_: mmap.mmap) -> None:
    """Leave all marks at 0."""
