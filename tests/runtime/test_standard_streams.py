"""Standard streams that lose text instead of failing, written to by several threads and by handlers of signals."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

import pytest

from runtime.standard_streams import LossyFile

LINE = b"a line\n"


@pytest.fixture
def full_pipe() -> Iterator[int]:
    """Yield the descriptor of a pipe that takes nothing until somebody reads it."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"x" * 4096)
    except BlockingIOError:
        pass
    yield writing
    os.close(reading)
    os.close(writing)


def test_threads_write_while_another_one_waits_for_the_reader(full_pipe: int) -> None:
    file, failures = LossyFile(full_pipe), []

    def write() -> None:
        try:
            file.write(LINE)
        except RuntimeError as error:
            failures.append(error)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []


def test_signal_handler_writes_while_its_thread_waits_for_the_reader(full_pipe: int) -> None:
    file, written = LossyFile(full_pipe), []

    def handle(_number: int, _frame: FrameType | None) -> None:
        written.append(file.write(LINE))

    before = signal.signal(signal.SIGALRM, handle)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        file.write(LINE)
        while not written:
            time.sleep(0.01)
    finally:
        signal.signal(signal.SIGALRM, before)

    assert written == [len(LINE)]
