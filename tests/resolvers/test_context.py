"""What a mutation has changed is what the rest of its document reads; siblings of a query run side by side."""

import asyncio
from dataclasses import replace

import pytest
from psycopg.pq.abc import PGresult

from app import create_app
from config.settings import Settings
from config.variables import PlannerMode
from db.engine import Database
from db.models import User
from db.pipeline import Parameters, PipelinedReads, Statement
from tests.conftest import running
from tests.support.factories import PASSWORD, make_booking, make_movie, make_rating, make_session, make_user
from tests.support.graphql_client import GraphQL


@pytest.fixture
async def user(database: Database) -> User:
    """Who books and rates."""
    return await make_user(database)


async def test_mutation_reads_changes_of_earlier_mutations(database: Database, graphql: GraphQL, user: User) -> None:
    session = await make_session(database)
    one, two = [f"bok_{(await make_booking(database, user=user, session=session)).id}" for _ in range(2)]
    document = """mutation ($one: ID!, $two: ID!) {
        a: reserveSeats(input: {bookingId: $one, seats: 3}) { ...P }
        b: reserveSeats(input: {bookingId: $two, seats: 4}) { ...P }
        c: reserveSeats(input: {bookingId: $one, seats: 1}) { ...P }
        d: confirmBooking(input: {bookingId: $one}) { ...P }
        e: cancelBooking(input: {bookingId: $two}) { ...P }
        f: cancelBooking(input: {bookingId: $one}) { ...P }
    }
    fragment P on BookingPayload {
        booking { status reservedSeats reservations { seats } session { seatsAvailable } } errors { code }
    }"""
    data = (await graphql(document, {"one": one, "two": two}, by=user)).data
    free = [data[name]["booking"]["session"]["seatsAvailable"] for name in "abcde"]
    assert free == [97, 93, 95, 95, 99]
    record = [[change["seats"] for change in data[name]["booking"]["reservations"]] for name in "abcde"]
    assert record == [[3], [4], [3, 1], [3, 1], [4, 0]]
    assert [data[name]["booking"]["status"] for name in "abcde"] == ["OPEN", "OPEN", "OPEN", "CONFIRMED", "CANCELLED"]
    assert data["f"] == {"booking": None, "errors": [{"code": "BOOKING_CONFIRMED"}]}


async def test_refused_mutation_does_not_affect_other_mutations(
    database: Database, graphql: GraphQL, user: User
) -> None:
    movie = f"mov_{(await make_movie(database)).id}"
    document = """mutation ($id: ID!) {
        a: rateMovie(input: {movieId: $id, value: 1}) { movie { rating ratingCount viewerRating { value } } }
        b: rateMovie(input: {movieId: $id, value: 9}) { movie { id } errors { code } }
        c: rateMovie(input: {movieId: $id, value: 5}) { movie { rating ratingCount viewerRating { value } } }
    }"""
    data = (await graphql(document, {"id": movie}, by=user)).data
    assert data["a"]["movie"] == {"rating": 1.0, "ratingCount": 1, "viewerRating": {"value": 1.0}}
    assert data["b"] == {"movie": None, "errors": [{"code": "INVALID_RATING"}]}
    assert data["c"]["movie"] == {"rating": 5.0, "ratingCount": 1, "viewerRating": {"value": 5.0}}


async def test_forbidden_mutation_keeps_changes_of_earlier_mutations(
    database: Database, graphql: GraphQL, user: User
) -> None:
    movie = await make_movie(database)
    document = """mutation ($id: ID!) {
        rateMovie(input: {movieId: $id, value: 1}) { errors { code } }
        deleteMovie(input: {id: $id}) { deletedId }
    }"""
    answer = await graphql(document, {"id": f"mov_{movie.id}"}, by=user)
    assert answer.codes == ["FORBIDDEN"]
    assert answer.errors[0]["path"] == ["deleteMovie"]
    assert answer.response.json()["data"] == {"rateMovie": {"errors": []}, "deleteMovie": None}
    assert await database.primary.value("SELECT rating FROM movies") == 1.0


async def test_user_who_signs_in_is_viewer_of_later_fields(database: Database, graphql: GraphQL, user: User) -> None:
    other, movie = await make_user(database, email="ada@example.org"), await make_movie(database)
    for rater, value in ((user, 1.0), (other, 4.0)):
        await make_rating(database, user=rater, movie=movie, value=value)
        await make_booking(database, user=rater)
    document = """mutation ($id: ID!, $password: String!) {
        before: rateMovie(input: {movieId: $id, value: 2}) { movie { viewerRating { value } } }
        signIn(input: {identity: {email: "ada@example.org"}, password: $password}) {
            user { id bookings { totalCount nodes { id } } }
        }
        after: rateMovie(input: {movieId: $id, value: 3}) { movie { ratingCount viewerRating { value } } }
    }"""
    data = (await graphql(document, {"id": f"mov_{movie.id}", "password": PASSWORD}, by=user)).data
    assert data["before"]["movie"]["viewerRating"] == {"value": 2.0}
    assert data["signIn"]["user"]["id"] == f"usr_{other.id}"
    assert data["signIn"]["user"]["bookings"]["totalCount"] == 1
    assert data["after"]["movie"] == {"ratingCount": 2, "viewerRating": {"value": 3.0}}
    assert await database.primary.value("SELECT array_agg(value ORDER BY value) FROM ratings") == [2.0, 3.0]


async def test_sibling_fields_of_query_run_concurrently(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    under_way, most = 0, 0
    run = PipelinedReads.run

    async def slow(self: PipelinedReads, statement: Statement, parameters: Parameters) -> PGresult:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1
        return await run(self, statement, parameters)

    monkeypatch.setattr(PipelinedReads, "run", slow)
    app = create_app(replace(settings, planner=PlannerMode(is_on=False)), with_jobs=False)
    async with running(app) as client:
        await GraphQL(client)("{ movies { nodes { id } } places { nodes { id } } b: movies(sort: NEW) { totalCount } }")
    assert most == 3
