"""Bookings through GraphQL: every step, every refusal, and who sees them."""

from datetime import timedelta
from typing import Any

import pytest

from db.engine import Database
from db.models import Booking, User
from domain import instants
from tests.support.documents import barred, done, refused, send
from tests.support.factories import (
    make_booking,
    make_expired_booking,
    make_place,
    make_seat_reservation,
    make_session,
    make_user,
    soon,
)
from tests.support.graphql_client import GraphQL
from tests.support.seats import free

CHANGES = ["reserveSeats", "confirmBooking", "cancelBooking"]
FREE = "query ($id: ID!) { session(id: $id) { seatsAvailable } }"
ONE = "query ($id: ID!) { booking(id: $id) { id status reservedSeats reservations { seats } } }"


@pytest.fixture
async def user(database: Database) -> User:
    """Who books."""
    return await make_user(database)


def given(mutation: str, booking_id: str, seats: int = 1) -> dict[str, Any]:
    """Return the input of a change."""
    return {"bookingId": booking_id, "seats": seats} if mutation == "reserveSeats" else {"bookingId": booking_id}


async def test_opens_booking_for_a_minute(database: Database, graphql: GraphQL, user: User) -> None:
    session = await make_session(database)
    booking = (await done(graphql, "openBooking", by=user, sessionId=f"ses_{session.id}"))["booking"]
    assert booking["id"].startswith("bok_")
    assert (booking["status"], booking["reservedSeats"], booking["reservations"]) == ("OPEN", 0, [])
    assert instants.read(booking["closesAt"]) - instants.read(booking["createdAt"]) == timedelta(seconds=60)
    assert (booking["confirmedAt"], booking["cancelledAt"]) == (None, None)
    assert booking["session"] == {"id": f"ses_{session.id}", "seatsAvailable": 100}
    assert (booking["movie"], booking["place"]) == (
        {"id": f"mov_{session.movie_id}"},
        {"id": f"plc_{session.place_id}"},
    )


async def test_user_can_open_several_bookings_of_one_session(database: Database, graphql: GraphQL, user: User) -> None:
    session = f"ses_{(await make_session(database)).id}"
    made = [(await done(graphql, "openBooking", by=user, sessionId=session))["booking"]["id"] for _ in range(2)]
    assert made[0] != made[1]


async def test_reserves_changes_and_confirms_seats(database: Database, graphql: GraphQL, user: User) -> None:
    session = await make_session(database)
    booking_id = f"bok_{(await make_booking(database, user=user, session=session)).id}"
    for seats in (5, 2, 0, 3):
        booking = (await done(graphql, "reserveSeats", by=user, bookingId=booking_id, seats=seats))["booking"]
        assert (booking["status"], booking["reservedSeats"]) == ("OPEN", seats)
        assert booking["session"]["seatsAvailable"] == 100 - seats
    booking = (await done(graphql, "confirmBooking", by=user, bookingId=booking_id))["booking"]
    assert (booking["status"], booking["reservedSeats"]) == ("CONFIRMED", 3)
    assert booking["confirmedAt"] is not None
    assert [change["seats"] for change in booking["reservations"]] == [5, 2, 0, 3]
    assert all(change["id"].startswith("rsv_") for change in booking["reservations"])


async def test_cancelled_booking_has_no_seats_and_keeps_their_record(
    database: Database, graphql: GraphQL, user: User
) -> None:
    session = await make_session(database)
    booking_id = f"bok_{(await make_booking(database, user=user, session=session)).id}"
    await done(graphql, "reserveSeats", by=user, bookingId=booking_id, seats=4)
    booking = (await done(graphql, "cancelBooking", by=user, bookingId=booking_id))["booking"]
    assert (booking["status"], booking["reservedSeats"], booking["session"]["seatsAvailable"]) == ("CANCELLED", 0, 100)
    assert booking["cancelledAt"] is not None
    assert [change["seats"] for change in booking["reservations"]] == [4, 0]


# Refusals


async def test_refuses_booking_of_started_session(database: Database, graphql: GraphQL, user: User) -> None:
    session = await make_session(database, starts_at=soon(-0.01))
    refusal = await refused(graphql, "openBooking", by=user, sessionId=f"ses_{session.id}")
    assert refusal == [("Conflict", "SESSION_STARTED", [])]


async def test_refuses_booking_of_missing_session(graphql: GraphQL, user: User) -> None:
    assert await refused(graphql, "openBooking", by=user, sessionId="ses_1") == [
        ("NotFound", "SESSION_NOT_FOUND", ["input", "sessionId"])
    ]


@pytest.mark.parametrize("public_id", ["", "ses_", "bok_1", "1"])
async def test_refuses_malformed_id_of_session(graphql: GraphQL, user: User, public_id: str) -> None:
    refusal = await refused(graphql, "openBooking", by=user, sessionId=public_id)
    assert refusal == [("InvalidInput", "INVALID_ID", ["input", "sessionId"])]


@pytest.mark.parametrize("mutation", CHANGES)
async def test_refuses_malformed_id_of_booking(graphql: GraphQL, user: User, mutation: str) -> None:
    refusal = await refused(graphql, mutation, by=user, **given(mutation, "ses_1"))
    assert refusal == [("InvalidInput", "INVALID_ID", ["input", "bookingId"])]


@pytest.mark.parametrize("mutation", CHANGES)
async def test_booking_of_other_user_is_not_found(
    database: Database, graphql: GraphQL, user: User, mutation: str
) -> None:
    theirs = await make_booking(database, seats=1)
    staff = await make_user(database, is_staff=True)
    for caller, booking_id in ((user, theirs.id), (staff, theirs.id), (user, 1)):
        refusal = await refused(graphql, mutation, by=caller, **given(mutation, f"bok_{booking_id}"))
        assert refusal == [("NotFound", "BOOKING_NOT_FOUND", ["input", "bookingId"])]


CLOSED = {"confirmed": "BOOKING_CONFIRMED", "cancelled": "BOOKING_CANCELLED", "expired": "BOOKING_EXPIRED"}


@pytest.mark.parametrize("mutation", CHANGES)
@pytest.mark.parametrize("status", CLOSED)
async def test_closed_booking_refuses_every_change(
    database: Database, graphql: GraphQL, user: User, mutation: str, status: str
) -> None:
    booking = await make_booking(database, user=user, status=status)
    refusal = await refused(graphql, mutation, by=user, **given(mutation, f"bok_{booking.id}"))
    assert refusal == [("Conflict", CLOSED[status], [])]


@pytest.mark.parametrize("mutation", CHANGES)
async def test_booking_is_expired_before_job_closes_it(
    database: Database, graphql: GraphQL, user: User, mutation: str
) -> None:
    booking = await make_expired_booking(database, user=user, seats=2)
    refusal = await refused(graphql, mutation, by=user, **given(mutation, f"bok_{booking.id}"))
    assert refusal == [("Conflict", "BOOKING_EXPIRED", [])]


async def test_refuses_confirm_without_seats(database: Database, graphql: GraphQL, user: User) -> None:
    booking = await make_booking(database, user=user)
    refusal = await refused(graphql, "confirmBooking", by=user, bookingId=f"bok_{booking.id}")
    assert refusal == [("Conflict", "NO_SEATS_RESERVED", [])]


async def test_refuses_confirm_of_other_number_of_seats(database: Database, graphql: GraphQL, user: User) -> None:
    booking_id = f"bok_{(await make_booking(database, user=user, seats=5)).id}"
    for seats in (2, 0, 6):
        refusal = await refused(graphql, "confirmBooking", by=user, bookingId=booking_id, seats=seats)
        assert refusal == [("Conflict", "SEATS_CHANGED", ["input", "seats"])]
    assert (await graphql(ONE, {"id": booking_id}, by=user)).data["booking"]["status"] == "OPEN"
    refusal = await refused(graphql, "confirmBooking", by=user, bookingId="ses_1", seats=-1)
    assert [code for _, code, _ in refusal] == ["INVALID_ID", "INVALID_SEATS"]
    booking = (await done(graphql, "confirmBooking", by=user, bookingId=booking_id, seats=5))["booking"]
    assert (booking["status"], booking["reservedSeats"]) == ("CONFIRMED", 5)


WITH_SEATS = """query ($after: String) { viewer {
    bookings(filter: {withSeats: true}, first: 2, after: $after) {
        totalCount nodes { id } pageInfo { hasNextPage endCursor }
    }
} }"""


async def test_filter_leaves_out_bookings_that_never_held_a_seat(
    database: Database, graphql: GraphQL, user: User
) -> None:
    session = await make_session(database)
    held: list[str] = []
    for seats in (2, 0, 0, 1, 0, 3, 0, 0, 0):
        booking = await make_booking(database, user=user, session=session, seats=seats)
        if seats:
            held.insert(0, f"bok_{booking.id}")
            await make_seat_reservation(database, booking=booking, seats=seats)
    await make_seat_reservation(database, booking=booking, seats=0)
    first = (await graphql(WITH_SEATS, by=user)).data["viewer"]["bookings"]
    assert first["totalCount"] == 3
    assert first["pageInfo"]["hasNextPage"]
    second = (await graphql(WITH_SEATS, {"after": first["pageInfo"]["endCursor"]}, by=user)).data["viewer"]["bookings"]
    assert [each["id"] for each in (*first["nodes"], *second["nodes"])] == held
    assert not second["pageInfo"]["hasNextPage"]


async def test_refused_number_of_seats_changes_nothing(database: Database, graphql: GraphQL, user: User) -> None:
    place = await make_place(database, capacity=10)
    session = await make_session(database, place=place)
    await make_booking(database, session=session, seats=6)
    booking = await make_booking(database, user=user, session=session, seats=1)
    answer = await send(graphql, "reserveSeats", by=user, bookingId=f"bok_{booking.id}", seats=5)
    payload = answer.data["reserveSeats"]
    assert payload["booking"] is None
    (error,) = payload["errors"]
    assert (error["__typename"], error["code"], error["path"]) == (
        "SeatsUnavailable",
        "SEATS_UNAVAILABLE",
        ["input", "seats"],
    )
    assert error["seatsAvailable"] == 3
    assert await free(database, session) == 3


async def test_refuses_negative_number_of_seats(database: Database, graphql: GraphQL, user: User) -> None:
    booking = await make_booking(database, user=user)
    refusal = await refused(graphql, "reserveSeats", by=user, bookingId=f"bok_{booking.id}", seats=-1)
    assert refusal == [("InvalidInput", "INVALID_SEATS", ["input", "seats"])]


async def test_refuses_all_faults_of_booking_at_once(graphql: GraphQL, user: User) -> None:
    assert await refused(graphql, "reserveSeats", by=user, bookingId="x", seats=-1) == [
        ("InvalidInput", "INVALID_ID", ["input", "bookingId"]),
        ("InvalidInput", "INVALID_SEATS", ["input", "seats"]),
    ]


@pytest.mark.parametrize("seats", [1.5, "2", 2**31, None, True])
async def test_seats_that_are_no_integer_make_document_invalid(graphql: GraphQL, user: User, seats: object) -> None:
    answer = await send(graphql, "reserveSeats", by=user, bookingId="bok_1", seats=seats)
    assert answer.codes == ["INVALID_INPUT"]
    assert "data" not in answer.response.json()


@pytest.mark.parametrize("mutation", ["openBooking", *CHANGES])
async def test_refuses_booking_without_token(graphql: GraphQL, mutation: str) -> None:
    inputs = {"sessionId": "ses_1"} if mutation == "openBooking" else given(mutation, "bok_1")
    assert await barred(graphql, mutation, **inputs) == "UNAUTHENTICATED"


async def test_refuses_booking_with_token_of_deleted_account(database: Database, graphql: GraphQL) -> None:
    session = await make_session(database)
    gone = User(id=1, email="gone@example.org", password_hash="")
    assert await barred(graphql, "openBooking", by=gone, sessionId=f"ses_{session.id}") == "UNAUTHENTICATED"


# Reading


async def test_seats_of_expired_booking_are_free_at_once(database: Database, graphql: GraphQL) -> None:
    session = await make_session(database)
    await make_expired_booking(database, session=session, seats=40)
    await make_booking(database, session=session, seats=5)
    await make_booking(database, session=session, seats=7, status="confirmed")
    answer = await graphql(FREE, {"id": f"ses_{session.id}"})
    assert answer.data["session"]["seatsAvailable"] == 88


async def test_expired_booking_has_no_seats(database: Database, graphql: GraphQL, user: User) -> None:
    booking = await make_expired_booking(database, user=user, seats=2)
    await make_seat_reservation(database, booking=booking, seats=2)
    found = (await graphql(ONE, {"id": f"bok_{booking.id}"}, by=user)).data["booking"]
    assert (found["status"], found["reservedSeats"], found["reservations"]) == ("EXPIRED", 0, [{"seats": 2}])


async def test_reservations_of_booking_are_its_latest_hundred_changes(
    database: Database, graphql: GraphQL, user: User
) -> None:
    booking = await make_booking(database, user=user)
    for seats in range(103):
        await make_seat_reservation(database, booking=booking, seats=seats)
    found = (await graphql(ONE, {"id": f"bok_{booking.id}"}, by=user)).data["booking"]
    assert [change["seats"] for change in found["reservations"]] == list(range(3, 103))


async def test_bookings_are_listed_newest_first(database: Database, graphql: GraphQL, user: User) -> None:
    mine = [f"bok_{(await make_booking(database, user=user)).id}" for _ in range(3)]
    await make_booking(database)
    answer = await graphql("{ viewer { bookings { totalCount nodes { id } } } }", by=user)
    assert answer.data["viewer"]["bookings"] == {"totalCount": 3, "nodes": [{"id": each} for each in reversed(mine)]}


async def test_booking_is_visible_to_its_user_only(database: Database, graphql: GraphQL, user: User) -> None:
    theirs: Booking = await make_booking(database)
    staff = await make_user(database, is_staff=True)
    for caller in (user, staff, None):
        assert (await graphql(ONE, {"id": f"bok_{theirs.id}"}, by=caller)).data == {"booking": None}


async def test_staff_see_no_bookings_of_other_users(database: Database, graphql: GraphQL) -> None:
    booking = await make_booking(database)
    staff = await make_user(database, is_staff=True)
    document = "query ($id: ID!) { node(id: $id) { ... on User { email bookings { totalCount nodes { id } } } } }"
    found = (await graphql(document, {"id": f"usr_{booking.user_id}"}, by=staff)).data["node"]
    assert found["email"]
    assert found["bookings"] == {"totalCount": 0, "nodes": []}
