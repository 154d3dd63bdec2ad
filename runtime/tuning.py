"""The tuning of a process, each knob with the benchmark that shows what it is worth. Measure again before changing one.

What bounds a request, such as graphql-core's budget for comparing fields, is a limit and stands in config/limits.py.
"""

import atexit
import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# glibc's numbers, from malloc.h.
M_TRIM_THRESHOLD: Final = -1
M_MMAP_THRESHOLD: Final = -3
M_ARENA_MAX: Final = -8
# More than the 7 MiB of a password's hash.
LARGE_BYTES: Final = 8 * 2**20
# The memory of two hashes.
SPARE_BYTES: Final = 2 * LARGE_BYTES


@contextmanager
def load_without_collecting() -> Iterator[None]:
    """Import modules with the garbage collector off, and leave what they made out of its sight.

    They make 280,000 objects, of which 5,000 (1 MB) are garbage. Two searches followed, 0.1 s each: the first one as soon
    as the collector was on again, the other one in freeze_start_up(). Benchmark: `python -m benchmarks.start` (seconds to
    the first answer).
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
    # At the end Python would search all modules twice more for garbage before it drops them.
    atexit.register(gc.freeze)


@contextmanager
def hide_package(name: str) -> Iterator[None]:
    """Let imports of a package fail meanwhile, as where it is not installed.

    It must not have been imported before. Benchmark: `python -m benchmarks.start` (seconds, and memory).
    """
    sys.modules[name] = None  # type: ignore[assignment]  # makes the import system raise ModuleNotFoundError
    try:
        yield
    finally:
        del sys.modules[name]


def freeze_start_up() -> None:
    """Take what was made until now out of the collector's sight, for it stays until the end.

    The collector examines everything once there is a quarter more of it. Of a whole server that is the garbage of many
    requests; of what requests leave behind it is little. Benchmark: `python -m benchmarks.start` (memory after a start).
    """
    gc.collect()
    gc.freeze()


def bound_spare_memory() -> None:
    """Have the C library keep at most 16 MiB of freed memory, and map blocks of 8 MiB and more one by one.

    By default glibc gives each thread an arena of its own, which keeps what it has freed. A password's hash takes 7 MiB:
    mapped anew for each hash, its page faults cost 4 ms (12 instead of 8). Benchmarks: `python -m benchmarks.subscriptions`
    (resident memory of a worker), `python -m benchmarks.peers --scenarios sign-in`.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform != "win32" else None
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(M_TRIM_THRESHOLD, SPARE_BYTES)
        mallopt(M_ARENA_MAX, 1)


def count_processors() -> int:
    """Return how many processors this process may use; those that its affinity leaves out do not count."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
