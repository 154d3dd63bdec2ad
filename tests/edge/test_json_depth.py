"""How deep JSON is nested, at every door."""

import orjson
import pytest
from httpx import AsyncClient

from edge.json_depth import is_deeper

VALUES = {
    "1": 0,
    '"[[[["': 0,
    "[]": 1,
    "{}": 1,
    "[[], [], [], []]": 2,
    '{"a": [1, {"b": 2}], "c": []}': 3,
    '{"a": "{{{{{", "b": [[]]}': 3,
}


@pytest.mark.parametrize(("text", "depth"), VALUES.items())
def test_counts_lists_and_objects_within_each_other(text: str, depth: int) -> None:
    value = orjson.loads(text)
    assert not is_deeper(value, depth)
    assert not depth or is_deeper(value, depth - 1)


def nested(levels: int) -> bytes:
    """Return an object that holds so many lists, one in the other."""
    return b'{"email": ' + b"[" * levels + b"]" * levels + b', "password": "x"}'


@pytest.mark.parametrize(("levels", "status"), [(31, 422), (32, 400), (900, 400), (5_000, 400), (500_000, 400)])
async def test_rest_refuses_a_body_that_is_too_deep(client: AsyncClient, levels: int, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    response = await client.post("/v1/auth/signin", content=nested(levels), headers=headers)
    assert response.status_code == status
    assert (response.json()["errors"][0]["code"] == "malformed_json") == (status == 400)


@pytest.mark.parametrize(("levels", "code"), [(30, "INVALID_INPUT"), (31, "MALFORMED_JSON"), (5_000, "MALFORMED_JSON")])
async def test_graphql_refuses_variables_that_are_too_deep(client: AsyncClient, levels: int, code: str) -> None:
    body = (
        b'{"query": "query ($id: ID!) { movie(id: $id) { id } }", "variables": {"id": '
        + b"[" * levels
        + b"]" * levels
        + b"}}"
    )
    headers = {"Content-Type": "application/json", "Accept": "application/graphql-response+json"}
    response = await client.post("/graphql", content=body, headers=headers)
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == code


async def test_graphql_refuses_variables_of_an_address_that_are_too_deep(client: AsyncClient) -> None:
    parameters = {"query": "{ __typename }", "variables": '{"a": ' + "[" * 40 + "]" * 40 + "}"}
    response = await client.get("/graphql", params=parameters)
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (400, "MALFORMED_JSON")
