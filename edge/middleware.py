"""What every request passes through before it is routed; pure ASGI, so that it costs microseconds."""

import re
import secrets
import time
from typing import Final, Protocol

import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import errors
from db import ids
from edge import visitors
from runtime.connection_limits import ConnectionCounter
from runtime.metrics import Metrics
from runtime.request_count import RequestCounter

BODY_BYTES: Final = 1024 * 1024
SANE_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")
PATH_LENGTH: Final = 256
NO_ANSWER: Final = 499

log = structlog.get_logger("matinee.access")


class RenderRefusal(Protocol):
    """Renders a refusal in the error shape of the surface at a path (rest/error_format.py)."""

    def __call__(self, *faults: errors.Refusal, path: str) -> Response:
        """Return the response."""


class Edge:
    """Gives each request an id, logs and counts it, and answers 500 where nothing below has answered.

    One layer for all of it: each layer wraps `send` once more, for every message of every answer.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        request_counter: RequestCounter,
        render: RenderRefusal,
        websockets: ConnectionCounter,
    ) -> None:
        self._app = app
        self._websockets = websockets
        self._metrics = metrics
        self._request_counter = request_counter
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        # Before anything else: whatever becomes of it, it has reached the server. So has a WebSocket's handshake.
        self._request_counter.add()
        started, status = time.perf_counter(), 0
        identity = request_id(scope)
        scope["request_id"] = identity.decode()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=scope["request_id"])
        if scope["type"] != "http":
            await self._serve_websocket(scope, receive, send)
            return
        path = scope["path"]

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message.get("headers", ()), (b"x-request-id", identity), *visitors.headers(scope)]
                message = {**message, "headers": headers}
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except ClientDisconnect:
            # Nobody is left to answer.
            status = status or NO_ANSWER
        except Exception:
            log.exception("unexpected error", method=scope["method"], path=path[:PATH_LENGTH])
            if not status:
                fault = errors.Internal(reference=scope["request_id"])
                await self._render(fault, path=path)(scope, receive, answer)
        finally:
            self._note(scope, path, status or NO_ANSWER, time.perf_counter() - started)

    async def _serve_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = scope["client"][0] if scope.get("client") else ""
        if not self._websockets.enter(address):
            await refuse_websocket(send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            self._websockets.leave(address)

    def _note(self, scope: Scope, path: str, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        self._metrics.count(scope["method"], route, status, seconds)
        actor = scope.get("actor")
        log.info(
            "request",
            method=scope["method"],
            path=path[:PATH_LENGTH],
            status=status,
            ms=round(seconds * 1000, 2),
            **({"user": ids.encode("usr", actor.user_id)} if actor else {}),
        )


async def refuse_websocket(send: Send) -> None:
    """Answer a handshake with 429, as HTTP knows it."""
    headers = [(b"content-type", b"application/json"), (b"retry-after", b"60")]
    text = b'{"errors":[{"code":"rate_limited","message":"Your address has too many WebSockets open already."}]}'
    await send({"type": "websocket.http.response.start", "status": 429, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": text})


def request_id(scope: Scope) -> bytes:
    """Return the caller's own `X-Request-Id` where it is sane, else a new one."""
    given: list[bytes] = [value for name, value in scope["headers"] if name == b"x-request-id"]
    if len(given) == 1 and SANE_ID.fullmatch(given[0]):
        return given[0]
    return secrets.token_hex(12).encode()


class BodyLimit:
    """Refuses bodies over 1 MiB, by what they announce and by what comes, and compressed ones.

    The refusal is raised where the body is read, for each surface has its own shape of errors.
    """

    def __init__(self, app: ASGIApp, *, limit: int = BODY_BYTES) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        fault, left = self._fault(scope), self._limit

        async def counted() -> Message:
            nonlocal left
            if fault:
                raise fault
            message = await receive()
            if message["type"] == "http.request":
                left -= len(message.get("body", b""))
                if left < 0:
                    raise errors.PayloadTooLarge(limit=self._limit)
            return message

        await self._app(scope, counted, send)

    def _fault(self, scope: Scope) -> errors.Refusal | None:
        # One pass over the raw headers. Of a name that comes several times the first value counts.
        headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))
        encoding = headers.get(b"content-encoding")
        if encoding is not None and encoding.decode("latin-1").strip().lower() not in ("", "identity"):
            return errors.UnsupportedMediaType(accepted="it is, without Content-Encoding")
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > self._limit:
            return errors.PayloadTooLarge(limit=self._limit)
        return None


class TrailingSlash:
    """Routes `/v1/movies/` as `/v1/movies`, without a redirect."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "lifespan" and len(scope["path"]) > 1 and scope["path"][-1] == "/":
            # In place: the router leaves its route in this very scope, where Edge looks for it.
            scope["path"] = scope["path"][:-1]
        await self._app(scope, receive, send)
