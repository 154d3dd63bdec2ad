"""Every refusal has one status, and the headers that go with it."""

from string import Formatter
from typing import Any

import orjson
import pytest

import errors
from errors import Refusal
from rest.error_format import find_status, render_faults

WORDS: dict[str, Any] = {
    "field": "email",
    "problem": "is wrong",
    "limit": 5,
    "seconds": 7,
    "cost": 9,
    "kind": "movie",
    "example": "mov_1",
    "accepted": "GET",
    "method": "POST",
    "seats_available": 2,
    "held": 3,
    "seats": 2,
    "reference": "r1",
    "whom": "staff",
    "found": 51,
    "what": "aliases in one operation",
    "variable": "MATINEE_LIMIT_ALIASES",
}


def raised(leaf: type[Refusal]) -> Refusal:
    """Return a refusal with the words that its message asks for."""
    asked = [name for _, name, _, _ in Formatter().parse(leaf.message) if name]
    return leaf(**{name: WORDS[name] for name in asked})


# The statuses that each kind may have by the contract (docs/contract/README.md).
STATUSES_BY_KIND: dict[type[Refusal], set[int]] = {
    errors.Invalid: {422, 401},
    errors.Malformed: {400, 404, 405, 406, 413, 415},
    errors.NotFound: {404},
    errors.Conflict: {409, 410, 422},
    errors.Barred: {401, 403, 429},
    errors.Failure: {500, 503},
}


@pytest.mark.parametrize("leaf", errors.list_leaves(), ids=lambda leaf: leaf.__name__)
def test_every_refusal_is_answered_with_its_code_its_message_and_a_status_of_its_kind(leaf: type[Refusal]) -> None:
    refusal = raised(leaf)
    response = render_faults(refusal)

    assert orjson.loads(response.body) == {"errors": [{"code": leaf.code.lower(), "message": str(refusal)}]}
    assert response.status_code in STATUSES_BY_KIND[leaf.__bases__[0]]


@pytest.mark.parametrize("path", ["/events/", "/reservations/", "/api/book-ticket"])
@pytest.mark.parametrize("leaf", errors.list_leaves(), ids=lambda leaf: leaf.__name__)
def test_every_refusal_can_be_answered_in_the_shape_of_each_surface(leaf: type[Refusal], path: str) -> None:
    response = render_faults(raised(leaf), path=path)
    body = orjson.loads(response.body)

    assert 400 <= response.status_code < 600
    assert "errors" not in body
    texts = [body["message"]] if path.startswith("/api/") else [text for value in body.values() for text in flat(value)]
    assert texts
    assert all(isinstance(text, str) and text.strip() for text in texts)
    assert not any(word in text for text in texts for word in ("{", "}"))


def flat(value: str | list[str]) -> list[str]:
    """Return the texts of a field, of which some surfaces have one and others a list."""
    return [value] if isinstance(value, str) else value


@pytest.mark.parametrize(
    ("leaf", "status"),
    [
        (errors.InvalidEmail, 422),
        (errors.InvalidCredentials, 401),
        (errors.MalformedJson, 400),
        (errors.UnsupportedMediaType, 415),
        (errors.PayloadTooLarge, 413),
        (errors.MethodNotAllowed, 405),
        (errors.RouteNotFound, 404),
        (errors.SessionNotFound, 404),
        (errors.SeatsUnavailable, 409),
        (errors.ExportGone, 410),
        (errors.IdempotencyKeyReused, 422),
        (errors.Unauthenticated, 401),
        (errors.Forbidden, 403),
        (errors.RateLimited, 429),
        (errors.UpstreamUnavailable, 503),
        (errors.Unavailable, 503),
        (errors.Internal, 500),
    ],
)
def test_status_matches_the_contract(leaf: type[Refusal], status: int) -> None:
    assert find_status(leaf) == status


@pytest.mark.parametrize("leaf", [errors.Unauthenticated, errors.InvalidCredentials])
def test_401_carries_www_authenticate(leaf: type[Refusal]) -> None:
    assert render_faults(raised(leaf)).headers["www-authenticate"] == "Bearer"


def test_rate_limited_answer_has_retry_after() -> None:
    assert render_faults(errors.RateLimited(seconds=7)).headers["retry-after"] == "7"
