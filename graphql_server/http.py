"""GraphQL over HTTP: a thin view that reads a request, runs it, and negotiates the answer."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import Response
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

import errors
from config.settings import Settings
from edge import addresses, browser_session, visitors
from edge.content_type import is_json
from edge.idempotency import is_keyed
from edge.json_depth import is_deeper
from edge.services import Services
from errors import Refusal, Refusals
from graphql_server import cache_policy, cost_budget, trusted_documents
from graphql_server.error_format import formatted, is_ours, refusals
from graphql_server.executable_schema import SCHEMA
from graphql_server.idempotency import once
from graphql_server.media_types import GRAPHQL_JSON, JSON, negotiated, wants_page
from graphql_server.prepared_documents import NUL, Documents
from resolvers.context import Context
from schema.user_error import flat
from web import tools

NAME: Final = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,63}")
READS: Final = ("GET", "HEAD")
# Members of a request that tell what to run.
ASKS: Final = frozenset({"query", "documentId", "extensions"})
QUERIES: Final = frozenset({OperationType.QUERY})
ALL: Final = frozenset({OperationType.QUERY, OperationType.MUTATION})
MISDIRECTED: Final = (CannotGetOperationTypeError, InvalidOperationTypeError)
ESCAPED_NUL: Final = rb"\u0000"
# A mebibyte of them would be looked at for half a second, one by one, before anybody could refuse them.
MOST_PARTS: Final = 10_000
STATUSES: Final[dict[type[Refusal], int]] = {
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.UnsupportedMediaType: 415,
    errors.PayloadTooLarge: 413,
    errors.NotAcceptable: 406,
    errors.MethodNotAllowed: 405,
    errors.Unavailable: 503,
    errors.OutcomeUnknown: 503,
    errors.RequestInProgress: 409,
    errors.IdempotencyKeyReused: 422,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the specification of GraphQL over HTTP has it."""

    query: str | None
    # The hash of a registered one that stands in its place.
    document: str | None
    variables: dict[str, Any] | None
    operation_name: str | None


async def serve(request: Request) -> Response:
    """Answer a GraphQL request."""
    accept = request.headers.get("accept", "")
    settings: Settings = request.state.services.settings
    asks_for_page = request.method in READS and wants_page(accept) and not request.query_params.keys() & ASKS
    if asks_for_page and settings.shows_graphiql:
        return page()
    media_type = negotiated(accept)
    if media_type is None or asks_for_page:
        return refused([errors.NotAcceptable(accepted=f"{GRAPHQL_JSON} or {JSON}")], JSON)
    try:
        return await answer(request, media_type)
    except (Refusal, Refusals) as raised:
        return refused(flat(raised), media_type)


def page() -> Response:
    """Return GraphiQL."""
    found = tools.graphiql_page()
    # Programs get something else at this address.
    found.headers["Vary"] = "Accept"
    return found


async def answer(request: Request, media_type: str) -> Response:
    """Run the request; raise the refusal of one that cannot be run."""
    services: Services = request.state.services
    actor = browser_session.identify(request)
    asked, allowed = await read(request, deepest=services.settings.limits.json_depth)
    if asked.operation_name and NAME.fullmatch(asked.operation_name):
        # For the access log, which tells one request at this address from another by it.
        structlog.contextvars.bind_contextvars(operation=asked.operation_name)
    base = addresses.base(request, services.settings.public_url)
    context = Context(services, actor, base, visitors.visitor(request.scope))
    query = await trusted_documents.admitted(services, query=asked.query, document=asked.document)
    run, show = partial(execute, query, asked), partial(settled, request, media_type)
    result: ExecutionResult | None = None
    has_key = is_keyed(request) and OperationType.MUTATION in allowed
    try:
        # A key means nothing to a query; whether there is a mutation is known once the document is parsed.
        result = await run(context, allowed=QUERIES if has_key else allowed)
    except MISDIRECTED as cause:
        if not (has_key and is_mutation(cause)):
            raise misdirected(cause, method=request.method) from None
    if result is None:
        return await once(request, context, execute=partial(run, allowed=allowed), show=show)
    if asked.document is None or request.method not in READS:
        return show(result, context)
    # What caches on the way may keep says nothing of one caller's budget.
    answered = rendered(request, media_type, result, extensions={})
    return kept(answered, request, query, whole=not result.errors, operation=asked.operation_name)


def is_mutation(cause: BaseException) -> bool:
    """Return whether an operation was not run for being a mutation."""
    return isinstance(cause, InvalidOperationTypeError) and cause.operation_type is OperationType.MUTATION


async def execute(query: str, asked: Asked, context: Context, *, allowed: frozenset[OperationType]) -> ExecutionResult:
    """Return what came of an operation; raise InvalidOperationTypeError where it is of another kind than allowed."""
    return await SCHEMA.execute(
        query,
        variable_values=asked.variables,
        context_value=context,
        operation_name=asked.operation_name,
        allowed_operation_types=allowed,
    )


def settled(request: Request, media_type: str, result: ExecutionResult, context: Context) -> Response:
    """Return the answer to a page or a program; a page that has just signed somebody in gets a cookie with it."""
    answered = rendered(request, media_type, result, extensions=cost_budget.told(context))
    return browser_session.settle(answered, request, entered=context.entered)


def rendered(request: Request, media_type: str, result: ExecutionResult, *, extensions: dict[str, Any]) -> Response:
    """Return the answer as this server tells it."""
    settings: Settings = request.state.services.settings
    return shown(
        result,
        media_type,
        reference=request.scope["request_id"],
        tells_names=settings.tells_names,
        extensions=extensions,
    )


def misdirected(cause: BaseException, *, method: str) -> Refusal:
    """Return the refusal of an operation that cannot be told from others, or may not be run in this way."""
    if not isinstance(cause, InvalidOperationTypeError):
        problem = "must name an operation of the document, where there are several"
        return errors.InvalidInput(field="operationName", problem=problem)
    if cause.operation_type is OperationType.MUTATION:
        return errors.MethodNotAllowed(method=f"mutations by {method}", accepted="POST")
    problem = "must be a query or a mutation; subscribe by WebSocket, or with `Accept: text/event-stream`"
    return errors.InvalidInput(field="query", problem=problem)


def shown(
    result: ExecutionResult, media_type: str, *, reference: str, tells_names: bool, extensions: dict[str, Any]
) -> Response:
    """Return the answer; by its own media type a document that could not be run is 400, else 200 as it always was."""
    found = result.errors or []
    ran = result.data is not None or any(error.path is not None for error in found)
    body: dict[str, Any] = {"data": result.data} if ran else {}
    if ran and extensions:
        body["extensions"] = extensions
    if found:
        body = {"errors": formatted(found, reference=reference, tells_names=tells_names), **body}
    if unavailable(result):
        return respond(body, media_type, status=503, headers=again_soon(is_unknown(result)))
    waits = [each for error in found for each in refusals(error) if isinstance(each, errors.RateLimited)]
    again = {"Retry-After": str(waits[0].words["seconds"])} if waits else {}
    if waits and not ran:
        return respond(body, media_type, status=429, headers=again)
    if not ran and any(is_ours(error) for error in found):
        return respond(body, media_type, status=500)
    return respond(body, media_type, status=200 if ran or media_type == JSON else 400, headers=again)


def kept(answered: Response, request: Request, query: str, *, whole: bool, operation: str | None) -> Response:
    """Return the answer to a registered query by GET; caches on the way may keep what is whole and everybody's."""
    answered.headers["Cache-Control"] = cache_policy.PRIVATE
    prepared = Documents.shelf.find(query)
    if not whole or prepared is None or not cache_policy.CREDENTIALS.isdisjoint(request.headers.keys()):
        return answered
    if not cache_policy.is_catalogue(prepared.fields(SCHEMA.graphql, operation=operation)):
        return answered
    return cache_policy.shared(answered, if_none_match=request.headers.get("if-none-match", ""))


def unavailable(result: ExecutionResult) -> bool:
    """Return whether there is nothing in the answer, for want of the database."""
    causes = [cause for error in result.errors or () for cause in refusals(error)]
    empty = all(value is None for value in (result.data or {}).values())
    return empty and any(isinstance(cause, errors.Unavailable | errors.OutcomeUnknown) for cause in causes)


def is_unknown(result: ExecutionResult) -> bool:
    """Return whether a mutation may have been done although it was not answered."""
    causes = [cause for error in result.errors or () for cause in refusals(error)]
    return any(isinstance(cause, errors.OutcomeUnknown) for cause in causes)


def again_soon(may_be_done: bool) -> dict[str, str]:  # noqa: FBT001 - the only argument
    """Return the header that has programs send the request again, which they must not do where it may have been done."""
    return {} if may_be_done else {"Retry-After": "1"}


def refused(faults: list[Refusal], media_type: str) -> Response:
    """Return the answer to a request that cannot be run, in GraphQL's shape."""
    first = faults[0]
    status = next((STATUSES[kind] for kind in type(first).__mro__ if kind in STATUSES), 400)
    allowed = str(first.words.get("accepted", ""))
    again = again_soon(isinstance(first, errors.OutcomeUnknown))
    headers = {401: {"WWW-Authenticate": "Bearer"}, 405: {"Allow": allowed}, 409: again, 503: again}
    return respond(told(faults), media_type, status=status, headers=headers.get(status, {}))


def told(faults: list[Refusal]) -> dict[str, Any]:
    """Return the body of what was not run."""
    return {"errors": [{"message": str(fault), "extensions": {"code": fault.code}} for fault in faults]}


def respond(body: object, media_type: str, *, status: int, headers: dict[str, str] | None = None) -> Response:
    """Return a body as JSON; answers are never kept by caches on the way."""
    kept = {"Cache-Control": "no-store", "Vary": "Accept, Authorization, Cookie", **(headers or {})}
    return Response(orjson.dumps(body), status_code=status, headers=kept, media_type=f"{media_type}; charset=utf-8")


async def read(request: Request, *, deepest: int) -> tuple[Asked, frozenset[OperationType]]:
    """Return what is asked, and which operations this method may run."""
    if request.method in READS:
        parameters = request.query_params
        given = {
            "query": parameters.get("query"),
            "documentId": parameters.get("documentId"),
            "variables": parsed(parameters.get("variables"), deepest),
            "operationName": parameters.get("operationName") or None,
            "extensions": parsed(parameters.get("extensions"), deepest),
        }
        return checked(given), QUERIES
    if request.method != "POST":
        raise errors.MethodNotAllowed(method=request.method, accepted="GET, POST")
    if not is_json(request.headers.get("content-type", "")):
        raise errors.UnsupportedMediaType(accepted=JSON)
    return checked(decoded(await request.body(), deepest)), ALL


def parsed(parameter: str | None, deepest: int) -> Any:
    """Return what a parameter of the address says in JSON, None where it is left out or empty."""
    return decoded(parameter.encode("utf-8", "surrogateescape"), deepest) if parameter else None


def decoded(raw: bytes, deepest: int) -> Any:
    """Return what JSON says; raise MalformedJson where it is none or too deep, InvalidInput where it holds a NUL."""
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise errors.MalformedJson(problem=str(error)) from None
    if is_deeper(raw, found, deepest):
        raise errors.MalformedJson(problem=f"more than {deepest} lists and objects are within each other")
    # JSON has one spelling of NUL, and almost no request has it: then nothing needs to be searched.
    if ESCAPED_NUL in raw and holds_nul(found):
        raise errors.InvalidInput(field="body", problem="must not contain the character NUL")
    return found


def parts(value: Any) -> Iterator[Any]:
    """Yield a JSON value and all the names and values in it, however deep."""
    left = [value]
    while left:
        found = left.pop()
        yield found
        if isinstance(found, dict):
            left += found.keys()
            left += found.values()
        elif isinstance(found, list):
            left += found


def holds_nul(value: Any) -> bool:
    """Return whether there is a NUL in a text anywhere in a JSON value; PostgreSQL cannot hold one."""
    return any(isinstance(part, str) and NUL in part for part in parts(value))


def checked(given: Any) -> Asked:
    """Return the request in a body; raise what is wrong with its members."""
    if not isinstance(given, dict):
        raise errors.InvalidInput(field="body", problem="must be an object with a `query` or a `documentId`")
    query, variables, name = given.get("query"), given.get("variables"), given.get("operationName")
    document = trusted_documents.identified(given)
    if document is None and (not isinstance(query, str) or not query.strip()):
        raise errors.MissingField(field="query")
    for member in ("variables", "extensions"):
        if not isinstance(given.get(member), dict | None):
            raise errors.InvalidInput(field=member, problem="must be an object")
    if sum(1 for _ in parts(variables)) > MOST_PARTS:
        raise errors.InvalidInput(field="variables", problem=f"must hold at most {MOST_PARTS} names and values")
    if not (name is None or isinstance(name, str)):
        raise errors.InvalidInput(field="operationName", problem="must be a string")
    return Asked(query, document, variables, name)
