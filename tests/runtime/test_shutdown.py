"""The end of a process: its steps share one deadline, which counts from the signal."""

import asyncio
import time

import pytest
import structlog

from runtime import shutdown
from runtime.shutdown import Shutdown, begin_shutdown, finish, finish_together, limit_to_deadline


@pytest.fixture(autouse=True)
def _process_that_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutdown, "SHUTDOWN", Shutdown())


def test_step_has_its_own_limit_before_a_signal() -> None:
    assert limit_to_deadline(100.0, deadline=5.0) == 100.0


def test_later_step_has_what_is_left_until_its_deadline() -> None:
    shutdown.SHUTDOWN.began = time.monotonic() - 4.0
    begin_shutdown()

    assert limit_to_deadline(0.5, deadline=5.0) == 0.5
    assert limit_to_deadline(100.0, deadline=5.0) <= 1.0
    assert limit_to_deadline(100.0, deadline=3.0) == 0.0


async def test_steps_that_never_end_are_cancelled_at_the_same_time() -> None:
    cancelled: list[int] = []
    done: list[int] = []

    async def hang(number: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(number)
            # What a cancelled step still does holds up nobody.
            await asyncio.Event().wait()

    async def work() -> None:
        done.append(1)

    await finish_together([hang(1), work(), hang(2)], seconds=0.01)
    await asyncio.sleep(0)

    assert (done, sorted(cancelled)) == ([1], [1, 2])


async def test_error_of_a_step_is_logged_and_stops_no_other_step() -> None:
    done: list[str] = []

    async def fail() -> None:
        raise ValueError

    async def work() -> None:
        await asyncio.sleep(0)
        done.append("together")

    with structlog.testing.capture_logs() as lines:
        await finish_together([fail(), work()], seconds=60)
        finish(lambda: 1 // 0)
        finish(lambda: done.append("after"))

    assert done == ["together", "after"]
    assert [(line["event"], line["log_level"]) for line in lines] == [("a step of the shutdown failed", "error")] * 2
