"""Seconds count while a process waits or works, and not while it is kept from both."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from tests.support.lived import lived

ROOT: Final = Path(__file__).parents[2]
WAITING: Final = """
import time
from tests.support.lived import lived
with lived() as spent:
    end = time.monotonic() + 1.5
    print("begun", flush=True)
    time.sleep(max(end - time.monotonic(), 0))
print(spent.seconds)
"""


def test_counts_what_sleeping_thread_waits() -> None:
    with lived() as spent:
        time.sleep(0.3)
    assert spent.seconds > 0.1


def test_does_not_count_time_in_which_process_is_stopped() -> None:
    command = [sys.executable, "-c", WAITING]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as waiting:  # noqa: S603 - our own script
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == "begun\n"
        os.kill(waiting.pid, signal.SIGSTOP)
        time.sleep(1.5)
        os.kill(waiting.pid, signal.SIGCONT)
        assert float(waiting.stdout.read()) < 0.5
