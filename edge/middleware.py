"""The layer around the application that every request passes; pure ASGI, so that it costs microseconds."""

import re
import secrets
import time
from asyncio import CancelledError, Future
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any, Final, NamedTuple, Protocol

import orjson
import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import errors
from db import ids
from db.commits import SENT_COMMITS, SentCommits
from edge import probes
from edge.cors import Cors
from edge.repeated_heads import split_head
from edge.repeated_requests import (
    WholeResponse,
    find_response,
    is_by_token,
    is_repeatable,
    make_whole,
)
from edge.request_head import CONTENT_ENCODING, CONTENT_LENGTH, ORIGIN, REQUEST_ID, TRANSFER_ENCODING
from edge.services import Services
from runtime.connection_limits import ConnectionCounter
from runtime.logs import log_request
from runtime.metrics import Metrics
from runtime.pending_answers import Answer, BegunRequest, Finish, PendingAnswer
from runtime.rate_limits import format_rate_headers
from runtime.request_count import RequestCounter, RequestSlots, Slot

BODY_BYTES: Final = 1024 * 1024
SANE_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")
PATH_LENGTH: Final = 256
NO_ANSWER: Final = 499
# Whether a POST to GraphQL only reads shows once it is parsed; AdmissionControl bounds such queries alike.
BROWSING: Final = ("GET", "HEAD")
# The entry of the scope of a request that was counted before it went through the application.
COUNTED: Final = "is_counted"
# Request ids are unique by chance among processes, and by their number within one.
RUN: Final = secrets.token_hex(6)
NUMBERS: Final = count(secrets.randbits(40))

log = structlog.get_logger("matinee.edge")


class RenderRefusal(Protocol):
    """Renders a refusal in the error shape of the surface at a path (rest/error_format.py)."""

    def __call__(self, *faults: errors.Refusal, path: str) -> Response:
        """Return the response."""


# Begins the answer to a request that the edge has let in, from its scope and its whole body, without waiting for anything.
# None where the request has to go through the application; whoever has set `scope["route"]` is counted by that.
BeginAnswer = Callable[[Scope, bytes], Answer | PendingAnswer | None]


class ShortcutRoute(NamedTuple):
    """An application behind one path, and the route that metrics count it by."""

    app: ASGIApp
    route: BaseRoute
    begin: BeginAnswer


class Edge:
    """Gives each request an id, bounds its body, logs and counts it, and answers 500 where nothing below has answered.

    One layer for all of it: each layer wraps `send` once more, for every message of every answer. Requests to the paths
    of `shortcuts` skip the router and the layers around it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        request_counter: RequestCounter,
        render: RenderRefusal,
        websockets: ConnectionCounter,
        slots: RequestSlots,
        shortcuts: Mapping[str, ShortcutRoute] | None = None,
        begin: BeginAnswer | None = None,
        origins: Sequence[str] = (),
        body_bytes: int = BODY_BYTES,
    ) -> None:
        self._app = app
        self._shortcuts = shortcuts or {}
        self._begin = begin
        self._cors = Cors(self._enter, origins=origins) if origins else None
        self._body_bytes = body_bytes
        self._websockets = websockets
        self._slots = slots
        self._metrics = metrics
        self._request_counter = request_counter
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        # Counted first: every request that reaches the server counts, also one that fails. So does a WebSocket's handshake.
        if COUNTED not in scope:
            self._request_counter.add()
        started = time.perf_counter()
        read_head(scope)
        scope["request_id"] = choose_request_id(scope)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=scope["request_id"])
        path = scope["path"]
        if len(path) > 1 and path[-1] == "/":
            # `/v1/movies/` is `/v1/movies`, without a redirect. In place: the router leaves its route in this very scope.
            scope["path"] = path[:-1]
        if scope["type"] == "http":
            await self._serve_http(scope, receive, send, path=path, started=started)
        else:
            await self._serve_websocket(scope, receive, send)

    def answer_at_once(self, scope: Scope, body: bytes) -> Answer | PendingAnswer | None:
        """Return the response to a request that is known or needs nothing, or one that is pending.

        None where the request has to go through the application. For the protocol, which has the whole request already: no
        task begins, and nothing is waited for.
        """
        started = time.perf_counter()
        read_head(scope)
        is_anonymous = is_repeatable(scope)
        if not (is_anonymous or is_by_token(scope)) or self._needs_cors(scope):
            return None
        scope["request_id"] = choose_request_id(scope)
        return self._answer(scope, body, started, is_anonymous=is_anonymous)

    def answer_bytes(self, services: Services, address: str, data: bytes) -> Answer | BegunRequest | None:
        """Return the response to a request whose head is known, without parsing it, or one that is pending.

        None for any other request, with nothing charged. `data` is all that has arrived from this address since the last
        request ended.
        """
        head, body = split_head(data)
        repeated = services.repeated_heads.find((address, head))
        if repeated is None or len(body) != repeated.length:
            return None
        started = time.perf_counter()
        scope = repeated.make_scope(body)
        scope["request_id"] = make_request_id()
        found = self._answer(scope, body, started, is_anonymous=repeated.is_anonymous)
        return BegunRequest(scope, body, found) if isinstance(found, PendingAnswer) else found

    def _answer(
        self, scope: Scope, body: bytes, started: float, *, is_anonymous: bool
    ) -> Answer | PendingAnswer | None:
        slot = self._slots.take(is_browsing=scope["method"] in BROWSING)
        if slot is None:
            return None
        try:
            found = (find_response(scope, body) if is_anonymous else None) or self._begin_answer(scope, body)
        except Exception:
            log.exception("unexpected error", **describe_request(scope))
            found = None
        if isinstance(found, PendingAnswer):
            self._request_counter.add()
            return PendingAnswer(found.awaited, partial(self._finish, scope, started, slot, found.finish))
        slot.give_back()
        if found is None:
            return None
        self._request_counter.add()
        return self._complete(scope, found, started)

    def _begin_answer(self, scope: Scope, body: bytes) -> Answer | PendingAnswer | None:
        if self._begin is None or len(body) > self._body_bytes:
            return None
        shortcut = self._shortcuts.get(scope["path"])
        if shortcut is None:
            return self._begin(scope, body)
        scope["route"] = shortcut.route
        return shortcut.begin(scope, body)

    def _finish(
        self,
        scope: Scope,
        started: float,
        slot: Slot,
        finish: Finish,
        awaited: Future[Any],
    ) -> Answer | None:
        slot.give_back()
        try:
            found = finish(awaited)
        except CancelledError:
            # The server ends, and has waited for as long as it may.
            found = self._render_whole(scope, errors.Unavailable())
        except Exception:
            log.exception("unexpected error", **describe_request(scope))
            found = self._render_whole(scope, errors.Internal(reference=scope["request_id"]))
        if found is None:
            scope[COUNTED] = True
            return None
        return self._complete(scope, found, started)

    def _render_whole(self, scope: Scope, fault: errors.Refusal) -> WholeResponse:
        return make_whole(self._render(fault, path=scope["path"]))

    def _complete(self, scope: Scope, found: Answer, started: float) -> Answer:
        status, headers, body = found
        own = (b"x-request-id", scope["request_id"].encode())
        self._note(scope, scope["path"], status, time.perf_counter() - started, {})
        return status, [*headers, own, *format_rate_headers(scope)], body

    def _needs_cors(self, scope: Scope) -> bool:
        return self._cors is not None and not (self._cors.is_open and ORIGIN not in scope["head"])

    async def _serve_http(self, scope: Scope, receive: Receive, send: Send, *, path: str, started: float) -> None:
        status = 0
        identity = scope["request_id"].encode()

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                slot: Slot | None = scope.get("slot")
                if slot is not None:
                    slot.give_back()
                # An HTTPStatus, as refusals have, would be shown in a terminal by its name.
                status = int(message["status"])
                headers = [*message.get("headers", ()), (b"x-request-id", identity), *format_rate_headers(scope)]
                message = {"type": "http.response.start", "status": status, "headers": headers}
            await send(message)

        head = scope["head"]
        sent = SentCommits()
        SENT_COMMITS.set(sent)
        app = self._cors if self._cors is not None and self._needs_cors(scope) else self._enter
        try:
            # Where the client is gone, nobody is left to answer.
            with suppress(ClientDisconnect):
                await app(scope, limit_body(receive, head, limit=self._body_bytes), answer)
        except CancelledError:
            # The server ends, and this request has not ended in time (runtime/server.py).
            if not status:
                await self._render(choose_refusal(sent), path=path)(scope, receive, answer)
            raise
        except Exception:
            log.exception("unexpected error", method=scope["method"], path=path[:PATH_LENGTH])
            if not status:
                fault = errors.Internal(reference=scope["request_id"])
                await self._render(fault, path=path)(scope, receive, answer)
        finally:
            more = structlog.contextvars.get_contextvars()
            more.pop("request_id", None)
            self._note(scope, path, status or NO_ANSWER, time.perf_counter() - started, more)

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, app = scope["path"], self._app
        shortcut = self._shortcuts.get(path)
        if shortcut is not None:
            app, scope["route"] = shortcut.app, shortcut.route
        if path in probes.PATHS:
            await app(scope, receive, send)
            return
        slot = scope["slot"] = self._slots.take(is_browsing=scope["method"] in BROWSING)
        if slot is None:
            await self._render(errors.Unavailable(), path=path)(scope, receive, send)
            return
        try:
            await app(scope, slot.receive_outside(receive), send)
        finally:
            slot.give_back()

    async def _serve_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = scope["client"][0] if scope.get("client") else ""
        if not self._websockets.enter(address):
            await refuse_websocket(send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            self._websockets.leave(address)

    def _note(self, scope: Scope, path: str, status: int, seconds: float, more: dict[str, object]) -> None:
        """Count and log a request; `more` is what is bound to its log lines besides."""
        route = getattr(scope.get("route"), "path", "unmatched")
        self._metrics.count(scope["method"], route, status, seconds)
        operation, actor = scope.get("operation"), scope.get("actor")
        if operation:
            more["operation"] = operation
        if actor:
            more["user"] = ids.encode("usr", actor.user_id)
        log_request(
            method=scope["method"],
            path=path[:PATH_LENGTH],
            status=status,
            seconds=seconds,
            request_id=scope["request_id"],
            more=more,
        )


def describe_request(scope: Scope) -> dict[str, str]:
    """Return the fields that name a request in a line about its failure, where nothing is bound to a context of its own."""
    return {"method": scope["method"], "path": scope["path"][:PATH_LENGTH], "request_id": scope["request_id"]}


async def refuse_websocket(send: Send) -> None:
    """Answer a handshake with 429, as HTTP knows it."""
    headers = [(b"content-type", b"application/json"), (b"retry-after", b"60")]
    text = orjson.dumps(
        errors.format_error_body(("rate_limited", "Your address has too many WebSockets open already."))
    )
    await send({"type": "websocket.http.response.start", "status": 429, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": text})


def choose_refusal(sent: SentCommits) -> errors.Refusal:
    """Return what refuses a request that the server has cancelled, after which its change may be done or not."""
    return errors.OutcomeUnknown() if sent.is_any else errors.Unavailable()


def read_head(scope: Scope) -> None:
    """Put the headers of a request into the scope by their names in lower case; of a repeated one the first value."""
    scope["head"] = dict(reversed(scope["headers"]))


def choose_request_id(scope: Scope) -> str:
    """Return the caller's own `X-Request-Id` where it is sane, else a new one."""
    if REQUEST_ID in scope["head"]:
        given: list[bytes] = [value for name, value in scope["headers"] if name == REQUEST_ID]
        if len(given) == 1 and SANE_ID.fullmatch(given[0]):
            return given[0].decode()
    return make_request_id()


def make_request_id() -> str:
    """Return a new id."""
    return f"{RUN}{next(NUMBERS):012x}"


def limit_body(receive: Receive, head: Mapping[bytes, bytes], *, limit: int) -> Receive:
    """Return what receives a body of `limit` bytes at most, and none that is compressed.

    The refusal is raised where the body is read, for each surface has its own shape of errors. A body with a length
    within the limit is not counted again: the parser of HTTP ends it there.
    """
    encoding, length = head.get(CONTENT_ENCODING), head.get(CONTENT_LENGTH, b"")
    is_compressed = encoding is not None and encoding.decode("latin-1").strip().lower() not in ("", "identity")
    # Leading zeros are allowed, and more digits than `int` takes.
    size = int(length.lstrip(b"0")[:20] or b"0") if length.isdigit() else None
    if size is not None and size <= limit and TRANSFER_ENCODING not in head and not is_compressed:
        return receive
    fault = (
        errors.UnsupportedMediaType(accepted="it is, without Content-Encoding")
        if is_compressed
        else errors.PayloadTooLarge(limit=limit)
        if size is not None and size > limit
        else None
    )
    left = limit

    async def receive_limited() -> Message:
        nonlocal left
        if fault:
            raise fault
        message = await receive()
        if message["type"] == "http.request":
            left -= len(message.get("body", b""))
            if left < 0:
                raise errors.PayloadTooLarge(limit=limit)
        return message

    return receive_limited
