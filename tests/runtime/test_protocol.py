"""Heads of requests: upgrades to another protocol than WebSocket are ignored, and what names no host is refused."""

import socket
from collections.abc import Iterator

import pytest

from tests.runtime.test_server import running

BODY = b'{"seats": 2}'
# The default of Java's HttpClient, and what else clients ask for.
UPGRADES = [b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n"] + [
    b"Connection: Upgrade\r\nUpgrade: " + protocol + b"\r\n" for protocol in (b"TLS/1.3", b"foo", b"h2c, websocket-ish")
]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, int]]:
    """The address of a server that echoes bodies."""
    with running() as (_, address):
        host, port = address.removeprefix("http://").split(":")
        yield host, int(port)


def head(upgrade: bytes, framing: bytes) -> bytes:
    return b"POST /echo HTTP/1.1\r\nHost: x\r\n" + upgrade + framing + b"\r\n\r\n"


def read_answer(connection: socket.socket) -> bytes:
    """Return one answer, head and body, by its Content-Length."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    top, _, body = received.partition(b"\r\n\r\n")
    length = int(top.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return top + b"\r\n\r\n" + body


@pytest.mark.parametrize("upgrade", UPGRADES)
@pytest.mark.parametrize("pieces", [1, 2, 999])
def test_keeps_body_of_request_that_asks_for_upgrade(served: tuple[str, int], upgrade: bytes, pieces: int) -> None:
    request = head(upgrade, b"Content-Length: " + str(len(BODY)).encode()) + BODY
    cut = {1: [request], 2: [request[: -len(BODY)], BODY], 999: [request[at : at + 1] for at in range(len(request))]}
    with socket.create_connection(served, timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(2):
            # Twice: the connection stays usable.
            for piece in cut[pieces]:
                connection.sendall(piece)
            answer = read_answer(connection)
            assert answer.startswith(b"HTTP/1.1 200")
            assert answer.endswith(b"\r\n\r\n" + BODY)


def test_closes_connection_after_request_that_asks_for_upgrade_and_close(served: tuple[str, int]) -> None:
    upgrade = b"Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    with socket.create_connection(served, timeout=10) as connection:
        connection.sendall(head(upgrade, b"Content-Length: " + str(len(BODY)).encode()) + BODY)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.endswith(b"\r\n\r\n" + BODY)


def test_keeps_chunked_body_of_request_that_asks_for_upgrade(served: tuple[str, int]) -> None:
    with socket.create_connection(served, timeout=10) as connection:
        connection.sendall(head(UPGRADES[0], b"Transfer-Encoding: chunked") + b"c\r\n" + BODY + b"\r\n0\r\n\r\n")
        assert read_answer(connection).endswith(b"\r\n\r\n" + BODY)


def test_refuses_connect(served: tuple[str, int]) -> None:
    with socket.create_connection(served, timeout=10) as connection:
        connection.sendall(b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"it does not take CONNECT" in answer


@pytest.mark.parametrize(
    "hosts",
    [
        b"",
        b"Host: x\r\nHost: x\r\n",
        b"Host: x\r\nhost: evil.example\r\n",
        b"Host: evil.example/<script>\r\n",
        b"Host: x y\r\n",
        b"Host: user@x\r\n",
        b"Host: x:80:80\r\n",
        b"Host: x:http\r\n",
        b"Host: [::1\r\n",
        "Host: cinéma.test\r\n".encode(),
    ],
)
def test_refuses_request_without_exactly_one_valid_host(served: tuple[str, int], hosts: bytes) -> None:
    assert send_with_hosts(served, hosts).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "host", [b"x", b"x:8000", b"my_service.test:8000", b"[::1]:8000", b"127.0.0.1", b"xn--cinma-esa.test.", b""]
)
def test_answers_request_with_valid_host(served: tuple[str, int], host: bytes) -> None:
    assert send_with_hosts(served, b"Host: " + host + b"\r\n").endswith(b"\r\n\r\n" + BODY)


def test_answers_request_of_http_1_0_without_host(served: tuple[str, int]) -> None:
    assert send_with_hosts(served, b"", version=b"1.0").endswith(b"\r\n\r\n" + BODY)


def send_with_hosts(served: tuple[str, int], hosts: bytes, *, version: bytes = b"1.1") -> bytes:
    """Send a request with these Host headers, and return all that comes."""
    with socket.create_connection(served, timeout=10) as connection:
        length = b"Content-Length: " + str(len(BODY)).encode() + b"\r\nConnection: close\r\n\r\n"
        connection.sendall(b"POST /echo HTTP/" + version + b"\r\n" + hosts + length + BODY)
        return b"".join(iter(lambda: connection.recv(65536), b""))
