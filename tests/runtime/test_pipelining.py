"""Requests that a client sends before it has the answers to earlier ones: answers come in order, and end with the client."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from runtime.connection_limits import ConnectionLimits
from tests.runtime.test_connection_limits import PATIENCE_SECONDS, answer_to, listen_to, serving

LIMITS = ConnectionLimits(head_seconds=0.5, body_seconds=1.0)
WAITING = threading.Event()
BODILESS = threading.Event()
ENDED = threading.Event()
END = b" HTTP/1.1\r\nHost: x\r\n"
# Answered when whatever is late has been refused.
SLOW = b"GET /slow/1.2" + END + b"\r\n"
POST = b"POST /echo" + END + b"Content-Length: 10\r\n\r\n"
WEBSOCKET = (
    b"GET /ws"
    + END
    + (
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
)


async def slow(request: Request) -> Response:
    await asyncio.sleep(float(request.path_params["seconds"]))
    return PlainTextResponse("slow")


async def echo(request: Request) -> Response:
    return PlainTextResponse(await request.body())


class Begun(Response):
    """Has begun when its request turns out to be garbage, and goes on."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer in two pieces."""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        await asyncio.sleep(2)
        await send({"type": "http.response.body", "body": b"-last"})


class Bodiless(Response):
    """Answers a HEAD request, and keeps the event loop from turning while the next request arrives."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer."""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
        await send({"type": "http.response.body", "body": b""})
        BODILESS.set()
        time.sleep(0.3)  # noqa: ASYNC251


class Waiting(Response):
    """Ends when the client is gone, as an event stream does; it sends nothing but its head."""

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Wait."""
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        WAITING.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        ENDED.set()


def make_app() -> ASGIApp:
    def answer(scope: Scope, _body: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes] | None:
        return (200, [(b"content-length", b"5")], b"known") if scope["path"] == "/known" else None

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, object]]:
        yield {"answer_at_once": answer}

    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/slow/{seconds}", slow),
            Route("/echo", echo, methods=["POST"]),
            Route("/bodiless", Bodiless()),
            Route("/begun", Begun(), methods=["POST"]),
            Route("/waiting", Waiting(), methods=["GET", "POST"]),
            WebSocketRoute("/ws", listen_to),
        ],
    )


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(LIMITS, make_app=make_app) as opened:
        yield opened


def list_bodies(answers: bytes) -> list[bytes]:
    """Return the status and the last line of each answer."""
    return [each[:3] + b" " + each.rpartition(b"\r\n")[2][:5] for each in answers.split(b"HTTP/1.1 ")[1:]]


REFUSED = {
    "garbage": (b"garbage\r\n\r\n", b'400 {"err'),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", b'400 {"err'),
    "large head": (b"GET /" + b"a" * 40_000 + END + b"\r\n", b'431 {"err'),
    "garbage in a body": (b"POST /echo" + END + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", b'400 {"err'),
    "half a head": (b"GET /", b'408 {"err'),
    "WebSocket": (WEBSOCKET, b'400 {"err'),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refusal_comes_after_answers_to_earlier_requests(port: int, kind: str) -> None:
    sent, refusal = REFUSED[kind]
    received = answer_to(port, SLOW + POST + b"0123456789" + sent)

    assert list_bodies(received) == [b"200 slow", b"200 01234", refusal]


@pytest.mark.parametrize("pause", [0.0, 0.3])
def test_refusal_comes_once_whatever_follows_it(port: int, pause: float) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(SLOW)
        for _ in range(3):
            connection.sendall(b"garbage\r\n\r\n")
            time.sleep(pause)
        received = b"".join(iter(lambda: connection.recv(65536), b""))

    assert list_bodies(received) == [b"200 slow", b'400 {"err']


def test_client_is_not_late_with_what_the_server_does_not_read(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(b"GET /slow/2" + END + b"\r\n" + POST)
        time.sleep(2.2)
        connection.sendall(b"0123456789")
        received = b""
        while not received.endswith(b"0123456789"):
            received += connection.recv(65536) or pytest.fail("closed")

    assert list_bodies(received) == [b"200 slow", b"200 01234"]


def test_body_that_stays_away_is_refused_after_the_answer_before_it(port: int) -> None:
    assert list_bodies(answer_to(port, SLOW + POST)) == [b"200 slow", b'408 {"err']


@pytest.mark.parametrize("rest", [b"zz\r\n", b""])
def test_answer_that_has_begun_ends_whole_before_the_connection_closes(port: int, rest: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(b"POST /begun" + END + b"Transfer-Encoding: chunked\r\n\r\n")
        received = connection.recv(65536)
        connection.sendall(rest)
        received += b"".join(iter(lambda: connection.recv(65536), b""))

    assert received.endswith(b"\r\n\r\nfirst-last")


def test_known_request_is_answered_after_the_head_of_an_answer_without_a_body(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(b"HEAD /bodiless" + END + b"\r\n")
        assert BODILESS.wait(PATIENCE_SECONDS)
        connection.sendall(b"GET /known" + END + b"\r\n" + b"garbage\r\n\r\n")
        received = b"".join(iter(lambda: connection.recv(65536), b""))

    assert list_bodies(received) == [b"200 ", b"200 known", b'400 {"err']


@contextmanager
def waiting(port: int, sent: bytes) -> Iterator[socket.socket]:
    """Yield a connection whose request waits, with something more sent behind it."""
    WAITING.clear()
    ENDED.clear()
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(b"GET /waiting" + END + b"\r\n")
        assert WAITING.wait(PATIENCE_SECONDS)
        connection.sendall(sent)
        # Until the server has read it.
        time.sleep(0.3)
        yield connection


BEHIND = {
    "a request": b"GET /known" + END + b"\r\n",
    "half a request": POST,
    "more than is read": (POST + b"0123456789") * 10_000,
    "garbage": b"garbage\r\n\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("kind", BEHIND)
def test_request_that_waits_ends_with_its_client(port: int, kind: str) -> None:
    with waiting(port, BEHIND[kind]):
        assert not ENDED.is_set()

    assert ENDED.wait(PATIENCE_SECONDS)


def test_client_that_waits_for_its_answers_is_not_gone(port: int) -> None:
    with waiting(port, BEHIND["a request"]):
        assert not ENDED.wait(2)
