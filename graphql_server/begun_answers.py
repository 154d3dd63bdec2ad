"""Begins the answers to planned queries while the protocol still has their bytes in its hands: no task, nothing is waited for."""

from asyncio import Future
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope
from strawberry.types import ExecutionResult

from edge import addresses
from edge.repeated_requests import WholeResponse
from edge.request_head import ACCEPT
from edge.services import Services
from errors import Refusal, Unavailable
from graphql_server import repeated_requests
from graphql_server.error_responses import render_refusals
from graphql_server.http import CONTEXT, NAME, render_result
from graphql_server.media_types import choose_media_type
from graphql_server.planner.run import PlannedRequest
from graphql_server.planner.start import StartedQuery, start_planned
from graphql_server.prepared_documents import describe_cost, find_known
from graphql_server.request import ASKED, GraphQLRequest, read_json_request
from resolvers.context import Context
from runtime.pending_answers import PendingAnswer
from runtime.rate_limits import find_visitor

POST: Final = "POST"


@dataclass(frozen=True, slots=True)
class BegunRequest:
    """An anonymous request whose query is being answered, or has been."""

    scope: Scope
    media_type: str
    text: str
    asked: GraphQLRequest
    context: Context

    def finish(self, started: StartedQuery, awaited: Future[Any]) -> WholeResponse | None:
        """Return the response once the read is done; None where the request has to go through the application."""
        try:
            result = started.finish(awaited)
        except psycopg.OperationalError:
            return make_whole(render_refusals([Unavailable()], self.media_type))
        return None if result is None else self.render(result)

    def render(self, result: ExecutionResult) -> WholeResponse:
        """Return the response to a result, as graphql_server/http.py renders it."""
        if self.context.cache_key is not None:
            repeated_requests.remember(self.scope, self.context, self.asked, text=self.text, media_type=self.media_type)
        return make_whole(render_result(self.scope, self.media_type, result, extensions=describe_cost(self.context)))


def begin_answer(scope: Scope, body: bytes) -> WholeResponse | PendingAnswer | None:
    """Return the response to an anonymous POST whose document is prepared and whose query is planned, or one that is pending.

    None where the request has to go through the application: nothing has been charged or counted then.
    """
    services: Services = scope["state"]["services"]
    media_type = choose_media_type(scope["head"].get(ACCEPT, b"").decode("latin-1"))
    if scope["method"] != POST or media_type is None or not begins_queries(services):
        return None
    try:
        asked = scope[ASKED] = read_json_request(scope, body, deepest=services.settings.limits.json_depth)
    except Refusal:
        # Raised again where the body is read by the application, which renders it.
        return None
    text, name = asked.query, asked.operation_name
    prepared = None if text is None or asked.document else find_known(text, name, services.settings)
    if text is None or prepared is None:
        return None
    base = services.settings.public_url or addresses.find_base_url(HTTPConnection(scope), None)
    context = Context(services, None, base, find_visitor(scope))
    started = start_planned(context, PlannedRequest(text, asked.variables or {}, name, prepared))
    if started is None:
        return None
    # The application goes on with it where the executor has to judge a value: its cost is paid.
    scope[CONTEXT] = context
    if name and NAME.fullmatch(name):
        scope["operation"] = name
    begun = BegunRequest(scope, media_type, text, asked, context)
    if isinstance(started, StartedQuery):
        return PendingAnswer(started.awaited, lambda awaited: begun.finish(started, awaited))
    return begun.render(started)


def begins_queries(services: Services) -> bool:
    """Return whether queries are planned, and neither looked for in a registry nor compared with the executor's answers."""
    planner = services.settings.planner
    is_unrestricted = services.settings.documents in repeated_requests.UNRESTRICTED
    return planner.is_on and not planner.checked_share and is_unrestricted


def make_whole(response: Response) -> WholeResponse:
    """Return a response of Starlette's as one that the protocol writes."""
    return WholeResponse(response.status_code, response.raw_headers, bytes(response.body))
