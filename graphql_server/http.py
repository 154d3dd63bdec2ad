"""GraphQL over HTTP: reads the request, finds its document, runs it, and renders the answer."""

import re
from functools import partial
from typing import Any, Final

import orjson
import psycopg
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from edge import addresses, browser_session
from edge.repeated_requests import receive_and_find
from edge.request_head import ACCEPT, AUTHORIZATION, COOKIE, IDEMPOTENCY_KEY
from edge.response_cache import AGE, CREDENTIALS
from edge.services import Services, SharedCommits
from errors import NotAcceptable, Refusal, Refusals, Unavailable, flatten_refusals
from graphql_server import cache_policy, repeated_requests, sse
from graphql_server.error_responses import WRONG_OPERATION, explain_wrong_operation, render_faults, render_refusals
from graphql_server.executable_schema import GRAPHQL, SCHEMA
from graphql_server.field_declarations import find_declaration
from graphql_server.idempotency import run_once
from graphql_server.media_types import GRAPHQL_JSON, JSON, accepts_events, choose_media_type, wants_page
from graphql_server.planner.check import check_planned_result, is_chosen
from graphql_server.planner.mutations import bind_mutation, run_mutation
from graphql_server.planner.run import PlannedRequest, run_planned
from graphql_server.prepared_documents import Documents, describe_cost, find_ready
from graphql_server.request import NAMES_DOCUMENT, QUERIES, READS, GraphQLRequest, allowed_operations, read_request
from graphql_server.trusted_documents import RESTRICTED, find_document
from graphql_server.variable_faults import explain_variables
from identity.tokens import identify_bearer
from resolvers.context import Context
from runtime.rate_limits import find_visitor
from web import tools

VARY: Final = cache_policy.VARY.encode()
MUTATION: Final = "mutation"
# The entry of the scope that holds the context of a request whose answer was begun before (graphql_server/begun_answers.py).
CONTEXT: Final = "graphql_context"
NAME: Final = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,63}")


class View:
    """GraphQL's address as an ASGI application. It answers every method; one that it does not take gets 405."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if CREDENTIALS.isdisjoint(scope["head"]):
            known, receive = await receive_and_find(scope, receive)
            if known is not None:
                await known.send(send)
                return
        response = await serve(Request(scope, receive))
        await response(scope, receive, send)


async def serve(request: Request) -> Response:
    """Answer a GraphQL request: by a page, by one JSON body, or by a stream of events."""
    accept = request.scope["head"].get(ACCEPT, b"").decode("latin-1")
    asks_for_page = is_page_request(request, accept)
    settings = services_of(request).settings
    if asks_for_page and settings.shows_graphiql:
        return render_playground(addresses.find_base_path(settings.public_url))
    media_type = choose_media_type(accept)
    if media_type is None and accepts_events(accept) and request.method != "HEAD":
        return await sse.serve(request)
    if media_type is None or asks_for_page:
        return render_refusals([NotAcceptable(accepted=f"{GRAPHQL_JSON} or {JSON}")], JSON)
    try:
        return await answer(request, media_type)
    except (Refusal, Refusals) as raised:
        return render_refusals(flatten_refusals(raised), media_type)
    except psycopg.OperationalError:
        return render_refusals([Unavailable()], media_type)


def services_of(request: Request) -> Services:
    """Return what the server is made of. From the scope: `request.state` is an object of its own for each request."""
    services: Services = request.scope["state"]["services"]
    return services


def is_page_request(request: Request, accept: str) -> bool:
    """Return whether a browser opens the address itself, without a document."""
    return request.method in READS and wants_page(accept) and not request.query_params.keys() & NAMES_DOCUMENT


def render_playground(base: str) -> Response:
    """Return GraphiQL, whose files are below `base`."""
    page = tools.make_graphiql_page(base)
    # Programs get something else at this address.
    page.headers["Vary"] = "Accept"
    return page


async def answer(request: Request, media_type: str) -> Response:
    """Return the response to a request that takes JSON; raise the refusal of one that cannot be run."""
    context = await open_context(request)
    asked = await read_request(request, deepest=context.services.settings.limits.json_depth)
    note_operation(asked.operation_name)
    require_place(context, asked)
    text = asked.query
    if text is None or asked.document is not None or context.services.settings.documents in RESTRICTED:
        text = await find_document(context.services, query=text, name=asked.document)
    allowed = allowed_operations(request.method)
    # An idempotency key means nothing to a query. Whether there is a mutation shows once the document is parsed.
    has_key = IDEMPOTENCY_KEY in request.scope["head"]
    run, render = partial(execute, text, asked, allowed=allowed), partial(render_answer, request, media_type)
    shares = find_shared_commits(text, asked, context) if has_key and OperationType.MUTATION in allowed else None
    if shares is not None:
        return await run_once(request, context, execute=run, render=render, shares=shares)
    try:
        result = await execute(text, asked, context, allowed=QUERIES if has_key else allowed)
    except WRONG_OPERATION as cause:
        kind = cause.operation_type if isinstance(cause, InvalidOperationTypeError) else None
        if kind in allowed:
            return await run_once(request, context, execute=run, render=render)
        if kind is OperationType.SUBSCRIPTION and accepts_events(request.headers.get("accept", "")):
            return sse.open_stream(request, asked, context)
        raise explain_wrong_operation(cause, method=request.method) from None
    if context.cache_key is not None:
        repeated_requests.remember(request.scope, context, asked, text=text, media_type=media_type)
    if asked.is_by_hash and request.method in READS:
        response = render_cacheable(request, media_type, result, text=text, operation=asked.operation_name)
    else:
        response = render_answer(request, media_type, result, context)
    return add_age(response, request, context)


def find_shared_commits(text: str, asked: GraphQLRequest, context: Context) -> SharedCommits | None:
    """Return the commits by which a mutation makes its only change, None where it may do anything else."""
    settings = context.services.settings
    prepared = find_ready(GRAPHQL, text, asked.operation_name, settings) if settings.planner.is_on else None
    if prepared is None:
        return None
    bound = bind_mutation(context, PlannedRequest(text, asked.variables or {}, asked.operation_name, prepared))
    return None if bound is None else find_declaration(bound[0].declared).shares


def add_age(response: Response, request: Request, context: Context) -> Response:
    """Return the response, with its age where it answers a GET from memory."""
    if request.method in READS and context.cache_key is not None and not context.has_read:
        response.headers["Age"] = AGE
    return response


def require_place(context: Context, asked: GraphQLRequest) -> None:
    """Raise Unavailable where the worker runs as many queries as it may, and a request has no mutation for sure.

    Before its document is parsed and planned: past ten times the capacity, refusals would take what is left for the queries
    that have been accepted.
    """
    if asked.query is not None and MUTATION not in asked.query and context.services.admission.is_full:
        raise Unavailable


async def open_context(request: Request) -> Context:
    """Return what the request's resolvers share; raise Unauthenticated on a bad token."""
    begun: Context | None = request.scope.get(CONTEXT)
    if begun is not None:
        return begun
    services, head = services_of(request), request.scope["head"]
    actor = None
    if AUTHORIZATION in head:
        actor = await identify_bearer(request.scope, keys=services.keys, sign_outs=services.sign_outs)
    elif COOKIE in head:
        actor = await browser_session.identify_caller(request)
    base = services.settings.public_url or addresses.find_base_url(request, None)
    return Context(services, actor, base, find_visitor(request.scope))


def note_operation(name: str | None) -> None:
    """Add the operation's name to the access log, which tells requests at this address apart by it."""
    if name and NAME.fullmatch(name):
        structlog.contextvars.bind_contextvars(operation=name)


async def execute(
    text: str, asked: GraphQLRequest, context: Context, *, allowed: frozenset[OperationType]
) -> ExecutionResult:
    """Return the result of an operation; raise InvalidOperationTypeError where it is of another kind than allowed."""
    planned = await plan(text, asked, context, allowed=allowed)
    if planned is not None:
        return planned
    result = await SCHEMA.execute(
        text,
        variable_values=asked.variables,
        context_value=context,
        operation_name=asked.operation_name,
        allowed_operation_types=allowed,
    )
    if result.errors:
        explain_variables(
            result,
            GRAPHQL,
            text=text,
            variables=asked.variables or {},
            operation_name=asked.operation_name,
            tells_names=context.services.settings.suggests_names,
        )
    return result


async def plan(
    text: str, asked: GraphQLRequest, context: Context, *, allowed: frozenset[OperationType]
) -> ExecutionResult | None:
    """Return the result of a query answered by one statement, or of a plain mutation; None where it is for the executor."""
    settings = context.services.settings
    mode = settings.planner
    if not mode.is_on:
        return None
    prepared = find_ready(GRAPHQL, text, asked.operation_name, settings)
    if prepared is None:
        return None
    request = PlannedRequest(text, asked.variables or {}, asked.operation_name, prepared)
    if OperationType.MUTATION in allowed:
        changed = await run_mutation(context, request)
        if changed is not None:
            return changed
    is_checked = is_chosen(mode.checked_share)
    context.uses_cache = not is_checked
    planned = await run_planned(context, request)
    if planned is not None and is_checked:
        await check_planned_result(context, request, planned)
    return planned


def render_answer(request: Request, media_type: str, result: ExecutionResult, context: Context) -> Response:
    """Return the response to one caller; a page that has just signed somebody in gets a cookie with it."""
    response = render_result(request.scope, media_type, result, extensions=describe_cost(context))
    if context.entered is None and COOKIE not in request.scope["head"]:
        return response
    return browser_session.update_cookie(response, request, entered=context.entered)


def render_cacheable(
    request: Request, media_type: str, result: ExecutionResult, *, text: str, operation: str | None
) -> Response:
    """Return the response to a GET that names its document by hash; caches may store it where it is public.

    It says nothing of one caller's cost budget, for others may get it too.
    """
    response = render_result(request.scope, media_type, result, extensions={})
    response.headers["Cache-Control"] = cache_policy.PRIVATE
    prepared = Documents.cache.find(text)
    if result.errors or prepared is None or not CREDENTIALS.isdisjoint(request.scope["head"]):
        return response
    if not cache_policy.is_public(prepared.fields(GRAPHQL, operation=operation)):
        return response
    return cache_policy.make_public(response, if_none_match=request.headers.get("if-none-match", ""))


def render_result(scope: Scope, media_type: str, result: ExecutionResult, *, extensions: dict[str, Any]) -> Response:
    """Return the response to an operation."""
    if result.errors or result.data is None:
        services: Services = scope["state"]["services"]
        reference, settings = scope["request_id"], services.settings
        return render_faults(result, media_type, reference=reference, settings=settings, extensions=extensions)
    whole = {"data": result.data, "extensions": extensions} if extensions else {"data": result.data}
    return DataResponse(orjson.dumps(whole), media_type)


class DataResponse(Response):
    """A response that no cache may store. Its headers are put together here: Starlette's way costs three times as much."""

    def __init__(self, body: bytes, media_type: str) -> None:
        # What Starlette's own constructor sets, except for its headers.
        self.status_code = 200
        self.background = None
        self.body = body
        self.raw_headers = [
            (b"cache-control", b"no-store"),
            (b"vary", VARY),
            (b"content-length", b"%d" % len(body)),
            (b"content-type", media_type.encode() + b"; charset=utf-8"),
        ]
