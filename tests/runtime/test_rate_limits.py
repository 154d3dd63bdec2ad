"""Rates counted in shared memory: by key, by window, and none lost between workers."""

import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Final

import pytest

from runtime.rate_limits import BUCKETS, WAYS, Rate, join_windows, make_private_windows, make_shared_windows_file

TEN: Final = Rate(10, 60)
MANY: Final = Rate(10**9, 60)


def take(file: Path, times: int) -> None:
    counting = join_windows(file)
    for _ in range(times):
        counting.take("key", 1, MANY)


def take_and_die(file: Path, times: int) -> None:
    take(file, times)
    os.kill(os.getpid(), signal.SIGKILL)


def test_counts_up_to_the_rate_and_tells_what_is_left() -> None:
    counting = make_private_windows()
    taken = [counting.take("key", 3, TEN) for _ in range(4)]
    assert [(each.allowed, each.left) for each in taken] == [(True, 7), (True, 4), (True, 1), (False, 1)]
    assert {each.seconds for each in taken} == {60}
    # What was refused was not counted.
    assert counting.take("key", 1, TEN).allowed


def test_keys_are_counted_apart() -> None:
    counting = make_private_windows()
    assert counting.take("one", 10, TEN).allowed
    assert counting.take("other", 10, TEN).allowed
    assert not counting.take("one", 1, TEN).allowed


def test_a_window_begins_with_its_first_count_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 5_000_000_000
    monkeypatch.setattr(time, "monotonic_ns", lambda: now)
    counting = make_private_windows()
    assert counting.take("key", 10, TEN).seconds == 60

    now += 59_500_000_000
    refused = counting.take("key", 1, TEN)
    assert (refused.allowed, refused.seconds) == (False, 1)

    now += 500_000_000
    anew = counting.take("key", 1, TEN)
    assert (anew.allowed, anew.left, anew.seconds) == (True, 9, 60)


def test_workers_that_count_at_once_lose_nothing() -> None:
    context = multiprocessing.get_context("spawn")
    with make_shared_windows_file() as file:
        workers = [context.Process(target=take, args=(file, 20_000)) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

        assert join_windows(file).take("key", 1, MANY).left == MANY.amount - 60_001


def test_a_killed_worker_leaves_its_counts_and_no_lock() -> None:
    context = multiprocessing.get_context("spawn")
    with make_shared_windows_file() as file:
        killed = context.Process(target=take_and_die, args=(file, 500))
        killed.start()
        killed.join()

        assert killed.exitcode == -signal.SIGKILL
        assert join_windows(file).take("key", 1, MANY).left == MANY.amount - 501


def test_a_flood_of_keys_does_not_push_out_one_that_is_busy() -> None:
    counting = make_private_windows()
    assert counting.take("busy", 10, TEN).allowed
    for number in range(WAYS * BUCKETS * 2):
        counting.take(f"flood {number}", 1, TEN)
    assert not counting.take("busy", 1, TEN).allowed


def test_a_new_key_takes_the_place_of_one_that_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0
    monkeypatch.setattr(time, "monotonic_ns", lambda: now)
    counting = make_private_windows()
    for number in range(WAYS * BUCKETS * 3):
        counting.take(f"old {number}", 5, Rate(10, 1))
    now += 2_000_000_000
    for number in range(100):
        counting.take(f"new {number}", 10, TEN)
    assert not any(counting.take(f"new {number}", 1, TEN).allowed for number in range(100))


def test_two_servers_do_not_count_together() -> None:
    with make_shared_windows_file() as one, make_shared_windows_file() as other:
        assert join_windows(one).take("key", 10, TEN).allowed
        assert join_windows(other).take("key", 10, TEN).allowed
    assert not one.exists()
