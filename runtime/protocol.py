"""HTTP/1.1 and WebSocket as uvicorn speaks them, with bounds on a request's head and on what a slow reader leaves unread."""

import socket
from asyncio import BaseTransport, Transport
from typing import Final, cast

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

# Enough for every browser's cookies; nginx takes 32 KiB, Node.js 16 KiB.
HEAD_BYTES: Final = 32 * 1024
# What has been sent over a WebSocket and not been read: the rest waits, and what waits is the newest state.
UNREAD_BYTES: Final = 16 * 1024


class HeadSizeError(ValueError):
    """The request line and headers are larger than a request of ours needs."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's own protocol; what is overridden is called by its parser for each piece of a request's head."""

    head_bytes = 0

    def on_message_begin(self) -> None:
        """Start to count anew."""
        self.head_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Count a piece of the address."""
        self._grow(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header."""
        self._grow(len(name) + len(value))
        super().on_header(name, value)

    def _grow(self, size: int) -> None:
        self.head_bytes += size
        if self.head_bytes > HEAD_BYTES:
            raise HeadSizeError

    def send_400_response(self, msg: str) -> None:
        """Answer what could not be parsed, and hang up."""
        large = self.head_bytes > HEAD_BYTES
        status = "431 Request Header Fields Too Large" if large else "400 Bad Request"
        text = f"The request's head is larger than {HEAD_BYTES} bytes." if large else msg
        body = orjson.dumps({"errors": [{"code": "invalid_input", "message": text}]})
        head = (
            f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's own protocol, with little room for what is sent; left to itself, Linux gives each connection megabytes."""

    def connection_made(self, transport: BaseTransport) -> None:
        """Bound the room."""
        super().connection_made(transport)
        opened = transport.get_extra_info("socket")
        if opened is not None:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD_BYTES)
        cast("Transport", transport).set_write_buffer_limits(high=UNREAD_BYTES)
