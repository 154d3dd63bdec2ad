"""Standard output and error that lose text instead of failing: on a full disk, a closed pipe or one that nobody reads.

A log line is never worth a request, and the addresses that a server prints are never worth its start.
"""

import io
import os
import select
import sys
from typing import Final

from typing_extensions import Buffer

OUTPUT: Final = 1
ERROR: Final = 2
# How long to wait once for a reader that is behind. While it stays behind, text is lost at once.
PATIENCE_MS: Final = 100
# A pipe that can be written to takes so much without blocking.
PIECE_BYTES: Final = getattr(select, "PIPE_BUF", 512)


class LossyFile(io.RawIOBase):
    """A file descriptor to write to; what it does not take is lost."""

    def __init__(self, descriptor: int) -> None:
        """Write to this descriptor, which stays open."""
        self._descriptor = descriptor
        self._is_behind = False

    def writable(self) -> bool:
        """Return that it is."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Return whether somebody reads it in a terminal."""
        return os.isatty(self._descriptor)

    def write(self, data: Buffer) -> int:
        """Write what the descriptor takes, and say that it was all."""
        text = memoryview(data).cast("B")
        for start in range(0, len(text), PIECE_BYTES):
            if not self._is_ready():
                break
            try:
                os.write(self._descriptor, text[start : start + PIECE_BYTES])
            except OSError:
                break
        return len(text)

    def _is_ready(self) -> bool:
        if not hasattr(select, "poll"):
            return True
        # A new one each time: threads, and handlers of signals, write while a thread waits, and poll() fails where it runs already.
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        self._is_behind = not poll.poll(0 if self._is_behind else PATIENCE_MS)
        return not self._is_behind


def lose_unwritable_errors() -> None:
    """Let writing to standard error never fail, for this process from now on."""
    _occupy(ERROR)
    # Under pytest it is another stream, which the test reads.
    if sys.stderr is None or sys.stderr is sys.__stderr__:
        sys.stderr = sys.__stderr__ = _lossy(ERROR)  # type: ignore[misc]


def lose_unwritable_output() -> None:
    """Let writing to standard output never fail, for a process whose work is something else."""
    _occupy(OUTPUT)
    if sys.stdout is None or sys.stdout is sys.__stdout__:
        sys.stdout = sys.__stdout__ = _lossy(OUTPUT)  # type: ignore[misc]


def _occupy(descriptor: int) -> None:
    """Lead a closed descriptor nowhere, before a socket or a file of ours gets its number."""
    try:
        os.fstat(descriptor)
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        if nowhere != descriptor:
            os.dup2(nowhere, descriptor)
            os.close(nowhere)


def _lossy(descriptor: int) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        LossyFile(descriptor),  # type: ignore[arg-type]  # the text is not buffered below
        encoding="utf-8",
        errors="backslashreplace",
        line_buffering=True,
        write_through=True,
    )
