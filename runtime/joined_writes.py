"""Writes of a response that is sent in pieces."""

from asyncio import AbstractEventLoop, Handle, Transport


class JoinedWrites:
    """Writes the head of a response together with the first piece of its body: one system call and one packet less.

    A head that no body follows at once is written in the next turn of the event loop.
    """

    __slots__ = ("_flushing", "_head", "_is_begun", "_loop", "_transport")

    def __init__(self, transport: Transport, loop: AbstractEventLoop) -> None:
        """Write one response to this transport."""
        self._transport = transport
        self._loop = loop
        self._head = b""
        self._is_begun = False
        self._flushing: Handle | None = None

    def write(self, data: bytes) -> None:
        """Write a piece; hold the first one until the second."""
        if not self._is_begun:
            self._is_begun, self._head = True, data
            self._flushing = self._loop.call_soon(self.flush)
        elif self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
            self._transport.writelines((self._head, data))
        else:
            self._transport.write(data)

    def flush(self) -> None:
        """Write what is held."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
            if not self._transport.is_closing():
                self._transport.write(self._head)

    def close(self) -> None:
        """Close the connection, once everything is written."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Return whether the connection is closed, or about to be."""
        return self._transport.is_closing()
