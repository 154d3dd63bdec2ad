"""Numbers that are JSON and yet out of range are refused as such, at every door."""

import orjson
import pytest
from httpx import AsyncClient

TOO_LARGE = {"1e400": b"1e400", "-1e400": b"-1e400", "5,000 digits": b"9" * 5000}
PROBLEM = "must not contain a number beyond the range of a 64-bit float"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("number", TOO_LARGE.values(), ids=TOO_LARGE)
async def test_refuses_number_out_of_range_in_the_shape_of_each_surface(client: AsyncClient, number: bytes) -> None:
    message = f"`body` {PROBLEM}."
    shapes = {
        "/v1/auth/signup": {"errors": [{"code": "invalid_input", "message": message}]},
        "/register/": {"errors": [{"code": "invalid_input", "message": message}]},
        "/events/": {"body": ["Must not contain a number beyond the range of a 64-bit float."]},
        "/api/book-ticket": {"success": False, "message": message},
    }
    for path, expected in shapes.items():
        response = await client.post(path, content=b'{"a": ' + number + b"}", headers=JSON)
        assert (response.status_code, response.json()) == (422, expected), path


@pytest.mark.parametrize("number", TOO_LARGE.values(), ids=TOO_LARGE)
async def test_refuses_number_out_of_range_in_variables(client: AsyncClient, number: bytes) -> None:
    document = b'{"query": "{ __typename }", "variables": {"a": ' + number + b"}}"
    response = await client.post("/graphql", content=document, headers=JSON)
    (error,) = response.json()["errors"]

    assert response.status_code == 400
    assert (error["message"], error["extensions"]["code"]) == (f"`body` {PROBLEM}.", "INVALID_INPUT")


@pytest.mark.parametrize("digits", ["1e308", "9" * 300])
async def test_takes_large_numbers_for_what_they_are(client: AsyncClient, digits: str) -> None:
    body = orjson.dumps({"event_id": "x", "no_of_tickets": 0}).replace(b"0", digits.encode())
    response = await client.post("/reservations/", content=body, headers=JSON)

    assert response.status_code == 422
    assert list(response.json()) == ["no_of_tickets"]
