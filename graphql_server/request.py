"""Reads a GraphQL request: from an HTTP request's body or URL, or from a WebSocket's message."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.types import Scope
from strawberry.types.graphql import OperationType

import errors
from edge.content_type import JSON, is_json
from edge.json_depth import is_deeper
from edge.json_refusals import refuse_json
from edge.repeated_heads import ASKED
from edge.request_head import CONTENT_TYPE, IDEMPOTENCY_KEY
from graphql_server.document_validation import NUL
from graphql_server.trusted_documents import DocumentHash, read_document_hash

READS: Final = ("GET", "HEAD")
# Parameters of a URL that name a document. A browser's GET without any of them asks for the playground.
NAMES_DOCUMENT: Final = frozenset({"query", "documentId", "extensions"})
QUERIES: Final = frozenset({OperationType.QUERY})
QUERIES_AND_MUTATIONS: Final = frozenset({OperationType.QUERY, OperationType.MUTATION})
ESCAPED_NUL: Final = rb"\u0000"
# A mebibyte of variables takes half a second to walk through, so their number is bounded first.
MOST_PARTS: Final = 10_000


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """The members of a request, as the specification of GraphQL over HTTP has them."""

    query: str | None
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    # The hash that stands in place of `query`, or comes with it to have it remembered.
    document: DocumentHash | None = None

    @property
    def is_by_hash(self) -> bool:
        """Whether the request names its document by a hash and does not bring it."""
        return self.document is not None and self.query is None


def allowed_operations(method: str) -> frozenset[OperationType]:
    """Return the kinds of operations that a method may run; raise MethodNotAllowed for other methods."""
    if method in READS:
        return QUERIES
    if method != "POST":
        raise errors.MethodNotAllowed(method=method, accepted="GET, POST")
    return QUERIES_AND_MUTATIONS


async def read_request(request: Request, *, deepest: int) -> GraphQLRequest:
    """Return the GraphQL request in an HTTP request; `deepest` is how many levels its JSON may have.

    Raises MethodNotAllowed, UnsupportedMediaType, MalformedJson, MissingField and InvalidInput.
    """
    asked: GraphQLRequest | None = request.scope.get(ASKED)
    if asked is not None:
        return asked
    allowed_operations(request.method)
    if request.method in READS:
        parameters = request.query_params
        return check_request(
            {
                "query": parameters.get("query"),
                "documentId": parameters.get("documentId"),
                "variables": decode_parameter(parameters.get("variables"), deepest=deepest),
                "operationName": parameters.get("operationName"),
                "extensions": decode_parameter(parameters.get("extensions"), deepest=deepest),
            }
        )
    require_json(request.scope)
    body = await read_body(request)
    return check_request(decode_json(body, deepest=deepest), characters=len(body))


def read_json_request(scope: Scope, body: bytes, *, deepest: int) -> GraphQLRequest:
    """Return the GraphQL request in the body of a POST that has arrived; raise what `read_request` raises."""
    require_json(scope)
    return check_request(decode_json(body, deepest=deepest), characters=len(body))


def require_json(scope: Scope) -> None:
    """Raise UnsupportedMediaType unless the `Content-Type` says JSON."""
    if not is_json(scope["head"].get(CONTENT_TYPE, b"").decode("latin-1")):
        raise errors.UnsupportedMediaType(accepted=JSON)


async def read_body(request: Request) -> bytes:
    """Return the body, which nearly always comes in one piece; raise ClientDisconnect where the caller has gone."""
    if IDEMPOTENCY_KEY in request.scope["head"]:
        # It is read once more, to tell whether a repeated request is the same.
        return await request.body()
    parts: list[bytes] = []
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts) if len(parts) > 1 else parts[0]


def decode_parameter(parameter: str | None, *, deepest: int) -> Any:
    """Return the JSON value of a URL parameter, None where it is left out or empty; raise what `decode_json` raises."""
    return decode_json(parameter.encode("utf-8", "surrogateescape"), deepest=deepest) if parameter else None


def decode_json(raw: bytes, *, deepest: int) -> Any:
    """Return a JSON value; raise MalformedJson where it is none or too deep, InvalidInput for a NUL or an endless number."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise refuse_json(error) from None
    # A body with fewer brackets than levels is not searched.
    if raw.count(b"{") + raw.count(b"[") > deepest and is_deeper(value, deepest):
        raise errors.MalformedJson(problem=f"more than {deepest} lists and objects are within each other")
    # JSON has one spelling of NUL, and almost no request has it: then nothing needs to be searched.
    if ESCAPED_NUL in raw and contains_nul(value):
        raise errors.InvalidInput(field="body", problem="must not contain the character NUL")
    return value


def walk_json(value: Any) -> Iterator[Any]:
    """Yield a JSON value and all the names and values in it, however deep."""
    left = [value]
    while left:
        part = left.pop()
        yield part
        if isinstance(part, dict):
            left += part.keys()
            left += part.values()
        elif isinstance(part, list):
            left += part


def contains_nul(value: Any) -> bool:
    """Return whether a text anywhere in a JSON value has a NUL, which PostgreSQL cannot store."""
    return any(isinstance(part, str) and NUL in part for part in walk_json(value))


def check_request(members: Any, *, characters: int = MOST_PARTS + 1) -> GraphQLRequest:
    """Return the request with these members; raise MissingField or InvalidInput for what is wrong with them.

    An empty `query` beside a document's id, and an empty `operationName`, count as left out: clients send them so. The parts
    of variables are not counted where the request has so few `characters` that there cannot be too many.
    """
    if not isinstance(members, dict):
        raise errors.InvalidInput(field="body", problem="must be an object with a `query` or a `documentId`")
    query, variables, name = members.get("query"), members.get("variables"), members.get("operationName")
    if isinstance(query, str) and not query.strip():
        query = None
    is_plain = members.get("documentId") is None and members.get("extensions") is None
    document = None if is_plain else read_document_hash(members, query=query)
    if document is None and not isinstance(query, str):
        raise errors.MissingField(field="query")
    for member in ("variables", "extensions"):
        if not isinstance(members.get(member), dict | None):
            raise errors.InvalidInput(field=member, problem="must be an object")
    if variables and characters > MOST_PARTS and sum(1 for _ in walk_json(variables)) > MOST_PARTS:
        raise errors.InvalidInput(field="variables", problem=f"must hold at most {MOST_PARTS} names and values")
    if not isinstance(name, str | None):
        raise errors.InvalidInput(field="operationName", problem="must be a string")
    return GraphQLRequest(query, variables, name or None, document)
