"""Requests whose answer is in the response cache: they are answered without being run again."""

from collections.abc import Hashable
from typing import Final, NamedTuple, Protocol

from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import Message, Receive, Scope, Send

from edge.repeated_heads import KEY, KNOWN
from edge.request_head import (
    ACCEPT,
    AUTHORIZATION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    TRANSFER_ENCODING,
)
from edge.response_cache import CREDENTIALS
from edge.services import Services
from errors import Refusal

HOST: Final = b"host"
OTHER_CREDENTIALS: Final = CREDENTIALS - {AUTHORIZATION}
IF_NONE_MATCH: Final = b"if-none-match"
# A longer body is parsed each time.
LONGEST_BODY: Final = 16_384
# Memory of a request beside its key and a body; what else it names is shared with the document.
REQUEST_BYTES: Final = 400


class WholeResponse(NamedTuple):
    """A response that is sent as it stands."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    async def send(self, send: Send) -> None:
        """Send it to an ASGI server."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})


def make_whole(response: Response) -> WholeResponse:
    """Return a response of Starlette's that is sent as it stands."""
    return WholeResponse(response.status_code, response.raw_headers, bytes(response.body))


class KnownRequest(Protocol):
    """A request whose answer may be in the response cache."""

    @property
    def route(self) -> BaseRoute | None:
        """The route that metrics count it by."""

    def respond(self, services: Services, scope: Scope) -> WholeResponse | None:
        """Return the response, after charging and counting it; None where the request has to run."""


def is_repeatable(scope: Scope) -> bool:
    """Return whether a request has no header of a known caller, and a body short enough to be kept; a GET has none."""
    return CREDENTIALS.isdisjoint(scope["head"]) and is_short(scope)


def is_by_token(scope: Scope) -> bool:
    """Return whether a request has a short body, and nothing but an `Authorization` header says who its caller is."""
    head = scope["head"]
    return AUTHORIZATION in head and OTHER_CREDENTIALS.isdisjoint(head) and is_short(scope)


def is_short(scope: Scope) -> bool:
    """Return whether a request has a body short enough to be kept, as it is; a GET has none."""
    head = scope["head"]
    if CONTENT_ENCODING in head or TRANSFER_ENCODING in head:
        return False
    length = head.get(CONTENT_LENGTH, b"0")
    if scope["method"] == "GET":
        return bool(length == b"0")
    return (
        scope["method"] == "POST"
        and len(length) <= len(str(LONGEST_BODY))
        and length.isdigit()
        and int(length) <= LONGEST_BODY
    )


def find_response(scope: Scope, body: bytes) -> WholeResponse | None:
    """Return the response to a repeatable request, None where it is not known; its key stays in the scope."""
    services: Services = scope["state"]["services"]
    cache = services.response_cache
    if not cache.is_on:
        return None
    key = scope[KEY] = scope.get(KEY) or make_key(scope, body)
    known: KnownRequest | None = cache.requests.find(key)
    response = known.respond(services, scope) if known else None
    if known is not None and response is not None:
        scope["route"], scope[KNOWN] = known.route, True
    return response


def make_key(scope: Scope, body: bytes) -> Hashable:
    """Return everything of a repeatable request that its answer may depend on."""
    head, path = scope["head"], scope["path"]
    tags = tuple(value for name, value in scope["headers"] if name == IF_NONE_MATCH) if IF_NONE_MATCH in head else ()
    return (
        scope["method"],
        scope["scheme"],
        head.get(HOST),
        path[:-1] if len(path) > 1 and path[-1] == "/" else path,
        scope["query_string"],
        head.get(ACCEPT),
        head.get(CONTENT_TYPE),
        tags,
        body if scope["method"] == "POST" else b"",
    )


def remember_request(scope: Scope, known: KnownRequest, *, body_bytes: int = 0) -> None:
    """Remember a request whose answer is in the response cache, for the next one that is equal to it.

    `body_bytes` is the size of a body that it holds: that stays in memory where the cache removes its own entry first.
    """
    services: Services = scope["state"]["services"]
    key = scope.get(KEY)
    if key is not None:
        services.response_cache.requests.keep(key, known, REQUEST_BYTES + body_bytes)


async def receive_and_find(scope: Scope, receive: Receive) -> tuple[WholeResponse | None, Receive]:
    """Return the response to a request that is known, None for another one; and what receives its body from then on.

    For requests that the protocol did not get in one piece (`Edge.answer_at_once`).
    """
    if KEY in scope or not is_repeatable(scope):
        return None, receive
    body = b""
    if scope["method"] == "POST":
        try:
            message = await receive()
        except Refusal:
            # Raised again where the body is read, by whoever renders it.
            return None, receive
        body, receive = message.get("body", b""), give_back(message, receive)
        if message["type"] != "http.request" or message.get("more_body"):
            return None, receive
    return find_response(scope, body), receive


def give_back(message: Message, receive: Receive) -> Receive:
    """Return what receives this message, and then what comes after it."""
    waiting = [message]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again
