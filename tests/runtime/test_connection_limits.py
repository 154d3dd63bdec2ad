"""Connections that send nothing, or half of something, end in time; and no address has more of them than it may."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Scope
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.sync.client import connect

from runtime.connection_limits import ConnectionCounter, ConnectionLimits
from runtime.server import Server, listen, make_config

LIMITS = ConnectionLimits(head_seconds=0.5, body_seconds=1.0, connections=4)
PATIENCE_SECONDS = 20.0
ANSWER_HAS_ENDED = threading.Event()
HEAD = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n"


async def echo(request: Request) -> Response:
    try:
        return PlainTextResponse(await request.body())
    except ClientDisconnect:
        return Response(status_code=499)


async def endless(_: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 65536
                # To a client that is gone sending takes no time, and nobody else would get a turn.
                await asyncio.sleep(0)
        finally:
            ANSWER_HAS_ENDED.set()

    return StreamingResponse(pieces())


async def listen_to(websocket: WebSocket) -> None:
    await websocket.accept()
    with suppress(WebSocketDisconnect):
        await websocket.receive_text()


def make_app() -> ASGIApp:
    routes = [Route("/echo", echo, methods=["POST"]), Route("/endless", endless), WebSocketRoute("/ws", listen_to)]
    return Starlette(routes=routes)


@contextmanager
def serving(
    limits: ConnectionLimits = LIMITS,
    *,
    trusted_proxies: str = "",
    make_app: Callable[[], ASGIApp] = make_app,
    idle_seconds: int | None = None,
    host: str = "127.0.0.1",
) -> Iterator[int]:
    """Yield the port of a server in a thread."""
    ready = threading.Event()
    with listen(host, 0) as listener:
        config = make_config(make_app, limits=limits, trusted_proxies=trusted_proxies)
        config.timeout_keep_alive = idle_seconds or config.timeout_keep_alive
        server: uvicorn.Server = Server(config, on_ready=ready.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            assert ready.wait(PATIENCE_SECONDS)
            yield listener.getsockname()[1]
        finally:
            server.should_exit = server.force_exit = True
            thread.join(PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving() as opened:
        yield opened


def answer_to(port: int, sent: bytes) -> bytes:
    """Return all that comes until the server hangs up; fail where it does not."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_closes_a_connection_that_sends_nothing(port: int) -> None:
    assert answer_to(port, b"") == b""


@pytest.mark.parametrize("sent", [b"G", b"GET / HTTP/1.1\r\nHost: x\r\n", HEAD])
def test_answers_408_to_half_a_head(port: int, sent: bytes) -> None:
    assert answer_to(port, sent).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("body", [b"", b"half"])
def test_answers_408_to_half_a_body(port: int, body: bytes) -> None:
    answer = answer_to(port, HEAD + b"\r\n" + body)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert (
        b'{"errors":[{"code":"invalid_input","message":"The request\'s body has not arrived within 1 s."}]}' in answer
    )


def test_a_whole_request_before_half_a_head_is_answered(port: int) -> None:
    answer = answer_to(port, HEAD + b"\r\n0123456789" + b"POST /echo")

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"0123456789HTTP/1.1 408 " in answer


def test_keeps_an_idle_connection_after_an_answer(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        for pause in (LIMITS.body_seconds + 1, 0):
            connection.sendall(HEAD + b"\r\n0123456789")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
            time.sleep(pause)


def test_closes_idle_connection_that_sends_an_empty_line() -> None:
    with (
        serving(idle_seconds=1) as port,
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection,
    ):
        connection.sendall(HEAD + b"\r\n0123456789")
        assert connection.recv(65536).endswith(b"0123456789")
        connection.sendall(b"\r\n")
        assert connection.recv(65536) == b""


def test_ends_an_answer_that_nobody_reads(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        assert ANSWER_HAS_ENDED.wait(PATIENCE_SECONDS)


def test_refuses_more_connections_than_an_address_may_have() -> None:
    slow = ConnectionLimits(connections=4)
    with serving(slow) as port, ExitStack() as stack:
        open_ones = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(3)]
        # An upgraded connection stays counted.
        websocket = stack.enter_context(connect(f"ws://127.0.0.1:{port}/ws", compression=None))
        assert answer_to(port, b"").startswith(b"HTTP/1.1 429 ")

        websocket.close()
        open_ones[0].close()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while answer_to(port, HEAD + b"Connection: close\r\n\r\n0123456789").startswith(b"HTTP/1.1 429 "):
            assert time.monotonic() < deadline


def test_trusted_proxies_may_have_any_number_of_connections() -> None:
    with serving(ConnectionLimits(connections=1), trusted_proxies="127.0.0.0/8") as port, ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        assert answer_to(port, HEAD + b"Connection: close\r\n\r\n0123456789").startswith(b"HTTP/1.1 200 ")


def test_counts_a_network_of_ipv6_as_one_address() -> None:
    counter = ConnectionCounter(1)

    assert counter.enter("2001:db8::1")
    assert not counter.enter("2001:db8::2")
    assert counter.enter("2001:db8:0:1::1")
    counter.leave("2001:db8::1")
    assert counter.enter("2001:db8::2")


async def tell_address(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(websocket.scope["client"][0])
    await websocket.close()


def make_knowing_app() -> ASGIApp:
    """Return an application that knows the answer to every request: the address and the scheme of its caller."""

    def answer(scope: Scope, _body: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        text = f"{scope['client'][0]} {scope['scheme']}".encode()
        return 200, [(b"content-length", str(len(text)).encode())], text

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, object]]:
        yield {"answer_at_once": answer}

    return Starlette(lifespan=lifespan, routes=[WebSocketRoute("/ws", tell_address)])


def test_closes_idle_connection_after_known_request() -> None:
    with serving(make_app=make_knowing_app, idle_seconds=1) as port:
        answer = answer_to(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\n127.0.0.1 http")


@pytest.mark.parametrize(("trusted", "caller"), [("127.0.0.1", b"9.9.9.9 https"), ("10.0.0.1", b"127.0.0.1 http")])
def test_answers_known_request_of_caller_behind_trusted_proxy(trusted: str, caller: bytes) -> None:
    forwarded = b"X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\n\r\n"
    with serving(make_app=make_knowing_app, idle_seconds=1, trusted_proxies=trusted) as port:
        answer = answer_to(port, b"GET / HTTP/1.1\r\nHost: x\r\n" + forwarded)

    assert answer.endswith(b"\r\n\r\n" + caller)


def test_takes_no_header_from_after_a_chunked_body() -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with serving(make_app=make_knowing_app, idle_seconds=1, trusted_proxies="127.0.0.1") as port:
        answer = answer_to(port, head + b"1\r\nx\r\n0\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n")

    assert answer.endswith(b"\r\n\r\n127.0.0.1 http")


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_every_address_of_a_machine_with_both_protocols_is_an_ipv4_address_where_it_is_one() -> None:
    forwarded = b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n"
    one = ConnectionLimits(connections=1)
    with serving(one, make_app=make_knowing_app, idle_seconds=1, trusted_proxies="127.0.0.1", host="::") as port:
        # The proxy has no limit of connections either.
        with socket.create_connection(("127.0.0.1", port)):
            answer = answer_to(port, forwarded)
        direct = answer_to(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with connect(f"ws://127.0.0.1:{port}/ws", compression=None) as websocket:
            seen = websocket.recv()

    assert answer.endswith(b"\r\n\r\n9.9.9.9 http")
    assert direct.endswith(b"\r\n\r\n127.0.0.1 http")
    assert seen == "127.0.0.1"
