"""Signals that end a process: every `finally` runs, so that an embedded database is stopped too."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from runtime.shutdown import begin_shutdown

# SIGHUP comes from a terminal that is closed, SIGQUIT from Ctrl-\ and from some supervisors.
NAMES: Final = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT")
ENDING_SIGNALS: Final = tuple(signal.Signals[name] for name in NAMES if hasattr(signal, name))
SHELL_STATUS: Final = 128

Handler = Callable[[int, FrameType | None], object]


def end_on_signals(*, status: int | None = 0) -> None:
    """Let a signal end this process with this status, or for None with the status that a shell gives it.

    uvicorn takes the signals over while it serves and raises them again afterwards: then they end up here.
    """

    def end(number: int, _: FrameType | None) -> None:
        begin_shutdown()
        # A second one would interrupt the `finally` that stops the database.
        ignore_signals()
        sys.exit(SHELL_STATUS + number if status is None else status)

    for number in list_ending_signals():
        signal.signal(number, end)


def ignore_signals() -> None:
    """Let no signal interrupt the end."""
    for number in ENDING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def list_ending_signals() -> list[signal.Signals]:
    """Return the signals that end this process: all but the SIGHUP that `nohup` has told it to ignore."""
    hang_up = getattr(signal, "SIGHUP", None)
    return [each for each in ENDING_SIGNALS if each != hang_up or signal.getsignal(each) != signal.SIG_IGN]


@contextmanager
def handle_signals(handler: Handler) -> Iterator[None]:
    """Call `handler` for the signals inside the block. Only the main thread can have handlers; elsewhere nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in list_ending_signals()}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
