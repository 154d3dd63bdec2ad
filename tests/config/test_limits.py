"""The limits of bodies and of ids are what the settings say, at every door."""

from dataclasses import replace

import pytest
from httpx import AsyncClient

from config.limits import RequestLimits
from config.settings import Settings

SIGN_UP = {"MATINEE_LIMIT_SIGN_UP": "5/minute"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, limits=replace(settings.limits, body_bytes=600, ids=2, json_depth=3, tokens=30, depth=3))


@pytest.mark.parametrize("path", ["/graphql", "/v1/auth/signin"])
@pytest.mark.parametrize(("length", "is_refused"), [(600, False), (601, True)])
async def test_refuses_body_above_limit_of_bytes(
    client: AsyncClient, path: str, length: int, *, is_refused: bool
) -> None:
    response = await client.post(path, content=b"{}".ljust(length), headers={"Content-Type": "application/json"})
    assert (response.status_code == 413) == is_refused
    assert ("larger than 600 bytes" in response.text) == is_refused


@pytest.mark.parametrize("path", ["/graphql", "/v1/auth/signin"])
@pytest.mark.parametrize(("text", "is_refused"), [('{"a": [[]]}', False), ('{"a": [[[]]]}', True)])
async def test_refuses_body_above_limit_of_depth(
    client: AsyncClient, path: str, text: str, *, is_refused: bool
) -> None:
    response = await client.post(path, content=text, headers={"Content-Type": "application/json"})
    assert ("more than 3 lists and objects are within each other" in response.text) == is_refused


@pytest.mark.parametrize("ids", [["mov_1", "mov_2"], ["mov_1", "mov_2", "mov_3"]])
async def test_refuses_nodes_above_limit_of_ids(client: AsyncClient, ids: list[str]) -> None:
    body = {"query": "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", "variables": {"ids": ids}}
    answer = (await client.post("/graphql", json=body)).json()
    if len(ids) == 2:
        assert answer["data"] == {"nodes": [None, None]}
    else:
        (error,) = answer["errors"]
        assert (error["extensions"]["code"], error["message"]) == ("INVALID_INPUT", "`ids` must be at most 2.")


@pytest.mark.parametrize(
    ("query", "variable"),
    [("{" + " __typename" * 9 + "}", None), ("{" + " x __typename" * 15 + "}", "TOKENS"), ("{a{b{c{d}}}}", "DEPTH")],
)
async def test_refuses_document_above_each_limit(client: AsyncClient, query: str, variable: str | None) -> None:
    message = (
        (await client.post("/graphql", json={"query": query})).json().get("errors", [{"message": ""}])[0]["message"]
    )
    assert ("MATINEE_LIMIT_" in message) == bool(variable)
    assert f"(MATINEE_LIMIT_{variable})" in message or variable is None


@pytest.mark.parametrize(
    ("told", "is_limited"),
    [({}, True), ({"MATINEE_LIMIT_SIGN_IN": "off"}, False), ({"MATINEE_LIMIT_SIGN_IN": "off"} | SIGN_UP, True)],
)
def test_sign_ups_are_unlimited_when_sign_ins_are(told: dict[str, str], *, is_limited: bool) -> None:
    assert (RequestLimits.from_env(told).sign_up is not None) == is_limited
