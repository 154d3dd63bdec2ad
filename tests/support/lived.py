"""How long something takes on a machine that stands still now and then: what a test allows must not depend on that."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

BEAT_SECONDS: Final = 0.01
# A thread that only sleeps wakes later than that when the machine had no time for any of us.
LONGEST_BEAT_SECONDS: Final = 0.1


@dataclass
class Lived:
    """The seconds of a block that has ended."""

    seconds: float = 0.0


@contextmanager
def lived() -> Iterator[Lived]:
    """Yield what counts the seconds of the block, those in which this process waits and works, not those in which it cannot.

    A thread counts them, so that a block which keeps its event loop busy is not taken for a machine that stands still.
    """
    spent, over = Lived(), threading.Event()

    def count() -> None:
        last = time.monotonic()
        is_over = False
        while not is_over:
            is_over = over.wait(BEAT_SECONDS)
            now = time.monotonic()
            spent.seconds += min(now - last, LONGEST_BEAT_SECONDS)
            last = now

    counting = threading.Thread(target=count)
    counting.start()
    try:
        yield spent
    finally:
        over.set()
        counting.join()
