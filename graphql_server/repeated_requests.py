"""Remembers GraphQL requests whose answer is in the response cache (edge/repeated_requests.py)."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

import orjson
from starlette.routing import BaseRoute
from starlette.types import Scope

from edge.repeated_requests import WholeResponse, remember_request
from edge.response_cache import AGE
from edge.services import Services
from errors import Refusal
from graphql_server.cache_policy import VARY
from graphql_server.executable_schema import SCHEMA
from graphql_server.prepared_documents import Documents, describe_cost, spend_cost
from graphql_server.request import GraphQLRequest
from resolvers.context import Context
from runtime.metrics import Coordinate
from runtime.rate_limits import find_visitor

# Modes of MATINEE_DOCUMENTS in which a document is run without looking for it.
UNRESTRICTED: Final = ("automatic", "off")
HEADERS: Final = ((b"cache-control", b"no-store"), (b"vary", VARY.encode()))


@dataclass(frozen=True, slots=True)
class KnownOperation:
    """A request that runs an operation whose data is in the response cache."""

    # The key of its data (edge/response_cache.py).
    data: Hashable
    cost: int
    fields: frozenset[Coordinate]
    operation: str | None
    content_type: bytes
    route: BaseRoute | None

    def respond(self, services: Services, scope: Scope) -> WholeResponse | None:
        """Return the response, after charging its cost and counting it; None where there is none."""
        data = services.response_cache.find(self.data)
        if data is None:
            return None
        context = Context(services, None, "", find_visitor(scope))
        try:
            spend_cost(context, self.cost)
        except Refusal:
            # The door that parses the request renders the refusal.
            return None
        services.usage_metrics.count(self.fields)
        if self.operation:
            scope["operation"] = self.operation
        body = b'{"data":%b,"extensions":%b}' % (data, orjson.dumps(describe_cost(context)))
        headers = [*HEADERS, (b"content-length", b"%d" % len(body)), (b"content-type", self.content_type)]
        if scope["method"] == "GET":
            headers.append((b"age", AGE.encode()))
        return WholeResponse(200, headers, body)


def remember(scope: Scope, context: Context, asked: GraphQLRequest, *, text: str, media_type: str) -> None:
    """Remember a request whose data is in the response cache.

    A document that is named by its hash is looked for each time: somebody may have removed it.
    """
    prepared = Documents.cache.find(text)
    is_plain = asked.document is None and context.services.settings.documents in UNRESTRICTED
    if context.cache_key is None or prepared is None or not is_plain:
        return
    fields = prepared.fields(SCHEMA.graphql, operation=asked.operation_name)
    content_type = media_type.encode() + b"; charset=utf-8"
    name, route = asked.operation_name, scope.get("route")
    remember_request(scope, KnownOperation(context.cache_key, context.cost, fields, name, content_type, route))
