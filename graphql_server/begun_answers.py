"""Begins the answers to planned operations while the protocol still has their bytes in its hands: nothing is waited for.

A query needs no task, and a mutation one that does nothing but the change.
"""

from asyncio import Future
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from starlette.requests import HTTPConnection, Request
from starlette.types import Scope
from strawberry.types import ExecutionResult

from edge import addresses, browser_session
from edge.repeated_heads import ANONYMOUS_READ, ASKED
from edge.repeated_requests import WholeResponse, make_whole
from edge.request_head import ACCEPT, AUTHORIZATION
from edge.services import Services
from errors import Refusal, Unauthenticated, Unavailable
from graphql_server import repeated_requests
from graphql_server.error_responses import render_refusals
from graphql_server.executable_schema import GRAPHQL
from graphql_server.http import CONTEXT, NAME, render_result
from graphql_server.media_types import choose_media_type
from graphql_server.planner.mutations import StartedChange, start_mutation
from graphql_server.planner.run import PlannedRequest
from graphql_server.planner.start import StartedQuery, start_planned
from graphql_server.prepared_documents import describe_cost, find_known, takes_room
from graphql_server.request import GraphQLRequest, read_json_request
from identity.tokens import Actor, read_known_bearer
from resolvers.context import Context
from runtime.pending_answers import PendingAnswer
from runtime.rate_limits import find_visitor

POST: Final = "POST"


@dataclass(frozen=True, slots=True)
class BegunRequest:
    """A request whose operation is being answered, or has been."""

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

    def finish_change(self, started: StartedChange, awaited: Future[Any]) -> WholeResponse:
        """Return the response once the change is done, or its outcome unknown."""
        result, scope = started.finish(awaited), self.scope
        response = render_result(scope, self.media_type, result, extensions=describe_cost(self.context))
        entered = self.context.entered
        return make_whole(
            response if entered is None else browser_session.update_cookie(response, Request(scope), entered=entered)
        )

    def render(self, result: ExecutionResult) -> WholeResponse:
        """Return the response to a result, as graphql_server/http.py renders it."""
        if self.context.cache_key is not None:
            repeated_requests.remember(self.scope, self.context, self.asked, text=self.text, media_type=self.media_type)
        return make_whole(render_result(self.scope, self.media_type, result, extensions=describe_cost(self.context)))


def begin_answer(scope: Scope, body: bytes) -> WholeResponse | PendingAnswer | None:
    """Return the response to a POST whose document is prepared and whose operation is planned, or one that is pending.

    None where the request has to go through the application: nothing has been charged or counted then.
    """
    services: Services = scope["state"]["services"]
    media_type = choose_media_type(scope["head"].get(ACCEPT, b"").decode("latin-1"))
    if scope["method"] != POST or media_type is None or not begins_queries(services):
        return None
    try:
        asked = scope.get(ASKED) or read_json_request(scope, body, deepest=services.settings.limits.json_depth)
        scope[ASKED] = asked
        actor = find_actor(scope, services)
    except Refusal:
        # Raised again where the request is read by the application, which renders it.
        return None
    text, name = asked.query, asked.operation_name
    prepared = None if text is None or asked.document else find_known(text, name, services.settings)
    if text is None or prepared is None:
        return None
    base = services.settings.public_url or addresses.find_base_url(HTTPConnection(scope), None)
    context = Context(services, actor, base, find_visitor(scope))
    begun = BegunRequest(scope, media_type, text, asked, context)
    return begin_operation(begun, PlannedRequest(text, asked.variables or {}, name, prepared))


def begin_operation(begun: BegunRequest, request: PlannedRequest) -> WholeResponse | PendingAnswer | None:
    """Return the response to a planned operation, or one that is pending; None as `begin_answer`."""
    scope, context, name = begun.scope, begun.context, request.name
    if name and NAME.fullmatch(name):
        scope["operation"] = name
    if not takes_room(request.prepared.fields(GRAPHQL, operation=name)):
        changing = start_mutation(context, request, scope)
        return (
            PendingAnswer(changing.awaited, lambda awaited: begun.finish_change(changing, awaited))
            if changing
            else None
        )
    started = start_planned(context, request)
    if started is None:
        return None
    # The application goes on with it where the executor has to judge a value: its cost is paid.
    scope[CONTEXT] = context
    if context.actor is None:
        scope[ANONYMOUS_READ] = True
    if isinstance(started, StartedQuery):
        return PendingAnswer(started.awaited, lambda awaited: begun.finish(started, awaited))
    return begun.render(started)


def find_actor(scope: Scope, services: Services) -> Actor | None:
    """Return the caller by their token, None without one; raise Unauthenticated where the application has to ask further."""
    if AUTHORIZATION not in scope["head"]:
        return None
    # Where there is a standby, reads of a known caller and their changes need what edge/own_writes.py does.
    if services.database.standby_watch is not None:
        raise Unauthenticated
    return read_known_bearer(scope, keys=services.keys, sign_outs=services.sign_outs)


def begins_queries(services: Services) -> bool:
    """Return whether queries are planned, and neither looked for in a registry nor compared with the executor's answers."""
    planner = services.settings.planner
    is_unrestricted = services.settings.documents in repeated_requests.UNRESTRICTED
    return planner.is_on and not planner.checked_share and is_unrestricted
