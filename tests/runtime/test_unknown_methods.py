"""A method that the parser does not know is refused by its address, as any other that the address does not take."""

import socket
from collections.abc import Iterator

import pytest

from runtime.metrics import Metrics
from runtime.unknown_methods import find_unknown_method
from tests.runtime.test_protocol import read_answer
from tests.runtime.test_server import running

GET = b"GET /pid HTTP/1.1\r\nHost: x\r\n\r\n"
UNKNOWN = [b"BREW", b"get", b"GETS", b"!#$%&'*+-.^_`|~", b"x" * 32]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, int]]:
    """The address of a server."""
    with running() as (_, address):
        host, port = address.removeprefix("http://").split(":")
        yield host, int(port)


def end_of(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize("method", UNKNOWN)
def test_refuses_unknown_method_by_its_address_and_goes_on(served: tuple[str, int], method: bytes) -> None:
    with socket.create_connection(served, timeout=10) as connection:
        for before in (b"", b"\r\n"):
            # With a body, which is not taken for the next request.
            connection.sendall(before + method + b" /pid HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nGET")
            answer = read_answer(connection)
            assert answer.startswith(b"HTTP/1.1 405 ")
            assert b"\r\nallow: " in answer
            connection.sendall(GET)
            assert read_answer(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "request_line",
    [
        b"x" * 33 + b" / HTTP/1.1",
        b"\xc3\xa9 / HTTP/1.1",
        b"BR(EW / HTTP/1.1",
        b"\x16\x03\x01\x02\x00\x01\x00 ",
        b"BREW / HTTP/9.9",
        b"BREW",
        b" ",
    ],
)
def test_refuses_what_is_no_request(served: tuple[str, int], request_line: bytes) -> None:
    with socket.create_connection(served, timeout=10) as connection:
        connection.sendall(request_line + b"\r\nHost: x\r\n\r\n")
        assert end_of(connection).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("body", [b"BREW /pid HTTP/1.1\r\nHost: x\r\n\r\n", b"a BREW / HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_takes_no_body_for_a_request(served: tuple[str, int], body: bytes) -> None:
    """What follows a body in the same bytes is no request of its own, where it does not begin them."""
    head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
    with socket.create_connection(served, timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(head)
        connection.sendall(b"ab" + body)
        assert [part[:3] for part in end_of(connection).split(b"HTTP/1.1 ")[1:]] == [b"200", b"400"]


@pytest.mark.parametrize(
    ("data", "method"),
    [
        (b"BREW / HTTP/1.1\r\n", b"BREW"),
        (b"\r\n\r\nBREW / HTTP/1.1\r\n", b"BREW"),
        (b"GET / HTTP/1.1\r\n", None),
        (b"GET / HTTP/1.1\r\n\r\nBREW / HTTP/1.1\r\n", None),
        (b"BREW", None),
        (b"", None),
    ],
)
def test_finds_unknown_method_where_the_bytes_begin_with_one(data: bytes, method: bytes | None) -> None:
    assert find_unknown_method(data) == method


def test_invented_methods_fill_no_memory() -> None:
    metrics = Metrics()
    for number in range(1000):
        metrics.count(f"BREW{number}", "/livez", 405, 0.01)
    assert len(metrics._counts) == 1  # noqa: SLF001 - what stays is inside
