"""Without a database GraphQL says so, in time and with the status that proxies understand."""

from dataclasses import replace

import pytest
from httpx import AsyncClient
from psycopg import OperationalError

from config.settings import Settings
from db.models import User
from edge import browser_session
from tests.support.factories import bearer
from tests.support.lived import lived


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Those of a server whose database nobody listens for."""
    return replace(settings, database_url="postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=1")


@pytest.mark.parametrize(
    "query",
    ['{ movie(id: "mov_1") { id } }', "{ viewer { id } places { nodes { id } } }", '{ nodes(ids: ["mov_1"]) { id } }'],
)
@pytest.mark.alone
async def test_the_whole_request_is_503(client: AsyncClient, query: str) -> None:
    headers = bearer(User(id=1, email="a@example.org", password_hash=""))
    with lived() as spent:
        response = await client.post("/graphql", json={"query": query}, headers=headers)
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert {error["extensions"]["code"] for error in response.json()["errors"]} == {"UNAVAILABLE"}
    assert spent.seconds < 2


async def test_what_needs_no_database_is_answered(client: AsyncClient) -> None:
    response = await client.post("/graphql", json={"query": "{ __typename viewer { id } }"})
    assert response.json()["data"] == {"__typename": "Query", "viewer": None}


async def test_an_anonymous_caller_has_no_fault_of_their_own(client: AsyncClient) -> None:
    response = await client.post("/graphql", json={"query": '{ viewer { id } movie(id: "mov_1") { id } }'})
    assert [error["path"] for error in response.json()["errors"]] == [["movie"]]


async def test_an_answer_with_something_in_it_is_200(client: AsyncClient) -> None:
    response = await client.post("/graphql", json={"query": '{ __typename movie(id: "mov_1") { id } }'})
    assert response.status_code == 200
    assert response.json()["data"] == {"__typename": "Query", "movie": None}


async def test_a_mutation_is_503(client: AsyncClient) -> None:
    mutation = """mutation { signIn(input: {identity: {email: "a@example.org"}, password: "correct horse"}) {
        token errors { code }
    } }"""
    response = await client.post("/graphql", json={"query": mutation})
    assert response.status_code == 503


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json", "text/event-stream"])
async def test_lost_connection_that_no_rule_has_foreseen_is_503_in_shape_of_graphql(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    async def lose_connection(*_: object, **__: object) -> None:
        raise OperationalError

    monkeypatch.setattr(browser_session, "identify_caller", lose_connection)
    response = await client.post(
        "/graphql", json={"query": "{ __typename }"}, headers={"Accept": accept, "Cookie": "a=b"}
    )

    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["UNAVAILABLE"]
