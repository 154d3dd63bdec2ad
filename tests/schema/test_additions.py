"""Fields that clients asked for: genres to choose from, all sessions, an event's start and the currency of prices."""

from dataclasses import replace
from datetime import timedelta

import pytest

from config.settings import Settings
from db import ids
from db.engine import Database
from domain import instants
from tests.support.factories import make_movie, make_session
from tests.support.graphql_client import GraphQL
from tests.support.ticketing import make_event

SESSIONS = """query ($placeId: ID, $movieId: ID, $from: DateTime, $to: DateTime, $first: Int, $after: String) {
    sessions(placeId: $placeId, movieId: $movieId, from: $from, to: $to, first: $first, after: $after) {
        totalCount nodes { id } pageInfo { hasNextPage endCursor }
    }
}"""
MOVIES = "query ($filter: MovieFilter) { movies(filter: $filter) { totalCount nodes { title } } }"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With a currency of its own."""
    return replace(settings, currency="CHF")


async def test_lists_genres_of_all_movies_once_each_in_order(graphql: GraphQL, database: Database) -> None:
    for genres in (["Drama", "Comedy"], ["Drama"], []):
        await make_movie(database, genres=genres)
    assert (await graphql("{ genres again: genres }")).data == {
        "genres": ["Comedy", "Drama"],
        "again": ["Comedy", "Drama"],
    }


async def test_filters_movies_by_any_of_several_genres(graphql: GraphQL, database: Database) -> None:
    for title, genres in (("A", ["Drama", "Comedy"]), ("B", ["Western"]), ("C", ["Horror"]), ("D", [])):
        await make_movie(database, title=title, genres=genres)

    async def titles(**only: object) -> set[str]:
        movies = (await graphql(MOVIES, {"filter": only})).data["movies"]
        assert movies["totalCount"] == len(movies["nodes"])
        return {node["title"] for node in movies["nodes"]}

    assert await titles(genres=["Comedy", "Western", "Comedy"]) == {"A", "B"}
    assert await titles(genres=["Comedy", "Western"], genre="Drama") == {"A"}
    assert await titles(genres=[]) == {"A", "B", "C", "D"}
    refused = await graphql(MOVIES, {"filter": {"genres": ["x"] * 21}})
    assert refused.codes == ["INVALID_INPUT"]


async def test_lists_sessions_of_place_movie_and_span_latest_first(graphql: GraphQL, database: Database) -> None:
    made = [await make_session(database) for _ in range(3)]
    found = [
        ids.encode("ses", each.id) for each in sorted(made, key=lambda each: (each.starts_at, each.id), reverse=True)
    ]

    async def listed(**arguments: object) -> list[str]:
        page = (await graphql(SESSIONS, arguments)).data["sessions"]
        return [node["id"] for node in page["nodes"]]

    assert await listed() == found
    one = made[0]
    own = [ids.encode("ses", one.id)]
    assert await listed(placeId=ids.encode("plc", one.place_id)) == own
    assert await listed(movieId=ids.encode("mov", one.movie_id)) == own
    start = instants.spell(max(each.starts_at for each in made) + timedelta(seconds=1))
    assert await listed(**{"from": start}) == []
    assert set(await listed(to=start)) == set(found)
    first = (await graphql(SESSIONS, {"first": 2})).data["sessions"]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (3, True)
    assert await listed(after=first["pageInfo"]["endCursor"]) == found[2:]
    refused = await graphql(SESSIONS, {"placeId": "mov_1"})
    assert (refused.codes, refused.response.json()["data"]) == (["INVALID_ID"], {"sessions": None})


async def test_event_has_its_start_under_the_name_that_sessions_use(graphql: GraphQL, database: Database) -> None:
    event = await make_event(database)
    document = "query ($id: ID!) { event(id: $id) { date startsAt } }"
    found = (await graphql(document, {"id": ids.encode("evt", event.id)})).data["event"]
    assert found["startsAt"] == found["date"] == instants.spell(event.date)
    # Introspection lists no deprecated field unless it is asked to. `date` is what inputs and REST call it, too, and stays.
    shown = (await graphql('{ __type(name: "Event") { fields { name } } }')).data["__type"]["fields"]
    assert {"date", "startsAt"} <= {each["name"] for each in shown}
