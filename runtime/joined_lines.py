"""Joins log lines that are written within some milliseconds, so that a request does not pay for a system call each."""

import asyncio
import threading
from typing import Final, TextIO

from runtime.standard_streams import PIECE_BYTES

# How late a line may be. A process that is killed loses the lines of so long.
FLUSH_SECONDS: Final = 0.05


class JoinedLines:
    """A text stream whose lines can be joined. What is written without joining comes after all lines before it.

    A piece is whole lines, no more than a pipe takes at once: so the lines of several processes never mix.
    """

    def __init__(self, stream: TextIO) -> None:
        """Write to this stream."""
        self._stream = stream
        self._lines: list[bytes] = []
        self._size = 0
        # The event loop that will write what is held.
        self._flushing: asyncio.AbstractEventLoop | None = None
        # Reentrant: a handler of a signal may log. Lines come from all threads.
        self._lock = threading.RLock()

    def join(self, line: bytes) -> None:
        """Write a line within FLUSH_SECONDS; at once where no event loop runs in this thread."""
        with self._lock:
            if self._size + len(line) > PIECE_BYTES:
                self.flush()
            self._lines.append(line)
            self._size += len(line)
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                self.flush()
                return
            # Another loop may have ended with its timer waiting.
            if loop is not self._flushing:
                self._flushing = loop
                loop.call_later(FLUSH_SECONDS, self._flush_late)

    def _flush_late(self) -> None:
        self._flushing = None
        self.flush()

    def write(self, text: str) -> None:
        """Write a text at once, after what is held."""
        with self._lock:
            self.flush()
            self._stream.write(text)

    def flush(self) -> None:
        """Write what is held."""
        with self._lock:
            lines, self._lines, self._size = self._lines, [], 0
            if lines:
                self._stream.write(b"".join(lines).decode())
            self._stream.flush()
