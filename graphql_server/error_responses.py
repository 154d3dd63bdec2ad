"""Responses of GraphQL to requests that fail: their status, their headers and their errors."""

from typing import Any, Final

import orjson
from starlette.responses import Response
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

import errors
from config.settings import Settings
from errors import Refusal
from graphql_server.cache_policy import VARY
from graphql_server.error_format import find_refusals, format_errors, is_bug
from graphql_server.media_types import JSON

# What is raised where an operation cannot be chosen, or is of a kind that may not run here.
WRONG_OPERATION: Final = (CannotGetOperationTypeError, InvalidOperationTypeError)
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
    # As Apollo's server has it: some clients give up persisted queries altogether after a 400.
    errors.PersistedQueryNotFound: 200,
    errors.PersistedQueryNotSupported: 200,
}
NO_DATABASE: Final = (errors.Unavailable, errors.OutcomeUnknown)
RETRY_SOON: Final = {"Retry-After": "1"}
NO_STORE: Final = "no-store"


def render_faults(
    result: ExecutionResult, media_type: str, *, reference: str, settings: Settings, extensions: dict[str, Any]
) -> Response:
    """Return the response to an operation that has errors; `reference` names the request in our log.

    A document that could not be run is 400 in GraphQL's own media type, and 200 in plain JSON.
    """
    ran = has_run(result)
    body: dict[str, Any] = {}
    if result.errors:
        body["errors"] = format_errors(result.errors, reference=reference, tells_names=settings.suggests_names)
    if ran:
        body |= {"data": result.data} | ({"extensions": extensions} if extensions else {})
    return render_json(
        body, media_type, status=choose_status(result, media_type, ran=ran), headers=choose_retry_header(result)
    )


def has_run(result: ExecutionResult) -> bool:
    """Return whether an operation has begun to run: then its answer has `data`, were it null."""
    return result.data is not None or any(error.path is not None for error in result.errors or ())


def choose_status(result: ExecutionResult, media_type: str, *, ran: bool) -> int:
    """Return the HTTP status of a result."""
    faults = result.errors or []
    if is_unavailable(result):
        return 503
    if ran:
        return 200
    if any(isinstance(refusal, errors.RateLimited) for error in faults for refusal in find_refusals(error)):
        return 429
    if any(is_bug(error) for error in faults):
        return 500
    return 200 if media_type == JSON else 400


def is_unavailable(result: ExecutionResult) -> bool:
    """Return whether the answer has nothing in it because the database did not answer."""
    causes = [cause for error in result.errors or () for cause in find_refusals(error)]
    if not any(isinstance(cause, NO_DATABASE) for cause in causes):
        return False
    # Data with errors beside it always come from the executor, as a dict; the planner's are bytes.
    return all(value is None for value in (result.data or {}).values())


def choose_retry_header(result: ExecutionResult) -> dict[str, str]:
    """Return `Retry-After` where the database did not answer, or where a field was over a rate.

    Programs must not repeat a mutation that may have been done although the database did not answer.
    """
    causes = [cause for error in result.errors or () for cause in find_refusals(error)]
    if is_unavailable(result):
        return {} if any(isinstance(cause, errors.OutcomeUnknown) for cause in causes) else RETRY_SOON
    waits = [str(cause.words["seconds"]) for cause in causes if isinstance(cause, errors.RateLimited)]
    return {"Retry-After": waits[0]} if waits else {}


def render_refusals(faults: list[Refusal], media_type: str) -> Response:
    """Return the response to a request that cannot be run; the first of its faults decides the status."""
    first = faults[0]
    status = next((STATUSES[kind] for kind in type(first).__mro__ if kind in STATUSES), 400)
    accepted = str(first.words.get("accepted", ""))
    again = {} if isinstance(first, errors.OutcomeUnknown) else RETRY_SOON
    headers = {
        401: {"WWW-Authenticate": "Bearer"},
        405: {"Allow": accepted},
        409: again,
        503: again,
    }
    return render_json(make_refusal_body(faults), media_type, status=status, headers=headers.get(status, {}))


def make_refusal_body(faults: list[Refusal]) -> dict[str, Any]:
    """Return the body of a request that was not run."""
    return {"errors": [{"message": str(fault), "extensions": {"code": fault.code}} for fault in faults]}


def render_json(body: object, media_type: str, *, status: int, headers: dict[str, str]) -> Response:
    """Return a body as JSON that no cache may store."""
    headers = {"Cache-Control": NO_STORE, "Vary": VARY, **headers}
    return Response(orjson.dumps(body), status, headers, f"{media_type}; charset=utf-8")


def explain_wrong_operation(cause: BaseException, *, method: str) -> Refusal:
    """Return the refusal of an operation that cannot be chosen, or whose kind may not run by this method."""
    if not isinstance(cause, InvalidOperationTypeError):
        problem = "must name an operation of the document, where there are several"
        return errors.InvalidInput(field="operationName", problem=problem)
    if cause.operation_type is OperationType.MUTATION:
        return errors.MethodNotAllowed(method=f"mutations by {method}", accepted="POST")
    problem = "must be a query or a mutation; subscribe by WebSocket, or with `Accept: text/event-stream`"
    return errors.InvalidInput(field="query", problem=problem)
