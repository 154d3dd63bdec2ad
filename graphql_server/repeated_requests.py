"""Answers a request that equals an earlier one, byte for byte, from the response cache, without parsing it again."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

import orjson
import structlog
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from edge.request_head import ACCEPT, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING, read_head
from edge.response_cache import CREDENTIALS
from edge.services import Services
from errors import Refusal
from graphql_server.cache_policy import VARY
from graphql_server.executable_schema import SCHEMA
from graphql_server.prepared_documents import Documents, describe_cost, spend_cost
from graphql_server.request import GraphQLRequest
from resolvers.context import Context
from runtime.metrics import Coordinate
from runtime.rate_limits import find_visitor

HOST: Final = b"host"
# Modes of MATINEE_DOCUMENTS in which a document is run without looking for it.
UNRESTRICTED: Final = ("automatic", "off")
# What is longer is read each time.
LONGEST_BODY: Final = 16_384
# Of a request in memory, beside its key; fields are shared with the document.
REQUEST_BYTES: Final = 400
HEADERS: Final = ((b"cache-control", b"no-store"), (b"vary", VARY.encode()))
# What is served from memory was found true within the last second.
AGE: Final = (b"age", b"0")
KEY: Final = "request_key"


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """What is known of a request whose answer is in the response cache."""

    # The key of its answer (edge/response_cache.py).
    answer: Hashable
    cost: int
    fields: frozenset[Coordinate]
    operation: str | None
    media_type: str


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """A response that is sent as it stands."""

    body: bytes
    media_type: str

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        headers = [
            *HEADERS,
            (b"content-length", b"%d" % len(self.body)),
            (b"content-type", self.media_type.encode() + b"; charset=utf-8"),
        ]
        if scope["method"] == "GET":
            headers.append(AGE)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


async def repeat_answer(scope: Scope, receive: Receive) -> tuple[CachedResponse | None, Receive]:
    """Return the response to a request that is known, None for another one; and what receives its body from then on."""
    services: Services = scope["state"]["services"]
    if not services.response_cache.is_on or not is_repeatable(scope):
        return None, receive
    body = b""
    if scope["method"] == "POST":
        message = await receive()
        body, receive = message.get("body", b""), give_back(message, receive)
        if message["type"] != "http.request" or message.get("more_body"):
            return None, receive
    head = read_head(scope)
    key = scope[KEY] = (
        scope["method"],
        scope["scheme"],
        head.get(HOST),
        scope["query_string"],
        head.get(ACCEPT),
        head.get(CONTENT_TYPE),
        body,
    )
    return find_answer(services, scope, key), receive


def is_repeatable(scope: Scope) -> bool:
    """Return whether a request says nothing of who sends it, and has a body that is worth its memory."""
    head = read_head(scope)
    if not CREDENTIALS.isdisjoint(head.keys()) or CONTENT_ENCODING in head or TRANSFER_ENCODING in head:
        return False
    length = head.get(CONTENT_LENGTH, b"")
    return scope["method"] == "GET" or (
        scope["method"] == "POST" and length.isdigit() and int(length[:20]) <= LONGEST_BODY
    )


def give_back(message: Message, receive: Receive) -> Receive:
    """Return what receives this message, and then what comes after it."""
    waiting = [message]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again


def find_answer(services: Services, scope: Scope, key: Hashable) -> CachedResponse | None:
    """Return the cached response, after charging its cost and counting it; None where there is none."""
    known: KnownRequest | None = services.response_cache.requests.find(key)
    data = services.response_cache.find(known.answer) if known else None
    if known is None or data is None:
        return None
    context = Context(services, None, "", find_visitor(scope))
    try:
        spend_cost(context, known.cost)
    except Refusal:
        # Whoever reads the request says so.
        return None
    services.usage_metrics.count(known.fields)
    if known.operation:
        structlog.contextvars.bind_contextvars(operation=known.operation)
    body = b'{"data":%b,"extensions":%b}' % (data, orjson.dumps(describe_cost(context)))
    return CachedResponse(body, known.media_type)


def remember(request: Request, context: Context, asked: GraphQLRequest, *, text: str, media_type: str) -> None:
    """Remember a request whose answer is in the response cache, for the next one that is equal to it.

    A document that is named by its hash is looked for each time: somebody may have removed it.
    """
    key, services = request.scope.get(KEY), context.services
    prepared = Documents.cache.find(text)
    is_plain = asked.document is None and services.settings.documents in UNRESTRICTED
    if key is None or context.cache_key is None or prepared is None or not is_plain:
        return
    fields = prepared.fields(SCHEMA.graphql, operation=asked.operation_name)
    known = KnownRequest(context.cache_key, context.cost, fields, asked.operation_name, media_type)
    services.response_cache.requests.keep(key, known, REQUEST_BYTES)
