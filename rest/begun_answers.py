"""Begins the answers of endpoints while the protocol still has their bytes in its hands: a task does nothing but the work.

What only starts a change, for which a batch has a future, needs no task.
"""

import asyncio
from functools import partial
from http import HTTPStatus
from typing import Any, Final, TypeVar

import psycopg
import structlog
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Scope

from db.commits import SENT_COMMITS, SentCommits
from edge.middleware import choose_refusal
from edge.repeated_heads import ANONYMOUS_READ
from edge.repeated_requests import WholeResponse, make_whole
from edge.request_head import AUTHORIZATION
from edge.services import Services
from errors import OutcomeUnknown, Refusal, Refusals, Unauthenticated, Unavailable, flatten_refusals
from identity.tokens import read_known_bearer
from rest.endpoint import JSON, Caller, Endpoint, EndpointApp, Start, read_input
from rest.endpoint_table import EndpointTable
from rest.error_format import render_faults, render_refusal, render_unavailable
from runtime.pending_answers import PendingAnswer

# Of a request that says nothing of its caller these ask for nothing more.
ANONYMOUS: Final = frozenset({Caller.ANYBODY, Caller.KNOWN_OR_NOT})
# The answer of an endpoint with `start`.
DURABLE: Final = make_whole(Response(status_code=HTTPStatus.NO_CONTENT))

Asked = TypeVar("Asked", bound=BaseModel)


def begin_answer(table: EndpointTable, scope: Scope, body: bytes) -> WholeResponse | PendingAnswer | None:
    """Return the answer of an endpoint, or one that is being made; None where the application has to serve the request."""
    route = table.find_route(scope)
    services: Services = scope["state"]["services"]
    if route is None or not may_begin(route.declared, services):
        return None
    if route.declared.start is not None:
        return start_answer(route.declared, route.declared.start, scope, body)
    if AUTHORIZATION in scope["head"]:
        return None
    if not route.declared.has_body:
        scope[ANONYMOUS_READ] = True
    return PendingAnswer(asyncio.create_task(make_answer(route.endpoint_app, scope, body)), finish_answer)


def may_begin(endpoint: Endpoint[Any], services: Services) -> bool:
    """Return whether an endpoint needs nothing of the application's layers for an ordinary request."""
    # Where there is a standby, changes need what edge/own_writes.py does.
    notes_change = endpoint.has_body and services.database.standby_watch is not None
    return endpoint.caller in ANONYMOUS and endpoint.media == JSON and not notes_change


def start_answer(
    endpoint: Endpoint[Asked], start: Start[Asked], scope: Scope, body: bytes
) -> WholeResponse | PendingAnswer | None:
    """Return the answer to a request whose work is to start one change, without a task: its refusal, or one that is pending.

    None where only the application can tell who is calling.
    """
    services: Services = scope["state"]["services"]
    path = scope["path"]
    try:
        is_named = AUTHORIZATION in scope["head"]
        actor = read_known_bearer(scope, keys=services.keys, sign_outs=services.sign_outs) if is_named else None
    except Unauthenticated:
        return None
    try:
        asked = read_input(endpoint, scope, body, deepest=services.settings.limits.json_depth)
        return PendingAnswer(start(asked, actor, services), partial(finish_change, path))
    except (Refusal, Refusals) as raised:
        return make_whole(render_faults(*flatten_refusals(raised), path=path))


def finish_change(path: str, awaited: "asyncio.Future[None]") -> WholeResponse:
    """Return the response once a change is durable, or has failed; raise what a bug has raised."""
    try:
        awaited.result()
    except (Refusal, Refusals) as raised:
        return make_whole(render_faults(*flatten_refusals(raised), path=path))
    except psycopg.OperationalError:
        return make_whole(render_faults(Unavailable(), path=path))
    except asyncio.CancelledError:
        # The server ends, and has waited for as long as it may. The commit may have been sent.
        return make_whole(render_faults(OutcomeUnknown(), path=path))
    return DURABLE


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
