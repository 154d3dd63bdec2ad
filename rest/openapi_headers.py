"""The headers that the OpenAPI document declares, each with what it is and when it is sent."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import errors
from edge.idempotency import REPLAYED
from edge.own_writes import HEADER as POSITION
from rest.endpoint import Endpoint

Schema = dict[str, Any]


def describe_header(description: str, example: str, *, required: bool = True) -> Schema:
    """Return the description of a header; `required` where every answer of its status has it."""
    return {
        "description": description,
        "required": required,
        "schema": {"type": "string", "examples": [example]},
    }


REQUEST_ID: Final = "X-Request-Id"
HEADERS: Final[Mapping[str, Schema]] = {
    REQUEST_ID: describe_header(
        "Names the request in the server's log: the caller's own id where it is a plain one, else a new one.",
        "9f86d081884c7d659a2feaa0",
    ),
    "Allow": describe_header("The methods that the path takes.", "GET, HEAD"),
    "Cache-Control": describe_header("Who may keep the answer, and how long.", "public, max-age=60"),
    "Content-Disposition": describe_header("The name of the file.", 'attachment; filename="exp_7262193846145031.csv"'),
    "ETag": describe_header("Names this body. Send it as `If-None-Match`.", '"5d41402abc4b2a76b9719d911017c592"'),
    "Link": describe_header(
        "The other pages (RFC 8288): `first`, `prev`, `next` and `last`, as far as there are such.",
        '<https://cinema.example.org/events/?page=2&per_page=100>; rel="next"',
    ),
    "Location": describe_header("Where the new object is.", "/v1/exports/exp_7262193846145031"),
    # Only where reads go to a standby.
    POSITION: describe_header(
        "Send it with the next requests, so that every server shows this change.", "b3BhcXVlIHZhbHVl", required=False
    ),
    # Not where the operator has switched the rate off.
    "RateLimit": describe_header(
        "What is left of each rate, and the seconds until it begins anew.", '"sign-in";r=9;t=60', required=False
    ),
    "RateLimit-Policy": describe_header(
        "Each rate: its amount, and its span in seconds.", '"sign-in";q=10;w=60', required=False
    ),
    "Retry-After": describe_header("The seconds to wait before trying again.", "42"),
    "WWW-Authenticate": describe_header("How to say who calls.", "Bearer"),
    "X-Total-Count": describe_header("The number of items in the whole list.", "226"),
    REPLAYED: describe_header(
        "`true` where this is the recorded answer to an earlier request.", "true", required=False
    ),
}
# A link to the next part stands only where there is one.
NEXT_LINK: Final = HEADERS["Link"] | {"required": False}
RATE_LIMIT: Final = ("RateLimit", "RateLimit-Policy")
OF_REFUSALS: Final[Mapping[HTTPStatus, Sequence[str]]] = {
    HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate",),
    HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After",),
    HTTPStatus.TOO_MANY_REQUESTS: ("Retry-After", *RATE_LIMIT),
}


def describe_success_headers(endpoint: Endpoint[Any]) -> Schema:
    """Return the headers of an endpoint's answers."""
    is_limited = any(isinstance(refusal, errors.RateLimited) for refusal in endpoint.refusals)
    names = [REQUEST_ID, *endpoint.headers, *(RATE_LIMIT if is_limited else ())]
    described = {name: HEADERS[name] for name in names}
    if endpoint.takes_key:
        described[REPLAYED] = HEADERS[REPLAYED]
    if "Link" in described and "X-Total-Count" not in described:
        described["Link"] = NEXT_LINK
    return described


def describe_refusal_headers(status: HTTPStatus) -> Schema:
    """Return the headers of the refusals with this status."""
    return {name: HEADERS[name] for name in (REQUEST_ID, *OF_REFUSALS.get(status, ()))}
