"""The tuning of a process, each knob with the benchmark that shows what it is worth. Measure again before changing one.

What bounds a request, such as graphql-core's budget for comparing fields, is a limit and stands in config/limits.py.
"""

import atexit
import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# glibc's numbers, from malloc.h.
M_MMAP_THRESHOLD: Final = -3
M_ARENA_MAX: Final = -8
LARGE_BYTES: Final = 2**20


@contextmanager
def load_without_collecting() -> Iterator[None]:
    """Import modules with the garbage collector off: they make many objects and no garbage.

    Benchmark: `python -m benchmarks.start` (seconds to the first answer).
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
    # At the end Python would search all modules twice more for garbage before it drops them.
    atexit.register(gc.freeze)


def freeze_start_up() -> None:
    """Take what was made until now out of the collector's sight, for it stays until the end.

    The collector examines everything once there is a quarter more of it. Of a whole server that is the garbage of many
    requests; of what requests leave behind it is little. Benchmark: `python -m benchmarks.start` (memory after a start).
    """
    gc.collect()
    gc.freeze()


def return_large_blocks() -> None:
    """Have the C library map blocks of 1 MiB and more one by one, so that freed ones go back to the system.

    By default glibc keeps the 7 MiB of a password's hash for the next one, and gives each thread an arena of its own.
    Benchmark: `python -m benchmarks.subscriptions` (resident memory of a worker).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform != "win32" else None
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(M_ARENA_MAX, 1)
