"""Lets callers read their own changes of the programme where reads go to standbys (ADR 50)."""

from functools import partial
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request, cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from db.cursors import CursorCodec
from db.own_writes import RUNNING, RequestWrites
from edge.browser_session import make_cookie_attributes
from edge.request_head import COOKIE, POSITION
from edge.services import Services
from errors import InvalidCursor
from identity.tokens import Actor
from runtime.position_marks import PositionMarks

HEADER: Final = "Matinee-Position"
POSITION_COOKIE: Final = "matinee_position"
# Longer than a standby that lags stays in use (db/standby_watch.py).
COOKIE_SECONDS: Final = 10
# What a position is signed for, so that no cursor of a list is taken for one.
PURPOSE: Final = b"position"
REPLAYED: Final = b"idempotent-replayed"


class OwnWrites:
    """Notes the log's position after a caller's change, and lets that caller's later reads see at least that position.

    It stands around the application only where there is a standby. The position is kept by user for the workers of this
    server, and goes to the caller as a header and a cookie, which other servers understand.
    """

    def __init__(self, app: ASGIApp, *, marks: PositionMarks, codec: CursorCodec) -> None:
        self._app = app
        self._marks = marks
        self._codec = codec

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one WebSocket."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        request = RequestWrites(partial(self._find_position, scope, self._read_sent(scope)))

        async def answer(message: Message) -> None:
            # A repeated request shows an earlier change, which another server may have made.
            if request.has_changed or (message["type"] == "http.response.start" and is_replayed(message)):
                request.has_changed = False
                await self._note_position(scope, message)
            await send(message)

        running = RUNNING.set(request)
        try:
            await self._app(scope, receive, answer)
        finally:
            RUNNING.reset(running)

    async def _note_position(self, scope: Scope, message: Message) -> None:
        services: Services = scope["state"]["services"]
        watch = services.database.standby_watch
        position = None if watch is None else await watch.read_written()
        if position is None:
            return
        actor: Actor | None = scope.get("actor")
        if actor is not None:
            self._marks.mark(actor.user_id, position)
        if message["type"] == "http.response.start":
            self._send_position(scope, message, position)

    def _send_position(self, scope: Scope, message: Message, position: int) -> None:
        signed = self._codec.encode(PURPOSE, [position])
        # A response of its own to write the cookie with.
        cookie = Response()
        cookie.set_cookie(POSITION_COOKIE, signed, max_age=COOKIE_SECONDS, **make_cookie_attributes(Request(scope)))
        headers = MutableHeaders(raw=[*message.get("headers", ())])
        headers[HEADER] = signed
        headers.append("set-cookie", cookie.headers["set-cookie"])
        message["headers"] = headers.raw

    def _find_position(self, scope: Scope, sent: int) -> int:
        actor: Actor | None = scope.get("actor")
        return sent if actor is None else max(sent, self._marks.find(actor.user_id))

    def _read_sent(self, scope: Scope) -> int:
        """Return the highest position that the request names, 0 for none; what is not of this server is ignored."""
        head = scope["head"]
        named = [head[POSITION].decode("latin-1")] if POSITION in head else []
        if COOKIE in head:
            cookies = cookie_parser(head[COOKIE].decode("latin-1"))
            named += [cookies[POSITION_COOKIE]] if POSITION_COOKIE in cookies else []
        return max(map(self._decode, named), default=0)

    def _decode(self, signed: str) -> int:
        try:
            (position,) = self._codec.decode(PURPOSE, signed, field=HEADER)
        except InvalidCursor:
            return 0
        return position if isinstance(position, int) else 0


def is_replayed(message: Message) -> bool:
    """Return whether a response is the recorded one of an earlier request."""
    return any(name == REPLAYED for name, _ in message.get("headers", ()))
