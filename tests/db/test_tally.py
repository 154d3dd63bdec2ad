"""Requests counted in shared memory: none lost, whoever counts and whoever dies."""

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from db import tally
from db.tally import Tally


def count(file: Path, worker: int, times: int) -> None:
    counting = tally.joined(file, worker=worker)
    for _ in range(times):
        counting.add()


def count_and_die(file: Path, worker: int, times: int) -> None:
    count(file, worker, times)
    os.kill(os.getpid(), signal.SIGKILL)


def test_workers_that_count_at_once_lose_nothing() -> None:
    context = multiprocessing.get_context("spawn")
    with tally.shared() as file:
        workers = [context.Process(target=count, args=(file, place, 20_000)) for place in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

        assert tally.joined(file, worker=0).shown() == 60_000


def test_a_worker_goes_on_where_a_killed_one_stopped() -> None:
    context = multiprocessing.get_context("spawn")
    with tally.shared() as file:
        killed = context.Process(target=count_and_die, args=(file, 1, 500))
        killed.start()
        killed.join()
        count(file, 1, 7)

        assert killed.exitcode == -signal.SIGKILL
        assert tally.joined(file, worker=0).shown() == 507


def pair(file: Path) -> tuple[Tally, Tally]:
    return tally.joined(file, worker=0), tally.joined(file, worker=1)


def test_a_reset_by_any_worker_is_known_to_all_at_once() -> None:
    with tally.shared() as file:
        one, other = pair(file)
        for _ in range(5):
            one.add()
            other.add()

        other.learn(1, 0)
        assert (one.shown(), other.shown()) == (0, 0)

        one.add()
        assert (one.shown(), other.shown()) == (1, 1)


def test_what_others_count_is_added_until_the_next_reset() -> None:
    with tally.shared() as file:
        one, other = pair(file)
        one.add()
        one.learn(0, 40)
        assert other.shown() == 41

        other.learn(3, 2)
        assert one.shown() == 2


def test_old_news_change_nothing() -> None:
    counting = tally.private()
    counting.learn(2, 0)
    counting.add()

    counting.learn(1, 100)

    assert counting.shown() == 1
    assert counting.counted().generation == 2


def test_runs_are_told_apart_and_workers_of_one_are_not() -> None:
    with tally.shared() as file, tally.shared() as another:
        one, other = pair(file)
        assert one.counted().run == other.counted().run
        assert one.counted().run != tally.joined(another, worker=0).counted().run
        assert 0 <= one.counted().run < 2**63


def test_there_is_room_for_every_worker_and_no_more() -> None:
    with tally.shared() as file:
        last = tally.joined(file, worker=tally.WORKERS - 1)
        last.add()
        assert tally.joined(file, worker=0).shown() == 1
        for worker in (-1, tally.WORKERS):
            with pytest.raises(ValueError, match="worker"):
                tally.joined(file, worker=worker)


def test_only_the_file_of_a_server_is_shared() -> None:
    with tally.shared() as file:
        assert tally.joined(file, worker=0).is_shared
    assert not tally.private().is_shared
    assert not file.exists()
