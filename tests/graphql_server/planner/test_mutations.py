"""A mutation with a plain payload is run without the executor, answers the same, and is run once."""

from dataclasses import replace
from typing import Any, Final

import pytest

from app import create_app
from config.settings import Settings
from config.variables import PlannerMode
from db.engine import Database
from db.models import Booking, User
from graphql_server.executable_schema import SCHEMA
from tests.conftest import running
from tests.graphql_server.planner.both import Both
from tests.support.factories import bearer, make_booking, make_movie, make_place, make_session, make_user
from tests.support.graphql_client import GraphQL

PLAIN: Final = """
    mutation Reserve($booking: ID!, $seats: Int!, $closed: Boolean = false) {
        __typename @skip(if: true)
        result: reserveSeats(input: {bookingId: $booking, seats: $seats}) {
            __typename
            booking { kind: __typename ...Times id status reservedSeats closesAt @include(if: $closed) }
            errors { ...Why ... on SeatsUnavailable { seatsAvailable } ... on NotFound { path } ... on InvalidInput { path } }
        }
    }
    fragment Times on Booking { createdAt confirmedAt ... on Node { id } }
    fragment Why on UserError { __typename code message }
"""
OF_EXECUTOR: Final = {
    "two fields": """mutation ($booking: ID!, $seats: Int!) {
        a: reserveSeats(input: {bookingId: $booking, seats: $seats}) { booking { reservedSeats } }
        b: reserveSeats(input: {bookingId: $booking, seats: 1}) { booking { reservedSeats } }
    }""",
    "a field that is resolved": """mutation ($booking: ID!, $seats: Int!) {
        reserveSeats(input: {bookingId: $booking, seats: $seats}) { booking { session { seatsAvailable } movie { title } } }
    }""",
}


@pytest.fixture
async def user(database: Database) -> User:
    """Who books."""
    return await make_user(database)


@pytest.fixture
async def booking(database: Database, user: User) -> Booking:
    """Their booking in a place of 10 seats."""
    session = await make_session(database, place=await make_place(database, capacity=10))
    return await make_booking(database, user=user, session=session)


@pytest.mark.parametrize(
    "changes",
    [
        {"seats": 2},
        {"seats": 2, "closed": True},
        {"seats": 11},
        {"seats": -1},
        {"seats": -1, "booking": "nonsense"},
        {"booking": "bok_1"},
        {"seats": "two"},
        {"seats": None},
        {"closed": None},
    ],
    ids=str,
)
async def test_answers_what_the_executor_answers(
    ask: Both, user: User, booking: Booking, changes: dict[str, Any]
) -> None:
    variables = {"booking": f"bok_{booking.id}", "seats": 1} | changes
    await ask.ask(PLAIN, variables, by=user)
    await ask.ask(PLAIN, variables)


@pytest.mark.parametrize(
    "given",
    [
        {"bookingId": "BOOKING", "seats": 2},
        {"bookingId": "BOOKING", "seats": 2.0},
        {"bookingId": "BOOKING", "seats": 2**31},
        {"bookingId": "BOOKING", "seats": True},
        {"bookingId": "BOOKING", "seats": "2"},
        {"bookingId": "BOOKING", "seats": None},
        {"bookingId": "BOOKING", "seats": 2, "more": 1},
        {"bookingId": 5, "seats": 2},
        {"bookingId": "BOOKING"},
        [],
        None,
    ],
    ids=str,
)
@pytest.mark.parametrize("way", ["whole", "by fields", "with a constant", "confirm"])
async def test_reads_input_from_variables_as_the_executor_does(
    ask: Both,
    user: User,
    booking: Booking,
    way: str,
    given: Any,  # noqa: ANN401 - JSON
) -> None:
    if isinstance(given, dict) and given.get("bookingId") == "BOOKING":
        given = given | {"bookingId": f"bok_{booking.id}"}
    selection = "{ booking { id reservedSeats } errors { code message path } }"
    whole = f"mutation ($input: ReserveSeatsInput!) {{ reserveSeats(input: $input) {selection} }}"
    by_fields = f"""mutation ($bookingId: ID!, $seats: Int!) {{
        reserveSeats(input: {{bookingId: $bookingId, seats: $seats}}) {selection}
    }}"""
    with_a_constant = f"""mutation ($bookingId: ID!) {{
        reserveSeats(input: {{seats: 3, bookingId: $bookingId}}) {selection}
    }}"""
    # What it holds must be two seats: it is refused, and so the same each time.
    confirm = f"""mutation ($bookingId: ID!, $seats: Int) {{
        confirmBooking(input: {{bookingId: $bookingId, seats: $seats}}) {selection}
    }}"""
    document = {"whole": whole, "by fields": by_fields, "with a constant": with_a_constant, "confirm": confirm}[way]
    await ask.ask(document, {"input": given} if way == "whole" else given, by=user)


@pytest.mark.parametrize("document", OF_EXECUTOR.values(), ids=OF_EXECUTOR)
async def test_leaves_what_needs_more_than_one_resolver_to_the_executor(
    ask: Both, user: User, booking: Booking, document: str
) -> None:
    await ask.ask(document, {"booking": f"bok_{booking.id}", "seats": 2}, by=user)


async def test_answers_lists_and_parts_of_rows_as_the_executor_does(ask: Both, database: Database) -> None:
    staff, movie = await make_user(database, is_staff=True), await make_movie(database)
    document = """mutation ($id: ID!) {
        updateMovie(input: {id: $id, title: "New", genres: ["Drama", "War"]}) {
            movie { id title genres duration rating airingDates { from } }
            errors { code }
        }
    }"""
    answer = await ask.ask(document, {"id": f"mov_{movie.id}"}, by=staff)
    assert answer["data"]["updateMovie"]["movie"]["genres"] == ["Drama", "War"]


async def test_runs_plain_mutation_without_the_executor(
    graphql: GraphQL, user: User, booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def execute(*_: object, **__: object) -> None:
        raise AssertionError("the executor was called")

    monkeypatch.setattr(SCHEMA, "execute", execute)
    answer = await graphql(PLAIN, {"booking": f"bok_{booking.id}", "seats": 3}, by=user)
    assert answer.data["result"]["booking"]["reservedSeats"] == 3


async def test_runs_mutation_once_where_all_plans_are_checked(
    settings: Settings, database: Database, user: User
) -> None:
    checked = replace(settings, planner=PlannerMode(is_on=True, checked_share=1.0))
    session = await make_session(database)
    document = "mutation ($id: ID!) { openBooking(input: {sessionId: $id}) { booking { id } } }"
    async with running(create_app(checked, with_jobs=False)) as client:
        body = {"query": document, "variables": {"id": f"ses_{session.id}"}}
        await client.post("/graphql", json=body, headers=bearer(user))
    assert await database.primary.value("SELECT count(*) FROM bookings") == 1
