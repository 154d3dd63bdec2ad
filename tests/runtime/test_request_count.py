"""Requests counted in shared memory: none lost, whoever counts and whoever dies."""

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from runtime import request_count
from runtime.request_count import RequestCounter, join_counter, make_private_counter, make_shared_counter_file


def count(file: Path, worker: int, times: int) -> None:
    counting = join_counter(file, worker=worker)
    for _ in range(times):
        counting.add()


def count_and_die(file: Path, worker: int, times: int) -> None:
    count(file, worker, times)
    os.kill(os.getpid(), signal.SIGKILL)


def test_workers_that_count_at_once_lose_nothing() -> None:
    context = multiprocessing.get_context("spawn")
    with make_shared_counter_file() as file:
        workers = [context.Process(target=count, args=(file, place, 20_000)) for place in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

        assert join_counter(file, worker=0).count_since_reset() == 60_000


def test_a_worker_goes_on_where_a_killed_one_stopped() -> None:
    context = multiprocessing.get_context("spawn")
    with make_shared_counter_file() as file:
        killed = context.Process(target=count_and_die, args=(file, 1, 500))
        killed.start()
        killed.join()
        count(file, 1, 7)

        assert killed.exitcode == -signal.SIGKILL
        assert join_counter(file, worker=0).count_since_reset() == 507


def pair(file: Path) -> tuple[RequestCounter, RequestCounter]:
    return join_counter(file, worker=0), join_counter(file, worker=1)


def test_a_reset_by_any_worker_is_known_to_all_at_once() -> None:
    with make_shared_counter_file() as file:
        one, other = pair(file)
        for _ in range(5):
            one.add()
            other.add()

        other.merge_others(1, 0)
        assert (one.count_since_reset(), other.count_since_reset()) == (0, 0)

        one.add()
        assert (one.count_since_reset(), other.count_since_reset()) == (1, 1)


def test_what_others_count_is_added_until_the_next_reset() -> None:
    with make_shared_counter_file() as file:
        one, other = pair(file)
        one.add()
        one.merge_others(0, 40)
        assert other.count_since_reset() == 41

        other.merge_others(3, 2)
        assert one.count_since_reset() == 2


def test_old_news_change_nothing() -> None:
    counting = make_private_counter()
    counting.merge_others(2, 0)
    counting.add()

    counting.merge_others(1, 100)

    assert counting.count_since_reset() == 1
    assert counting.make_report().generation == 2


def test_runs_are_told_apart_and_workers_of_one_are_not() -> None:
    with make_shared_counter_file() as file, make_shared_counter_file() as another:
        one, other = pair(file)
        assert one.make_report().run == other.make_report().run
        assert one.make_report().run != join_counter(another, worker=0).make_report().run
        assert 0 <= one.make_report().run < 2**63


def test_there_is_room_for_every_worker_and_no_more() -> None:
    with make_shared_counter_file() as file:
        last = join_counter(file, worker=request_count.WORKERS - 1)
        last.add()
        assert join_counter(file, worker=0).count_since_reset() == 1
        for worker in (-1, request_count.WORKERS):
            with pytest.raises(ValueError, match="worker"):
                join_counter(file, worker=worker)


def test_only_the_file_of_a_server_is_shared() -> None:
    with make_shared_counter_file() as file:
        assert join_counter(file, worker=0).is_shared
    assert not make_private_counter().is_shared
    assert not file.exists()
