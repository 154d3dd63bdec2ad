"""Where reads go: the programme to a standby, what is the viewer's own and what a mutation answers to the primary."""

import math
from dataclasses import replace
from typing import Any, cast

import pytest
from sqlalchemy import make_url

from config.settings import Settings
from db import standby_watch
from db.engine import Database, Reader
from db.models import User
from db.pipeline import RawReads
from identity import tokens
from tests.support.factories import make_booking, make_movie, make_place, make_rating, make_user
from tests.support.graphql_client import GraphQL

STANDBY = "the-standby"


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Those of a server with a standby, which here is the primary by another name."""
    # A busy machine must not leave the standby out.
    monkeypatch.setattr(standby_watch, "PATIENCE_SECONDS", 60.0)
    url = make_url(settings.database_url or "").update_query_dict({"application_name": STANDBY})
    return replace(settings, database_read_url=url.render_as_string(hide_password=False))


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where the statements of a request went."""
    seen: list[str] = []
    fetch = Reader.fetch

    async def noted(self: Reader, *given: Any) -> list[Any]:
        seen.append("standby" if STANDBY in str(self.pool.conninfo) else "primary")
        return await fetch(self, *given)

    pipeline = cast("property", vars(Reader)["pipeline"])

    def noted_pipeline(self: Reader) -> RawReads:
        seen.append("standby" if STANDBY in str(self.pool.conninfo) else "primary")
        return cast("RawReads", pipeline.__get__(self))

    # The server reads sign-outs again and again beside its requests.
    monkeypatch.setattr(tokens, "REFRESH_SECONDS", math.inf)
    monkeypatch.setattr(Reader, "fetch", noted)
    monkeypatch.setattr(Reader, "pipeline", property(noted_pipeline))
    return seen


@pytest.fixture
async def user(database: Database) -> User:
    """A user with a booking and a rating, of staff."""
    user = await make_user(database, is_staff=True)
    await make_booking(database, user=user)
    await make_rating(database, user=user)
    return user


PROGRAMME = {
    "lists": "{ movies { totalCount nodes { title } } places { totalCount nodes { name } } }",
    "nested lists": "{ movies { nodes { places { totalCount nodes { name } } sessions { nodes { place { name } } } } } }",
}
OWN = {
    "bookings": "{ viewer { bookings { totalCount nodes { status reservations { seats } } } } }",
    "page views": "{ pageViews { totalCount nodes { path user { email } } } }",
}


@pytest.mark.usefixtures("user")
@pytest.mark.parametrize("document", PROGRAMME.values(), ids=PROGRAMME)
async def test_programme_is_read_from_standby(graphql: GraphQL, sources: list[str], document: str) -> None:
    sources.clear()
    await graphql(document)
    assert set(sources) == {"standby"}


@pytest.mark.parametrize("document", OWN.values(), ids=OWN)
async def test_private_rows_are_read_from_primary(
    graphql: GraphQL, user: User, sources: list[str], document: str
) -> None:
    sources.clear()
    await graphql(document, by=user)
    assert set(sources) == {"primary"}


async def test_free_seats_and_rating_of_viewer_are_read_from_primary(
    graphql: GraphQL, user: User, sources: list[str]
) -> None:
    sources.clear()
    await graphql("{ movies { nodes { viewerRating { value } sessions { nodes { seatsAvailable } } } } }", by=user)
    # One statement reads all of it.
    assert sources == ["primary"]


async def test_rows_missing_on_standby_are_read_from_primary(
    graphql: GraphQL, database: Database, sources: list[str]
) -> None:
    movie = await make_movie(database)
    sources.clear()
    document = "query ($id: ID!) { movie(id: $id) { title } }"
    assert (await graphql(document, {"id": f"mov_{movie.id}"})).data["movie"]["title"] == movie.title
    assert sources == ["standby"]
    assert (await graphql(document, {"id": "mov_1"})).data == {"movie": None}
    # The planned statement, then the executor's by both.
    assert sources == ["standby", "standby", "standby", "primary"]


async def test_answer_of_mutation_is_read_from_primary(
    database: Database, graphql: GraphQL, user: User, sources: list[str]
) -> None:
    movie, place = await make_movie(database), await make_place(database)
    document = """mutation ($movie: ID!, $place: ID!) {
        scheduleSession(input: {movieId: $movie, placeId: $place, startsAt: "2999-01-01T20:00:00Z"}) {
            session { seatsAvailable movie { places { totalCount nodes { name movies { nodes { title } } } } } }
        }
    }"""
    sources.clear()
    answer = await graphql(document, {"movie": f"mov_{movie.id}", "place": f"plc_{place.id}"}, by=user)
    shown = answer.data["scheduleSession"]["session"]["movie"]["places"]
    assert shown == {"totalCount": 1, "nodes": [{"name": place.name, "movies": {"nodes": [{"title": movie.title}]}}]}
    assert set(sources) == {"primary"}
    assert len(sources) == 6
