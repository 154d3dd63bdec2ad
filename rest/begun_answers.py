"""Begins the answers of endpoints while the protocol still has their bytes in its hands: a task does nothing but the work."""

import asyncio
from typing import Any, Final

import psycopg
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Scope

from db.commits import SENT_COMMITS, SentCommits
from edge.middleware import choose_refusal
from edge.repeated_heads import ANONYMOUS_READ
from edge.repeated_requests import WholeResponse, make_whole
from edge.request_head import AUTHORIZATION
from edge.services import Services
from errors import Refusal, Refusals
from rest.endpoint import JSON, Caller, Endpoint, EndpointApp
from rest.endpoint_table import EndpointTable
from rest.error_format import render_faults, render_refusal, render_unavailable
from runtime.pending_answers import PendingAnswer

# Of a request that says nothing of its caller these ask for nothing more.
ANONYMOUS: Final = frozenset({Caller.ANYBODY, Caller.KNOWN_OR_NOT})


def begin_answer(table: EndpointTable, scope: Scope, body: bytes) -> PendingAnswer | None:
    """Return the answer of an endpoint to an anonymous request, which is being made; None where the application has to serve it."""
    route = None if AUTHORIZATION in scope["head"] else table.find_route(scope)
    services: Services = scope["state"]["services"]
    if route is None or not may_begin(route.declared, services):
        return None
    if not route.declared.has_body:
        scope[ANONYMOUS_READ] = True
    return PendingAnswer(asyncio.create_task(make_answer(route.endpoint_app, scope, body)), finish_answer)


def may_begin(endpoint: Endpoint[Any], services: Services) -> bool:
    """Return whether an endpoint needs nothing of the application's layers for an anonymous request."""
    # Where there is a standby, changes need what edge/own_writes.py does.
    notes_change = endpoint.has_body and services.database.standby_watch is not None
    return endpoint.caller in ANONYMOUS and endpoint.media == JSON and not notes_change


async def make_answer(app: EndpointApp, scope: Scope, body: bytes) -> Response:
    """Return the response of an endpoint, or of its refusal, as the application's handlers render it."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    structlog.contextvars.bind_contextvars(request_id=scope["request_id"])
    sent, request = SentCommits(), Request(scope, receive)
    SENT_COMMITS.set(sent)
    try:
        return await app.respond(request)
    except (Refusal, Refusals) as raised:
        return await render_refusal(request, raised)
    except psycopg.OperationalError as raised:
        return await render_unavailable(request, raised)
    except asyncio.CancelledError:
        # The server ends, and has waited for as long as it may.
        return render_faults(choose_refusal(sent), path=scope["path"])


def finish_answer(awaited: "asyncio.Future[Any]") -> WholeResponse:
    """Return the response that was made; raise what a bug has raised."""
    response: Response = awaited.result()
    return make_whole(response)
