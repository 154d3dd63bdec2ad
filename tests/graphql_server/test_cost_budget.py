"""What operations cost their callers: told with every answer, refused before anything runs."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from httpx import AsyncClient, Response

from config.settings import Settings
from db.engine import Database
from runtime.rate_limits import Rate
from tests.support.factories import bearer, make_user
from tests.support.statements import Statements

# A page of ten movies: 1 + 1 + 10.
PAGE = "query Page { movies(first: 10) { nodes { id } } }"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, limits=replace(settings.limits, cost=Rate(30, 60), operation_cost=25))


async def ask(client: AsyncClient, query: str, headers: dict[str, str] | None = None) -> Response:
    return await client.post("/graphql", json={"query": query}, headers=headers or {})


def told(response: Response) -> Any:  # noqa: ANN401 - JSON
    return response.json()["extensions"]["cost"]


async def test_each_answer_tells_what_it_cost_and_what_is_left(client: AsyncClient) -> None:
    first, second = [await ask(client, PAGE) for _ in range(2)]
    assert told(first) == {"requested": 12, "operationLimit": 25, "limit": 30, "remaining": 18, "resetSeconds": 60}
    assert told(second)["remaining"] == 6
    assert first.headers["ratelimit-policy"] == '"cost";q=30;w=60'
    assert first.headers["ratelimit"] == '"cost";r=18;t=60'


async def test_an_operation_that_is_more_than_is_left_does_not_run(client: AsyncClient, statements: Statements) -> None:
    for _ in range(2):
        await ask(client, PAGE)
    statements.clear()
    for accept in ("application/json", "application/graphql-response+json"):
        refused = await ask(client, PAGE, {"Accept": accept})
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "60"
        assert refused.headers["ratelimit"] == '"cost";r=6;t=60'
        assert refused.json() == {
            "errors": [
                {"message": "Too many requests. Try again in 60 seconds.", "extensions": {"code": "RATE_LIMITED"}}
            ]
        }
    assert not statements
    # What was refused was not counted, so a small one still is to be had.
    assert (await ask(client, "{ __typename }")).status_code == 200


async def test_an_operation_over_the_limit_of_one_does_not_run_and_costs_nothing(
    client: AsyncClient, statements: Statements
) -> None:
    statements.clear()
    refused = await ask(client, "{ movies(first: 30) { nodes { id } } }")
    assert refused.json()["errors"][0]["extensions"] == {"code": "QUERY_TOO_COSTLY"}
    assert "32 points of cost in one operation, and 25 is the most (MATINEE_LIMIT_OPERATION_COST)" in refused.text
    assert not statements
    assert told(await ask(client, "{ __typename }"))["remaining"] == 29


async def test_each_user_has_a_budget_and_so_has_each_address(client: AsyncClient, database: Database) -> None:
    users = [await make_user(database) for _ in range(2)]
    left = [told(await ask(client, PAGE, headers))["remaining"] for headers in ({}, *map(bearer, users), {})]
    assert left == [18, 18, 18, 6]


async def test_a_document_that_does_not_validate_costs_nothing(client: AsyncClient) -> None:
    refused = await ask(client, "{ nothing }")
    assert "ratelimit" not in refused.headers
    assert told(await ask(client, PAGE))["remaining"] == 18


async def test_the_operation_that_is_named_is_what_counts(client: AsyncClient) -> None:
    body = {"query": f"{PAGE} query Little {{ __typename }}", "operationName": "Little"}
    assert told(await client.post("/graphql", json=body))["requested"] == 1


async def test_requests_at_once_do_not_take_more_than_there_is(client: AsyncClient) -> None:
    answers = await asyncio.gather(*(ask(client, PAGE) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] * 2 + [429] * 8


async def test_a_subscription_and_a_mutation_are_worked_out_as_queries_are(client: AsyncClient) -> None:
    answer = await ask(
        client, "mutation { a: resetRequestCount { requestCount } b: resetRequestCount { requestCount } }"
    )
    assert answer.headers["ratelimit"] == '"cost";r=7;t=60'
