"""Slots that all workers of a server share: never more holders than slots, and none lost with a worker."""

import multiprocessing
import signal
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection

import pytest

from runtime.shared_slots import SharedSlots, lock_file, make_shared_slots

DEADLINE_SECONDS = 30


@pytest.fixture
def slots() -> Iterator[SharedSlots]:
    with make_shared_slots("test", count=2) as made:
        yield made


def hold_until_killed(slots: SharedSlots, told: Connection) -> None:
    with slots.hold(), slots.hold():
        told.send(b"held")
        signal.pause()


def test_runs_no_more_at_once_than_there_are_slots(slots: SharedSlots) -> None:
    both, lock = threading.Barrier(2), threading.Lock()
    running, seen = 0, []

    def work() -> None:
        nonlocal running
        with slots.hold():
            with lock:
                running += 1
                seen.append(running)
            # The slots are held two and two: each meets another before it goes on.
            both.wait(DEADLINE_SECONDS)
            with lock:
                running -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_SECONDS)

    assert len(seen) == 8
    assert max(seen) == 2


def test_returns_the_slots_of_a_process_that_dies(slots: SharedSlots) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=hold_until_killed, args=(slots, theirs), daemon=True)
    process.start()
    assert ours.poll(DEADLINE_SECONDS)
    assert ours.recv() == b"held"
    for file in slots.files:
        with pytest.raises(BlockingIOError):
            lock_file(file, wait=False)

    process.kill()
    process.join(DEADLINE_SECONDS)

    with slots.hold(), slots.hold():
        pass
