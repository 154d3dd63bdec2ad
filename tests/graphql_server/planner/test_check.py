"""A share of planned queries is run on the executor as well, and differences are counted."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from httpx import AsyncClient
from structlog.testing import capture_logs

from app import create_app
from config.settings import Settings
from config.variables import PlannerMode
from db.engine import Database
from resolvers import movies
from tests.conftest import running
from tests.support.factories import make_movie
from tests.support.graphql_client import GraphQL

TITLE = "query Title($id: ID!) { movie(id: $id) { title } }"


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[AsyncClient]:
    """A client of a server that runs all planned queries on both."""
    mode = PlannerMode(is_on=True, checked_share=1.0)
    async with running(create_app(replace(settings, planner=mode), with_jobs=False)) as opened:
        yield opened


async def outcomes(client: AsyncClient) -> dict[str, float]:
    """Return how often the two were equal and different."""
    lines = (await client.get("/metrics")).text.splitlines()
    return {
        outcome: float(line.rpartition(" ")[2])
        for outcome in ("equal", "different")
        for line in lines
        if line.startswith(f'matinee_planner_checks_total{{outcome="{outcome}"}}')
    }


async def test_counts_answers_that_are_equal(client: AsyncClient, graphql: GraphQL, database: Database) -> None:
    movie = await make_movie(database)
    assert await outcomes(client) == {"equal": 0, "different": 0}
    assert (await graphql(TITLE, {"id": f"mov_{movie.id}"})).data == {"movie": {"title": movie.title}}
    assert (await graphql(TITLE, {"id": "mov_1"})).data == {"movie": None}
    assert await outcomes(client) == {"equal": 2, "different": 0}


async def test_counts_and_logs_answers_that_differ(
    client: AsyncClient, graphql: GraphQL, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def found_nothing(*_: Any) -> None:
        return None

    movie = await make_movie(database)
    monkeypatch.setattr(movies, "movie_by_id", found_nothing)
    with capture_logs() as lines:
        assert (await graphql(TITLE, {"id": f"mov_{movie.id}"})).data == {"movie": {"title": movie.title}}
    assert await outcomes(client) == {"equal": 0, "different": 1}
    (line,) = [line for line in lines if line["event"] == "a plan and the executor differ"]
    assert line["document"].startswith("sha256:")


async def test_a_change_between_the_two_is_no_difference(
    client: AsyncClient, graphql: GraphQL, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    movie = await make_movie(database)
    find = movies.movie_by_id

    async def changed_first(*given: Any) -> Any:  # noqa: ANN401 - as it is
        renaming = "UPDATE movies SET title = 'New' WHERE id = %(id)s RETURNING 1"
        await database.primary.value(renaming, id=movie.id)
        return await find(*given)

    monkeypatch.setattr(movies, "movie_by_id", changed_first)
    assert (await graphql(TITLE, {"id": f"mov_{movie.id}"})).data == {"movie": {"title": movie.title}}
    assert await outcomes(client) == {"equal": 1, "different": 0}


async def test_a_check_costs_the_caller_nothing(client: AsyncClient, graphql: GraphQL, database: Database) -> None:
    movie = await make_movie(database)
    answer = await graphql(TITLE, {"id": f"mov_{movie.id}"})
    assert answer.response.json()["extensions"]["cost"]["requested"] == 2
    text = (await client.get("/metrics")).text
    assert 'matinee_graphql_field_requests_total{deprecated="false",field="title",type="Movie"} 1.0' in text
