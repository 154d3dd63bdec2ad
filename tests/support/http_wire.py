"""HTTP as hostile clients speak it: bytes as they are told, and whatever comes back until the server hangs up."""

import io
import json
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any, Final
from urllib.parse import urlsplit

# Longer than any answer may take, so that a late one is told from none.
PATIENCE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, or none where the server just hung up: then its status is 0."""

    status: int
    headers: dict[str, str]
    body: bytes
    # What came behind it: another answer, where there should be one only.
    more: bytes
    seconds: float

    @property
    def json(self) -> Any:  # noqa: ANN401 - what the server says
        """The body, which must be JSON."""
        return json.loads(self.body)


class _Received:
    def __init__(self, received: bytes) -> None:
        self.stream = io.BytesIO(received)

    def makefile(self, *_: object, **__: object) -> io.BytesIO:
        return self.stream


def exchange(address: str, request: bytes) -> Answer:
    """Send the bytes on a connection of their own, and return the answer."""
    url = urlsplit(address)
    assert url.hostname is not None
    with socket.create_connection((url.hostname, url.port), timeout=PATIENCE_SECONDS) as connection:
        began = time.monotonic()
        received = _spoken(connection, request)
        seconds = time.monotonic() - began
    if not received:
        return Answer(0, {}, b"", b"", seconds)
    method = "HEAD" if request.startswith(b"HEAD ") else "GET"
    stream = _Received(received)
    response = HTTPResponse(stream, method=method)  # type: ignore[arg-type]  # all that it wants of a socket is the file
    response.begin()
    body = response.read()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, body, stream.stream.read() if not stream.stream.closed else b"", seconds)


def _spoken(connection: socket.socket, request: bytes) -> bytes:
    # It may have read enough to refuse, and hang up: what it says is already on its way.
    with suppress(OSError):
        connection.sendall(request)
    received = bytearray()
    with suppress(OSError):
        while piece := connection.recv(65536):
            received += piece
    return bytes(received)
