"""POST /v1/analytics/track."""

from typing import Any

import pytest
from httpx import AsyncClient

from db.engine import Database
from tests.support.answers import codes, message
from tests.support.factories import bearer, make_user

PATH = "/v1/analytics/track"
SEEN = {"tracking_id": "visitor-1", "type": "page_enter", "page": {"scheme": "https", "path": "/movies"}}
KEPT = "SELECT tracking_id, user_id, type, scheme, path, query FROM page_views"


def with_page(**changed: Any) -> dict[str, Any]:
    return SEEN | {"page": {"scheme": "https", "path": "/movies"} | changed}


@pytest.mark.parametrize("kind", ["page_enter", "page_exit"])
async def test_records_page_view_of_an_anonymous_visitor(client: AsyncClient, database: Database, kind: str) -> None:
    response = await client.post(PATH, json=SEEN | {"type": kind})

    assert response.status_code == 204
    assert response.content == b""
    assert await database.primary.tuples(KEPT) == [("visitor-1", None, kind, "https", "/movies", [])]


async def test_records_page_view_of_the_tokens_user(client: AsyncClient, database: Database) -> None:
    user = await make_user(database)
    response = await client.post(PATH, json=SEEN, headers=bearer(user))

    assert response.status_code == 204
    assert await database.primary.value("SELECT user_id FROM page_views") == user.id


async def test_refuses_bad_token_where_none_is_needed(client: AsyncClient, database: Database) -> None:
    response = await client.post(PATH, json=SEEN, headers={"Authorization": "Bearer not.one.ofours"})

    assert response.status_code == 401
    assert codes(response) == ["unauthenticated"]
    assert await database.primary.tuples(KEPT) == []


async def test_records_every_kind_of_query_value(client: AsyncClient, database: Database) -> None:
    query = {"a": "x", "b": 1, "c": 1.5, "d": True, "e": None, "f": ["y", 2, False, None], "g": []}
    response = await client.post(PATH, json=with_page(query=query))

    assert response.status_code == 204
    assert await database.primary.value("SELECT query FROM page_views") == [
        ["a", "x"],
        ["b", "1"],
        ["c", "1.5"],
        ["d", "true"],
        ["e", ""],
        ["f", "y"],
        ["f", "2"],
        ["f", "false"],
        ["f", ""],
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, ["missing_field"] * 3),
        (SEEN | {"tracking_id": ""}, ["invalid_input"]),
        (SEEN | {"tracking_id": 7}, ["invalid_input"]),
        (SEEN | {"tracking_id": "x" * 256}, ["invalid_input"]),
        (SEEN | {"tracking_id": "x\0"}, ["invalid_input"]),
        (SEEN | {"type": "page_open"}, ["invalid_input"]),
        (SEEN | {"type": "PAGE_ENTER"}, ["invalid_input"]),
        (SEEN | {"type": None}, ["invalid_input"]),
        (SEEN | {"page": "/movies"}, ["invalid_input"]),
        (SEEN | {"page": {}}, ["missing_field", "missing_field"]),
        (SEEN | {"user_id": "usr_1"}, ["unknown_field"]),
        (with_page(host="example.org"), ["unknown_field"]),
        (with_page(scheme=""), ["invalid_input"]),
        (with_page(scheme=1, path=None), ["invalid_input", "invalid_input"]),
        (with_page(path="/x\0"), ["invalid_input"]),
        (with_page(path="/" + "x" * 2048), ["invalid_input"]),
        (with_page(query=None), ["invalid_input"]),
        (with_page(query=[["a", "b"]]), ["invalid_input"]),
        (with_page(query={"a": {"b": 1}, "c": [[1]]}), ["invalid_input", "invalid_input"]),
        (with_page(query={"a\0": 1}), ["invalid_input"]),
        (with_page(query={"a": ["x\0"]}), ["invalid_input"]),
        (with_page(query={"a": ["x"] * 101}), ["invalid_input"]),
        (with_page(query={f"a{n}": 1 for n in range(101)}), ["invalid_input"]),
        (with_page(query={"a": "x" * 2049}), ["invalid_input"]),
        (with_page(query={"a": [1, "x" * 2049]}), ["invalid_input"]),
        (with_page(query={"x" * 2049: 1}), ["invalid_input"]),
    ],
)
async def test_refuses_invalid_page_view(
    client: AsyncClient, database: Database, body: dict[str, Any], expected: list[str]
) -> None:
    response = await client.post(PATH, json=body)

    assert response.status_code == 422
    assert codes(response) == expected
    assert await database.primary.tuples(KEPT) == []


async def test_names_nested_fields_by_path(client: AsyncClient) -> None:
    response = await client.post(PATH, json=with_page(query={"a": {}}))

    assert response.json()["errors"][0]["message"].startswith("`page.query.a` must be a string, a number")


async def test_accepts_the_longest_names_and_values(client: AsyncClient, database: Database) -> None:
    query = {"x" * 2048: "y" * 2048}

    assert (await client.post(PATH, json=with_page(query=query))).status_code == 204
    assert await database.primary.value("SELECT query FROM page_views") == [["x" * 2048, "y" * 2048]]


async def test_message_has_the_allowed_number_of_parameters(client: AsyncClient) -> None:
    response = await client.post(PATH, json=with_page(query={f"a{n}": 1 for n in range(101)}))

    assert message(response) == "`page.query` must have at most 100 items."
