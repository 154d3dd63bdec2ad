"""Automatic persisted queries as Apollo's and urql's clients use them: the hash alone, then once with the query."""

import json
from dataclasses import replace
from typing import Any

import pytest
from httpx import AsyncClient, Response

from config.settings import Settings
from domain.persisted_query_cache import PersistedQueryCache
from domain.trusted_document import compute_digest

QUERY = "query Kind { __typename }"
GRAPHQL_JSON = "application/graphql-response+json"


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """With the mode of MATINEE_DOCUMENTS that a test asks for."""
    return replace(settings, documents=getattr(request, "param", settings.documents))


def persisted(text: str = QUERY) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": compute_digest(text)}}


async def post(client: AsyncClient, *, accept: str = "*/*", **body: Any) -> Response:
    return await client.post("/graphql", json=body, headers={"Accept": accept})


@pytest.mark.parametrize("settings", ["automatic", "log"], indirect=True)
@pytest.mark.parametrize("accept", ["*/*", f"{GRAPHQL_JSON}, application/json;q=0.9"])
async def test_asks_for_query_of_unknown_hash_and_runs_hash_alone_afterwards(client: AsyncClient, accept: str) -> None:
    unknown = await post(client, accept=accept, extensions=persisted(), operationName="Kind")
    assert unknown.status_code == 200
    assert unknown.headers["cache-control"] == "no-store"
    assert unknown.json() == {
        "errors": [{"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}]
    }
    for members in ({"query": QUERY}, {}, {"query": ""}, {"query": None}):
        answer = await post(client, accept=accept, extensions=persisted(), operationName="Kind", **members)
        assert answer.json()["data"] == {"__typename": "Query"}
    by_get = await client.get("/graphql", params={"extensions": json.dumps(persisted()), "operationName": "Kind"})
    assert by_get.json()["data"] == {"__typename": "Query"}


@pytest.mark.parametrize("settings", ["off", "enforce"], indirect=True)
async def test_supports_no_persisted_queries_where_documents_are_off_or_enforced(client: AsyncClient) -> None:
    await post(client, query=QUERY, extensions=persisted())
    refused = await post(client, extensions=persisted())
    assert refused.status_code == 200
    assert refused.json() == {
        "errors": [{"message": "PersistedQueryNotSupported", "extensions": {"code": "PERSISTED_QUERY_NOT_SUPPORTED"}}]
    }


async def test_remembers_no_query_under_hash_of_another(client: AsyncClient) -> None:
    refused = await post(client, query=QUERY, extensions=persisted("{ viewer { id } }"))
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (400, "INVALID_INPUT")
    unknown = await post(client, extensions=persisted("{ viewer { id } }"))
    assert unknown.json()["errors"][0]["message"] == "PersistedQueryNotFound"


def test_forgets_query_that_was_not_asked_for_longest() -> None:
    cache = PersistedQueryCache(room=25, longest=10)
    for digest_ in ("a", "b"):
        cache.remember(digest_, "x" * 10)
    assert cache.find("a") == "x" * 10
    cache.remember("c", "y" * 10)
    cache.remember("d", "z" * 11)
    assert [cache.find(each) for each in "abcd"] == ["x" * 10, None, "y" * 10, None]
