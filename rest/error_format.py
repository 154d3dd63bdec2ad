"""Renders refusals as REST answers, and maps each refusal to its HTTP status there."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

import errors
from errors import Refusal, Refusals
from rest.error_shapes import COMMON, ErrorShape, find_shape

# The class nearest to the leaf decides.
STATUSES: Final[Mapping[type[Refusal], HTTPStatus]] = {
    errors.Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidCredentials: HTTPStatus.UNAUTHORIZED,
    errors.Malformed: HTTPStatus.BAD_REQUEST,
    errors.UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.NotAcceptable: HTTPStatus.NOT_ACCEPTABLE,
    errors.PayloadTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    errors.RouteNotFound: HTTPStatus.NOT_FOUND,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.ExportGone: HTTPStatus.GONE,
    errors.IdempotencyKeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    errors.QueryTooCostly: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Failure: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Internal: HTTPStatus.INTERNAL_SERVER_ERROR,
}
# How long the circuit breaker of a third party stays open (upstreams/resilience.py).
UPSTREAM_RESTS: Final = "10"
EVERY_FAULT: Final = "This request cannot be served."


def find_status(refusal: type[Refusal], *, shape: ErrorShape = COMMON) -> HTTPStatus:
    """Return the HTTP status that a refusal is answered with."""
    if refusal in shape.statuses:
        return shape.statuses[refusal]
    return next(STATUSES[kind] for kind in refusal.__mro__ if kind in STATUSES)


def render_faults(*faults: Refusal, path: str = "") -> Response:
    """Return the answer that the surface at this path has for these faults, with the status of the first of them."""
    first, shape = faults[0], find_shape(path)
    status = find_status(type(first), shape=shape)
    return Response(
        orjson.dumps(shape.body(faults)),
        status_code=status,
        # Without it caches may keep a 404 by a rule of thumb of their own.
        headers={"Cache-Control": "no-store"} | _list_headers(first, status),
        media_type="application/json",
    )


def _list_headers(fault: Refusal, status: HTTPStatus) -> dict[str, str]:
    match fault:
        case errors.Unavailable() | errors.RequestInProgress():
            return {"Retry-After": "1"}
        case errors.UpstreamUnavailable():
            return {"Retry-After": UPSTREAM_RESTS}
        case errors.RateLimited():
            return {"Retry-After": str(fault.words["seconds"])}
        case errors.MethodNotAllowed():
            return {"Allow": str(fault.words["accepted"])}
        case _ if status == HTTPStatus.UNAUTHORIZED:
            return {"WWW-Authenticate": "Bearer"}
        case _:
            return {}


async def render_refusal(request: Request, refusal: Exception) -> Response:
    """Answer a Refusal, or all of a group of them."""
    return render_faults(*_flatten([refusal]), path=request.scope["path"])


def _flatten(raised: Sequence[Exception]) -> list[Refusal]:
    found: list[Refusal] = []
    for each in raised:
        if isinstance(each, Refusals):
            found += _flatten(each.exceptions)
        elif isinstance(each, Refusal):
            found.append(each)
    return found


async def render_unavailable(request: Request, _: Exception) -> Response:
    """Answer an error of the database connection that nothing below has turned into a refusal."""
    return render_faults(errors.Unavailable(), path=request.scope["path"])


async def render_http_exception(request: Request, raised: Exception) -> Response:
    """Answer a request that no route takes: an unknown path, or a method that the path does not take."""
    status, path = raised.status_code if isinstance(raised, HTTPException) else 0, request.scope["path"]
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        accepted = ", ".join(list_allowed_methods(request.scope))
        return render_faults(errors.MethodNotAllowed(method=request.method, accepted=accepted), path=path)
    if status == HTTPStatus.NOT_FOUND:
        return render_faults(errors.RouteNotFound(), path=path)
    return Response(
        orjson.dumps(errors.format_error_body(("invalid_input", EVERY_FAULT))),
        status_code=status or HTTPStatus.BAD_REQUEST,
        media_type="application/json",
    )


def list_allowed_methods(scope: Scope) -> list[str]:
    """Return the methods that any route takes at this request's path; one path may have several routes."""
    routes = (route for route in scope["app"].routes if isinstance(route, Route))
    there = (route for route in routes if route.matches(scope)[0] is not Match.NONE)
    return sorted({method for route in there for method in route.methods or ()})
