"""What any body at /v1 may be sent as, and what nobody should send."""

import pytest
from httpx import AsyncClient

from db.engine import Database
from tests.support.answers import codes, message
from tests.support.factories import PASSWORD, bearer, make_booking, make_movie, make_user

JSON = {"Content-Type": "application/json"}
WITH_BODY = [
    "/v1/auth/signup",
    "/v1/auth/signin",
    "/v1/analytics/track",
    "/v1/movies/mov_1/rate",
    "/v1/bookings/bok_1/reserve",
]
WITHOUT_BODY = ["/v1/sessions/ses_1/book", "/v1/bookings/bok_1/confirm", "/v1/bookings/bok_1/cancel"]
UNREADABLE = {
    "empty": b"",
    "spaces": b"  \n",
    "cut off": b'{"value": 3',
    "words": b"value=3",
    "two": b"{} {}",
    "comma": b'{"value": 3,}',
    "quotes": b"{'value': 3}",
    "not a number": b'{"value": NaN}',
    "infinite": b'{"value": Infinity}',
    "latin-1": '{"value": "é"}'.encode("latin-1"),
    "not UTF-8": b'{"value": "\xff"}',
    "deep": b"[" * 900 + b"]" * 900,
    "utf-16": '{"value": 3}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"value": 3}',
    "half a surrogate": b'{"value": "\\ud800"}',
    "surrogate in UTF-8": b'{"value": "\xed\xa0\x80"}',
    "raw NUL": b'{"value": "\x00"}',
    "very deep": b'{"value": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.fixture
async def headers(database: Database) -> dict[str, str]:
    """Who asks, and how the body is sent."""
    return JSON | bearer(await make_user(database))


@pytest.mark.parametrize("path", WITH_BODY)
@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
async def test_refuses_unreadable_body_as_malformed(
    client: AsyncClient, headers: dict[str, str], path: str, content: bytes
) -> None:
    response = await client.post(path, content=content, headers=headers)

    assert response.status_code == 400
    assert codes(response) == ["malformed_json"]


@pytest.mark.parametrize("path", [*WITH_BODY, *WITHOUT_BODY])
@pytest.mark.parametrize("content", [b"[]", b"null", b"3", b'"text"', b"true", b"[{}]"])
async def test_refuses_body_that_is_not_an_object(
    client: AsyncClient, headers: dict[str, str], path: str, content: bytes
) -> None:
    response = await client.post(path, content=content, headers=headers)

    assert response.status_code == 422
    assert codes(response) == ["invalid_input"]
    assert message(response) == "`body` must be a JSON object."


@pytest.mark.parametrize("path", [*WITH_BODY, *WITHOUT_BODY])
async def test_refuses_unknown_fields(client: AsyncClient, headers: dict[str, str], path: str) -> None:
    response = await client.post(path, content=b'{"one": 1, "tw\\u0000o": {}}', headers=headers)

    assert response.status_code == 422
    assert codes(response).count("unknown_field") == 2


@pytest.mark.parametrize("path", [*WITH_BODY, *WITHOUT_BODY])
@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/xml",
        "application/problem+json",
        "application/jsonx",
        "json",
        "",
        "multipart/form-data; boundary=x",
    ],
)
async def test_refuses_other_content_types(client: AsyncClient, headers: dict[str, str], path: str, kind: str) -> None:
    response = await client.post(path, content=b'{"value": 3}', headers=headers | {"Content-Type": kind})

    assert response.status_code == 415
    assert codes(response) == ["unsupported_media_type"]


@pytest.mark.parametrize("path", [*WITH_BODY, *WITHOUT_BODY])
async def test_refuses_body_without_content_type(client: AsyncClient, headers: dict[str, str], path: str) -> None:
    del headers["Content-Type"]
    response = await client.post(path, content=b'{"value": 3}', headers=headers)

    assert response.status_code == 415


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/json ;a=b"])
async def test_accepts_content_type_with_parameters(client: AsyncClient, kind: str) -> None:
    body = f'{{"email": "ada@example.org", "password": "{PASSWORD}"}}'
    response = await client.post("/v1/auth/signup", content=body.encode(), headers={"Content-Type": kind})

    assert response.status_code == 201


@pytest.mark.parametrize("verb", ["confirm", "cancel"])
@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"", None), (b"", "application/json"), (b"", "text/plain"), (b" \n", None), (b"{}", "application/json")],
)
async def test_accepts_empty_body_where_no_field_is_needed(
    client: AsyncClient, database: Database, verb: str, content: bytes, kind: str | None
) -> None:
    user = await make_user(database)
    booking = await make_booking(database, user=user, seats=1)
    sent = bearer(user) | ({"Content-Type": kind} if kind else {})
    response = await client.post(f"/v1/bookings/bok_{booking.id}/{verb}", content=content, headers=sent)

    assert response.status_code == 200


async def test_refuses_body_over_one_mebibyte(client: AsyncClient) -> None:
    body = b'{"email": "' + b"a" * 1024 * 1024 + b'"}'
    response = await client.post("/v1/auth/signup", content=body, headers=JSON)

    assert response.status_code == 413
    assert codes(response) == ["payload_too_large"]


async def test_bounds_the_number_of_reported_faults(client: AsyncClient) -> None:
    body = b"{" + b",".join(b'"%d": 1' % number for number in range(80_000)) + b"}"
    many = await client.post("/v1/auth/signin", content=body, headers=JSON)
    long = await client.post("/v1/auth/signin", json={"x" * 500_000: 1})

    assert many.status_code == long.status_code == 422
    assert len(many.content) < 10_000
    assert len(long.content) < 10_000


@pytest.mark.parametrize("key", ["__proto__", "é", "{field}", "a.b", "", "\u202e", "%s"])
async def test_names_of_fields_are_only_names(client: AsyncClient, key: str) -> None:
    response = await client.post("/v1/auth/signin", json={"email": "a", "password": "b", key: 1})

    assert response.status_code == 422
    assert codes(response) == ["unknown_field"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/auth/signup", "POST"),
        ("DELETE", "/v1/auth/signin", "POST"),
        ("PUT", "/v1/analytics/track", "POST"),
        ("POST", "/v1/movies", "GET, HEAD"),
        ("PATCH", "/v1/movies/mov_1", "GET, HEAD"),
        ("POST", "/v1/movies/mov_1/places", "GET, HEAD"),
        ("DELETE", "/v1/movies/mov_1/places/plc_1/sessions/", "GET, HEAD"),
        ("GET", "/v1/movies/mov_1/rate", "POST"),
        ("GET", "/v1/sessions/ses_1/book", "POST"),
        ("GET", "/v1/bookings/bok_1/reserve/", "POST"),
        ("GET", "/v1/bookings/bok_1/confirm", "POST"),
        ("GET", "/v1/bookings/bok_1/cancel", "POST"),
        ("POST", "/v1/bookings/", "GET, HEAD"),
        ("BREW", "/v1/movies", "GET, HEAD"),
    ],
)
async def test_405_lists_the_allowed_methods(client: AsyncClient, method: str, path: str, allowed: str) -> None:
    response = await client.request(method, path)

    assert response.status_code == 405
    assert response.headers["allow"] == allowed
    assert codes(response) == ["method_not_allowed"]


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/", "/v1/movie", "/v1/movies/a/b/c", "/v1/sessions/ses_1/seats", "/v2/movies"]
)
async def test_answers_404_for_unknown_path(client: AsyncClient, path: str) -> None:
    response = await client.get(path)

    assert response.status_code == 404
    assert codes(response) == ["route_not_found"]


@pytest.mark.parametrize("path", ["/v1/movies/", "/v1/movies/mov_{movie}/", "/v1/movies/mov_{movie}/places/"])
async def test_trailing_slash_is_not_redirected(client: AsyncClient, database: Database, path: str) -> None:
    movie = await make_movie(database)
    response = await client.get(path.format(movie=movie.id))

    assert response.status_code == 200


async def test_last_of_duplicate_fields_counts(client: AsyncClient, headers: dict[str, str]) -> None:
    response = await client.post("/v1/movies/mov_1/rate", content=b'{"value": "x", "value": 3}', headers=headers)

    assert codes(response) == ["movie_not_found"]
