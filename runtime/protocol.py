"""uvicorn's HTTP/1.1 and WebSocket protocols, with stricter heads, and bounds on size, time and connections."""

import re
import select
import socket
import sys
from asyncio import BaseTransport, Transport
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, Final, TypeVar, cast

import httptools
import orjson
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from errors import format_error_body
from runtime.answering_protocol import AnsweringProtocol
from runtime.connection_limits import ConnectionCounter, ConnectionLimits, unmap_address
from runtime.pending_answers import AnswerBytes, BegunRequest
from runtime.proxy_headers import TrustedProxies
from runtime.unknown_methods import STAND_IN, find_unknown_method

# Enough for every browser's cookies; nginx takes 32 KiB, Node.js 16 KiB.
HEAD_BYTES: Final = 32 * 1024
# Bytes sent over a WebSocket that the client has not read yet. More waits in our own memory, as the newest state only.
UNREAD_BYTES: Final = 16 * 1024
TIMEOUT: Final = "408 Request Timeout"
INVALID: Final = "invalid_input"
Port = TypeVar("Port")


class Stage(Enum):
    """What part of a request is arriving."""

    NOTHING = auto()
    HEAD = auto()
    BODY = auto()


# Headers that ask for another protocol on this connection (RFC 9110, section 7.8; RFC 7540, section 3.2.1).
UPGRADE_HEADERS: Final = frozenset({b"upgrade", b"http2-settings"})


# RFC 3986, section 3.2: a name or an address, and a port. It may be empty, where a request names no authority.
HOST: Final = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[A-Za-z0-9.:%]+\])(?::[0-9]*)?")


class HeadError(ValueError):
    """The head of a request breaks a rule of this server or of RFC 9112."""


class BoundedConfig(uvicorn.Config):
    """uvicorn's own, with the limits that all connections of a server share."""

    def __init__(
        self, app: Callable[[], ASGIApp], *, limits: ConnectionLimits, trusted_proxies: str, **options: Any
    ) -> None:
        super().__init__(app, **options)
        self.limits = limits
        trusted = TrustedProxies(trusted_proxies)
        self.open_connections = ConnectionCounter(limits.connections, is_exempt=trusted.is_trusted)
        self.proxies = trusted if trusted_proxies else None


class BoundedProtocol(AnsweringProtocol):
    """uvicorn's own protocol. Its parser calls the overridden methods for each piece of a request."""

    config: BoundedConfig
    head_bytes = 0
    head_fault = ""
    stage = Stage.NOTHING
    # Instants of the loop's clock after which the request, or the reading of its answer, is too late.
    deadline: float | None = None
    write_deadline: float | None = None
    # The address that this connection is counted for.
    counted: str | None = None
    # What refuses the request behind those: it is sent after their answers, and nothing more is read.
    refusal: bytes | None = None
    # The method that the request has in truth, where the parser reads STAND_IN.
    unknown_method = b""
    # Answers bytes that are a known request before they are parsed; the application puts it into the state of its lifespan.
    answer_bytes: AnswerBytes | None = None
    # The requests that began in the bytes that arrived last.
    begun = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Count the connection, and wait for a first request; refuse one too many of an address."""
        super().connection_made(transport)
        self.client, self.server = unmap_end(self.client), unmap_end(self.server)
        self.proxies = self.config.proxies
        self.answer_bytes = self.app_state.get("answer_bytes")
        self.deadline = self.loop.time() + self.config.limits.head_seconds
        address = self.client[0] if self.client else ""
        if self.config.open_connections.enter(address):
            self.counted = address
        else:
            most = self.config.limits.connections
            self._refuse("429 Too Many Requests", "rate_limited", f"Your address has {most} connections open already.")

    def connection_lost(self, exc: Exception | None) -> None:
        """Count one connection less."""
        if self.counted is not None:
            self.config.open_connections.leave(self.counted)
            self.counted = None
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over, and the counting of it; refuse that while a request is being answered here."""
        if self.answering is not None:
            self._refuse("400 Bad Request", INVALID, "Open a WebSocket on a connection without other requests.")
            return
        counted, self.counted = self.counted, None
        super().handle_websocket_upgrade()
        upgraded = self.transport.get_protocol()
        if isinstance(upgraded, BoundedWebSocket):
            upgraded.counted = counted

    def on_message_begin(self) -> None:
        """Start to count the head's bytes, and its time."""
        self.head_bytes, self.head_fault = 0, ""
        self.stage = Stage.HEAD
        self.begun += 1
        self.deadline = self.loop.time() + self.config.limits.head_seconds
        super().on_message_begin()

    def data_received(self, data: bytes) -> None:
        """Parse the next bytes; a request to upgrade to anything but WebSocket is served as if it had not asked."""
        if self.refusal is not None:
            return
        is_first = self.stage is Stage.NOTHING
        is_idle = is_first and self.answering is None and self.answer_bytes is not None
        if is_idle and self._answer_bytes(data):
            return
        self.begun, self.scope_at_once = 0, None
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserInvalidMethodError:
            self._parse_unknown_method(data if is_first else b"")
        except httptools.HttpParserError:
            self.send_400_response("The request is not valid HTTP.")
        except httptools.HttpParserUpgrade as upgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
            else:
                self._parse_without_upgrade(data[upgrade.args[0] :])
        finally:
            self.start_held()
        if is_idle:
            self._remember_head(data)

    def on_all_answered(self) -> None:
        """Refuse what came after the last answer, or wait for another request."""
        if self.refusal is not None:
            self._end_with(self.refusal)
        else:
            self._await_request()

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else ""

    def _answer_bytes(self, data: bytes) -> bool:
        """Answer bytes that are known to be a whole request, now or when something is done; return whether they were."""
        if self.answer_bytes is None or self.flow.write_paused or self.transport.is_closing():
            return False
        found = self.answer_bytes(self._address, data)
        if found is None:
            return False
        if isinstance(found, BegunRequest):
            self.deadline = None
            self.await_begun(found)
        else:
            self.write_whole(found)
            self.on_response_complete()
        return True

    def _remember_head(self, data: bytes) -> None:
        """Remember bytes that arrived where nothing else did, if they are one request without a task, and nothing besides."""
        is_whole = self.begun == 1 and self.stage is Stage.NOTHING and self.refusal is None
        if is_whole and self.scope_at_once is not None:
            self.app_state["remember_head"](self.scope_at_once, self._address, data, bytes(self.cycle.body))

    def _await_request(self) -> None:
        """Keep the connection for a while, where no request is being answered and none arrives.

        `end_if_late` closes it then, which saves uvicorn's timer for each request.
        """
        if self.stage is Stage.NOTHING and self.answering is None:
            self.deadline = self.loop.time() + self.timeout_keep_alive

    def on_headers_complete(self) -> None:
        """Check method and `Host` header (RFC 9112, section 3.2), then start the request."""
        if self.parser.get_method() == b"CONNECT":
            self.head_fault = "This server is no proxy: it does not take CONNECT."
            raise HeadError
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            self.head_fault = "Send exactly one Host header."
            raise HeadError
        if hosts and not HOST.fullmatch(hosts[0]):
            self.head_fault = "The Host header must be a host, with a port where it has one."
            raise HeadError
        if not self._is_ignored_upgrade():
            self.stage = Stage.BODY
            self.deadline = self.loop.time() + self.config.limits.body_seconds
            self.is_head_new = True
            try:
                super().on_headers_complete()
            finally:
                self.is_head_new = False
            if self.unknown_method:
                self.scope["method"], self.unknown_method = self.unknown_method.decode(), b""

    def on_message_complete(self) -> None:
        """End the request, unless it is about to be parsed again without its upgrade."""
        if not self._is_ignored_upgrade():
            self.stage, self.deadline = Stage.NOTHING, None
            super().on_message_complete()
            self.answer_held()
            self._await_request()

    def _is_ignored_upgrade(self) -> bool:
        return bool(self.parser.should_upgrade()) and not self._should_upgrade()

    @staticmethod
    def _keep_options(name: bytes, value: bytes) -> bytes:
        """Return a header's value, that of `Connection` without the options of an upgrade: `close` still counts."""
        if name != b"connection":
            return value
        options = [option.strip() for option in value.split(b",")]
        return b", ".join(option for option in options if option.lower() not in UPGRADE_HEADERS)

    def _parse_without_upgrade(self, rest: bytes) -> None:
        """Parse the request again without the headers that ask for an upgrade.

        The parser takes whatever follows a head with an upgrade for another protocol, and so would lose the body:
        Java's HttpClient asks for `h2c` with each request.
        """
        version = self.parser.get_http_version().encode()
        lines = [self.parser.get_method() + b" " + self.url + b" HTTP/" + version]
        lines += [
            name + b": " + self._keep_options(name, value)
            for name, value in self.headers
            if name not in UPGRADE_HEADERS
        ]
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"\r\n".join([*lines, b"", rest]))

    def _parse_unknown_method(self, data: bytes) -> None:
        """Parse a request again that the parser stopped at because of its method.

        Refuse it where `data` does not begin with it: how much of the data belongs to earlier requests is not known.
        """
        method = find_unknown_method(data)
        if method is None:
            self.send_400_response("The request is not valid HTTP.")
            return
        self.unknown_method = method
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(data.replace(method, STAND_IN, 1))

    def on_url(self, url: bytes) -> None:
        """Count a piece of the address."""
        self._grow(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header. Those after a chunked body are not used: they would change a head that was checked already."""
        self._grow(len(name) + len(value))
        if self.stage is not Stage.BODY:
            super().on_header(name, value)

    def pause_writing(self) -> None:
        """Note since when the client has not read its answer."""
        self.write_deadline = self.loop.time() + self.config.limits.body_seconds
        super().pause_writing()

    def resume_writing(self) -> None:
        """Note that it has read on."""
        self.write_deadline = None
        super().resume_writing()

    def end_if_late(self, now: float) -> None:
        """End the connection where its request or the reading of its answer has passed the deadline."""
        if self.write_deadline is not None and now > self.write_deadline:
            self.transport.abort()
        elif self.flow.read_paused:
            self._look_for_client(now)
        elif self.deadline is not None and now > self.deadline:
            self._end_late_request()

    def _look_for_client(self, now: float) -> None:
        """End the connection where the client is gone: nobody else notices while nothing is read."""
        if self.deadline is not None:
            # The client is not late with what this server does not read.
            self.deadline = now + self.config.limits.body_seconds
        if not self.transport.is_closing() and has_hung_up(self.transport.get_extra_info("socket")):
            self.transport.close()

    def _end_late_request(self) -> None:
        limits = self.config.limits
        if self.stage is Stage.HEAD:
            self._refuse(TIMEOUT, INVALID, f"The request's head has not arrived within {limits.head_seconds:g} s.")
        elif self.stage is Stage.BODY and not self.cycle.response_complete:
            self._refuse(TIMEOUT, INVALID, f"The request's body has not arrived within {limits.body_seconds:g} s.")
        else:
            # There is no request, or it has its answer.
            self.deadline = None
            self.transport.close()

    def _grow(self, size: int) -> None:
        self.head_bytes += size
        if self.head_bytes > HEAD_BYTES:
            self.head_fault = f"The request's head is larger than {HEAD_BYTES} bytes."
            raise HeadError

    def send_400_response(self, msg: str) -> None:
        """Answer a request that could not be parsed, and close the connection."""
        large = self.head_bytes > HEAD_BYTES
        status = "431 Request Header Fields Too Large" if large else "400 Bad Request"
        self._refuse(status, INVALID, self.head_fault or msg)

    def _refuse(self, status: str, code: str, message: str) -> None:
        body = orjson.dumps(format_error_body((code, message)))
        head = (
            f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self._end_requests(head.encode() + body)

    def _end_requests(self, refusal: bytes) -> None:
        """Take no further request: refuse the one that is arriving, after the answers to those before it."""
        self.refusal, self.held_app, self.deadline = refusal, None, None
        if self.stage is Stage.BODY and self.pipeline and self.pipeline[0][0] is self.cycle:
            self.pipeline.popleft()
        answering = self.answering
        if answering is None or (
            answering is self.cycle and self.stage is Stage.BODY and not answering.response_started
        ):
            self._end_with(refusal)
        elif answering is self.cycle and self.stage is Stage.BODY:
            # Its answer has begun, and is the last one.
            answering.keep_alive = False
        else:
            # What comes is dropped: with unread bytes the connection would be reset, and the client lose its answers.
            self.flow.resume_reading()

    def _end_with(self, refusal: bytes) -> None:
        self.transport.write(refusal)
        self.transport.close()


def unmap_end(end: tuple[str, Port] | None) -> tuple[str, Port] | None:
    """Return one end of a connection, its address as a socket of IPv4 would show it."""
    return end and (unmap_address(end[0]), end[1])


def has_hung_up(connection: socket.socket) -> bool:
    """Return whether the other side has closed a connection, also where bytes before its end are unread."""
    if sys.platform == "win32":
        return False
    poller = select.poll()
    # Elsewhere than on Linux only a connection that is closed on both sides counts.
    poller.register(connection.fileno(), getattr(select, "POLLRDHUP", 0))
    return bool(poller.poll(0))


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's own protocol with small send buffers: by default Linux gives each connection megabytes."""

    config: BoundedConfig
    counted: str | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Count one connection less."""
        if self.counted is not None:
            self.config.open_connections.leave(self.counted)
            self.counted = None
        super().connection_lost(exc)

    def connection_made(self, transport: BaseTransport) -> None:
        """Bound the send buffers."""
        super().connection_made(transport)
        self.client, self.server = unmap_end(self.client), unmap_end(self.server)
        opened = transport.get_extra_info("socket")
        if opened is not None:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD_BYTES)
        cast("Transport", transport).set_write_buffer_limits(high=UNREAD_BYTES)
