"""HTTP/1.1 as uvicorn speaks it, with a bound on the head of a request and JSON for what is not HTTP at all."""

from typing import Final

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Enough for every browser's cookies; nginx takes 32 KiB, Node.js 16 KiB.
HEAD_BYTES: Final = 32 * 1024


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
