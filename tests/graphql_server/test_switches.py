"""What a production server keeps to itself: its schema, GraphiQL and hints at names; and how they are switched on."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

import pytest
from httpx import ASGITransport, AsyncClient
from starlette.types import Receive, Scope, Send

from app import create_app
from config.settings import Settings

GRAPHQL_JSON: Final = "application/graphql-response+json"
BROWSER: Final = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
INTROSPECTS: Final = {
    "the schema": "{ __schema { queryType { name } } }",
    "a type": '{ __type(name: "Movie") { fields { name } } }',
    "under another name": "{ harmless: __schema { types { name } } }",
    "in a fragment": "{ ...A } fragment A on Query { ...B } fragment B on Query { __schema { directives { name } } }",
    "in a fragment of its own": "{ ... on Query { ... @include(if: true) { __schema { directives { name } } } } }",
    "in an operation that does not run": "query Runs { __typename } query Not { __schema { directives { name } } }",
}
# Every kind of mistake that graphql-core has a suggestion for.
MISTAKES: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "field": ("{ moviez { totalCount } }", {}),
    "field of a type behind an interface": ('{ node(id: "mov_1") { title } }', {}),
    "field without a selection": ("{ movies { nodes } }", {}),
    "dots": ("{ ..x }", {}),
    "number without its zero": ("{ movies(first: .5) { totalCount } }", {}),
    "quotes": ("{ movie(id: 'x') { id } }", {}),
    "argument": ("{ movies(frist: 1) { totalCount } }", {}),
    "argument of a directive": ("{ __typename @include(fi: true) }", {}),
    "type": ("query ($a: MovieSotr) { movies(sort: $a) { totalCount } }", {}),
    "enum value": ("{ movies(sort: RATIN) { totalCount } }", {}),
    "enum value in quotes": ('{ movies(sort: "RATING") { totalCount } }', {}),
    "field of an input": ('{ movies(filter: {genr: "Drama"}) { totalCount } }', {}),
    "enum value in a variable": ("query ($a: MovieSort) { movies(sort: $a) { totalCount } }", {"a": "RATIN"}),
    "field of an input in a variable": (
        "query ($a: MovieFilter) { movies(filter: $a) { totalCount } }",
        {"a": {"genr": "Drama"}},
    ),
}


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[AsyncClient]:
    app = create_app(settings, with_jobs=False)
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        async with AsyncClient(transport=ASGITransport(with_state), base_url="http://cinema.local") as client:
            yield client


@pytest.fixture
def production(settings: Settings) -> Settings:
    return replace(settings, environment="production")


async def asked(settings: Settings, query: str, **more: object) -> tuple[int, dict[str, Any]]:
    async with served(settings) as client:
        response = await client.post("/graphql", json={"query": query, **more}, headers={"Accept": GRAPHQL_JSON})
    return response.status_code, response.json()


# Introspection


@pytest.mark.parametrize("query", INTROSPECTS.values(), ids=INTROSPECTS)
async def test_no_document_gets_the_schema_in_production(production: Settings, query: str) -> None:
    status, body = await asked(production, query, operationName="Runs" if "Runs" in query else None)
    (error,) = body["errors"]
    assert (status, error["extensions"]["code"]) == (400, "INVALID_INPUT")
    assert "Introspection is switched off" in error["message"]
    assert "data" not in body


async def test_the_name_of_a_type_is_no_introspection(production: Settings) -> None:
    status, answer = await asked(production, "{ __typename }")
    assert (status, answer["data"]) == (200, {"__typename": "Query"})


async def test_a_document_known_from_a_server_that_tells_is_refused_by_one_that_does_not(
    settings: Settings, production: Settings
) -> None:
    query = INTROSPECTS["the schema"]
    for _ in range(2):
        assert (await asked(settings, query))[0] == 200
        assert (await asked(production, query))[0] == 400


async def test_introspection_is_switched_on_and_off_whatever_the_environment(
    settings: Settings, production: Settings
) -> None:
    query = INTROSPECTS["a type"]
    assert (await asked(replace(production, introspection=True), query))[0] == 200
    assert (await asked(replace(settings, introspection=False), query))[0] == 400


# GraphiQL


@pytest.mark.parametrize("accept", [BROWSER, "text/html"])
async def test_a_browser_gets_json_where_graphiql_is_off(production: Settings, accept: str) -> None:
    async with served(production) as client:
        response = await client.get("/graphql", headers={"Accept": accept})
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (406, "NOT_ACCEPTABLE")
    assert response.headers["content-type"].startswith("application/json")


async def test_a_link_with_a_query_is_answered_where_graphiql_is_off(production: Settings) -> None:
    async with served(production) as client:
        response = await client.get("/graphql", params={"query": "{ __typename }"}, headers={"Accept": BROWSER})
    assert response.json()["data"] == {"__typename": "Query"}


async def test_graphiql_is_switched_on_and_off_whatever_the_environment(
    settings: Settings, production: Settings
) -> None:
    for told, kind in ((replace(production, graphiql=True), "text/html"), (replace(settings, graphiql=False), "json")):
        async with served(told) as client:
            response = await client.get("/graphql", headers={"Accept": BROWSER})
        assert kind in response.headers["content-type"]


# Hints


@pytest.mark.parametrize(("query", "variables"), MISTAKES.values(), ids=MISTAKES)
async def test_a_mistake_hints_at_a_name_in_development_alone(
    settings: Settings, production: Settings, query: str, variables: dict[str, Any]
) -> None:
    messages = []
    for told in (settings, replace(settings, introspection=False), production, replace(production, introspection=True)):
        _, body = await asked(told, query, variables=variables)
        messages.append(body["errors"][0]["message"])
    hinted, *plain = messages
    assert " did you mean " in hinted.lower()
    assert len(set(plain)) == 1
    assert "did you mean" not in plain[0].lower()
    # What is wrong is still said.
    assert len(plain[0]) > 20
    assert hinted.startswith(plain[0][:20])
