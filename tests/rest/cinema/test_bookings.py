"""Bookings at /v1: opened, given seats, confirmed or cancelled, and listed."""

from datetime import timedelta

import pytest
from httpx import AsyncClient, Response

from db import ids
from db.engine import Database
from db.models import Booking, User
from domain import instants
from tests.support.answers import codes, message
from tests.support.factories import (
    bearer,
    make_booking,
    make_expired_booking,
    make_movie,
    make_place,
    make_session,
    make_user,
    soon,
)
from tests.support.statements import Statements

CHANGES = ["reserve", "confirm", "cancel"]
NOWHERE = ["bok_1", "bok_", "ses_1", "1", "%00", "bok_99999999999999999999"]


@pytest.fixture
async def user(database: Database) -> User:
    """Who books."""
    return await make_user(database)


async def change(client: AsyncClient, booking: Booking, verb: str, *, by: User, seats: object = 1) -> Response:
    body = {"seats": seats} if verb == "reserve" else None
    path = f"/v1/bookings/{ids.encode('bok', booking.id)}/{verb}"
    return await client.post(path, headers=bearer(by), json=body)


async def book(client: AsyncClient, session_id: int, *, by: User) -> Response:
    return await client.post(f"/v1/sessions/{ids.encode('ses', session_id)}/book", headers=bearer(by))


async def taken(database: Database) -> int:
    seats: int = await database.primary.value("SELECT sum(taken)::int FROM sessions")
    return seats


# Opening


async def test_new_booking_is_open_for_a_minute(client: AsyncClient, database: Database, user: User) -> None:
    session = await make_session(database)
    response = await book(client, session.id, by=user)

    assert response.status_code == 201
    assert set(response.json()) == {"booking"}
    booking = response.json()["booking"]
    assert set(booking) == {"id", "session_id", "created_at", "closes_at"}
    assert ids.decode("bok", booking["id"])
    assert booking["session_id"] == ids.encode("ses", session.id)
    opens, closes = instants.read(booking["created_at"]), instants.read(booking["closes_at"])
    assert closes - opens == timedelta(seconds=60)
    assert abs(opens - soon(0)) < timedelta(seconds=10)


async def test_user_may_have_several_open_bookings(client: AsyncClient, database: Database, user: User) -> None:
    session = await make_session(database)
    answers = [await book(client, session.id, by=user) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]


async def test_refuses_booking_of_started_session(client: AsyncClient, database: Database, user: User) -> None:
    session = await make_session(database, starts_at=soon(-0.01))
    response = await book(client, session.id, by=user)

    assert response.status_code == 409
    assert codes(response) == ["session_started"]


@pytest.mark.parametrize("public_id", ["ses_1", "ses_", "mov_1", "1", "%00", "ses_01"])
async def test_answers_404_for_unknown_session(client: AsyncClient, user: User, public_id: str) -> None:
    response = await client.post(f"/v1/sessions/{public_id}/book", headers=bearer(user))

    assert response.status_code == 404
    assert codes(response) == ["session_not_found"]


# Reserving


async def test_reserve_sets_the_total(client: AsyncClient, database: Database, user: User) -> None:
    booking = await make_booking(database, user=user)
    for seats in (3, 5, 2, 2, 0):
        response = await change(client, booking, "reserve", by=user, seats=seats)

        assert response.status_code == 200
        assert response.json() == {
            "booking": {
                "id": ids.encode("bok", booking.id),
                "session_id": ids.encode("ses", booking.session_id),
                "reserved_seats": seats,
                "created_at": instants.spell(booking.created_at),
                "closes_at": instants.spell(booking.closes_at),
            }
        }
        assert await taken(database) == seats


async def test_refusing_too_many_seats_changes_nothing(client: AsyncClient, database: Database, user: User) -> None:
    session = await make_session(database, capacity=5)
    await make_booking(database, session=session, seats=2)
    booking = await make_booking(database, user=user, session=session, seats=1)
    refused = await change(client, booking, "reserve", by=user, seats=4)

    assert refused.status_code == 409
    assert codes(refused) == ["seats_unavailable"]
    assert "2 more" in message(refused)
    assert await taken(database) == 3
    assert (await change(client, booking, "reserve", by=user, seats=3)).status_code == 200


async def test_frees_seats_of_expired_booking_at_once(client: AsyncClient, database: Database, user: User) -> None:
    session = await make_session(database, capacity=5)
    await make_expired_booking(database, session=session, seats=5)
    booking = await make_booking(database, user=user, session=session)
    response = await change(client, booking, "reserve", by=user, seats=5)

    assert response.status_code == 200
    assert await taken(database) == 5


@pytest.mark.parametrize("seats", ["2.0", "2e0", "20e-1"])
async def test_accepts_whole_number_with_decimal_point(
    client: AsyncClient, database: Database, user: User, seats: str
) -> None:
    booking = await make_booking(database, user=user)
    response = await client.post(
        f"/v1/bookings/{ids.encode('bok', booking.id)}/reserve",
        content=f'{{"seats": {seats}}}'.encode(),
        headers=bearer(user) | {"Content-Type": "application/json"},
    )

    assert response.json()["booking"]["reserved_seats"] == 2


@pytest.mark.parametrize("seats", [-1, 2.5, "2", "", None, True, False, [2], {}, 2**31, 2**63, 2**70, 1e300])
async def test_refuses_invalid_number_of_seats(
    client: AsyncClient, database: Database, user: User, seats: object
) -> None:
    booking = await make_booking(database, user=user)
    response = await change(client, booking, "reserve", by=user, seats=seats)

    assert response.status_code == 422
    assert codes(response) == ["invalid_seats"]
    assert message(response).startswith("`seats` must be a whole number")
    assert await taken(database) == 0


async def test_reserving_does_not_extend_the_hold(client: AsyncClient, database: Database, user: User) -> None:
    booking = await make_booking(database, user=user, closes_at=soon(0.01))
    answers = [await change(client, booking, verb, by=user) for verb in ("reserve", "confirm")]

    assert {answer.json()["booking"]["closes_at"] for answer in answers} == {instants.spell(booking.closes_at)}


# Confirming and cancelling


async def test_confirming_answers_the_time(client: AsyncClient, database: Database, user: User) -> None:
    booking = await make_booking(database, user=user, seats=2)
    response = await change(client, booking, "confirm", by=user)

    assert response.status_code == 200
    confirmed_at = response.json()["booking"]["confirmed_at"]
    assert booking.created_at < instants.read(confirmed_at) < booking.closes_at
    assert response.json() == {
        "booking": {
            "id": ids.encode("bok", booking.id),
            "session_id": ids.encode("ses", booking.session_id),
            "reserved_seats": 2,
            "created_at": instants.spell(booking.created_at),
            "closes_at": instants.spell(booking.closes_at),
            "confirmed_at": confirmed_at,
        }
    }


async def test_refuses_to_confirm_booking_without_seats(client: AsyncClient, database: Database, user: User) -> None:
    booking = await make_booking(database, user=user)
    response = await change(client, booking, "confirm", by=user)

    assert response.status_code == 409
    assert codes(response) == ["no_seats_reserved"]


async def test_refuses_to_confirm_another_number_of_seats(client: AsyncClient, database: Database, user: User) -> None:
    booking = await make_booking(database, user=user, seats=5)
    path = f"/v1/bookings/{ids.encode('bok', booking.id)}/confirm"
    response = await client.post(path, headers=bearer(user), json={"seats": 2})
    assert (response.status_code, codes(response)) == (409, ["seats_changed"])
    for seats in (-1, "5", None, 2.5):
        response = await client.post(path, headers=bearer(user), json={"seats": seats})
        assert (response.status_code, codes(response)) == (422, ["invalid_seats"]), seats
    response = await client.post(path, headers=bearer(user), json={"seats": 5})
    assert (response.status_code, response.json()["booking"]["reserved_seats"]) == (200, 5)


async def test_cancelling_frees_the_seats(client: AsyncClient, database: Database, user: User) -> None:
    booking = await make_booking(database, user=user, seats=2)
    response = await change(client, booking, "cancel", by=user)

    assert response.status_code == 200
    cancelled_at = response.json()["booking"]["cancelled_at"]
    assert booking.created_at < instants.read(cancelled_at) < booking.closes_at
    assert response.json() == {
        "booking": {
            "id": ids.encode("bok", booking.id),
            "session_id": ids.encode("ses", booking.session_id),
            "reserved_seats": 0,
            "created_at": instants.spell(booking.created_at),
            "closes_at": instants.spell(booking.closes_at),
            "confirmed_at": None,
            "cancelled_at": cancelled_at,
        }
    }
    assert await taken(database) == 0


@pytest.mark.parametrize("verb", CHANGES)
@pytest.mark.parametrize("status", ["expired", "confirmed", "cancelled"])
async def test_refuses_change_of_closed_booking(
    client: AsyncClient, database: Database, user: User, status: str, verb: str
) -> None:
    booking = await make_booking(database, user=user, status=status)
    response = await change(client, booking, verb, by=user)

    assert response.status_code == 409
    assert codes(response) == [f"booking_{status}"]


@pytest.mark.parametrize("verb", CHANGES)
async def test_booking_expires_without_a_job(client: AsyncClient, database: Database, user: User, verb: str) -> None:
    booking = await make_expired_booking(database, user=user, seats=2)
    response = await change(client, booking, verb, by=user)

    assert response.status_code == 409
    assert codes(response) == ["booking_expired"]


@pytest.mark.parametrize("verb", CHANGES)
async def test_answers_404_for_another_users_booking(
    client: AsyncClient, database: Database, user: User, verb: str
) -> None:
    booking = await make_booking(database, seats=2)
    response = await change(client, booking, verb, by=user)

    assert response.status_code == 404
    assert codes(response) == ["booking_not_found"]
    assert await taken(database) == 2


@pytest.mark.parametrize("verb", CHANGES)
@pytest.mark.parametrize("public_id", NOWHERE)
async def test_answers_404_for_unknown_booking(client: AsyncClient, user: User, public_id: str, verb: str) -> None:
    body = {"seats": 1} if verb == "reserve" else None
    response = await client.post(f"/v1/bookings/{public_id}/{verb}", headers=bearer(user), json=body)

    assert response.status_code == 404
    assert codes(response) == ["booking_not_found"]


@pytest.mark.parametrize("path", ["sessions/ses_1/book", *(f"bookings/bok_1/{verb}" for verb in CHANGES)])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer not.one.ofours"},
        {"Authorization": "Basic YTpi"},
    ],
)
async def test_booking_needs_token(client: AsyncClient, path: str, headers: dict[str, str]) -> None:
    response = await client.post(f"/v1/{path}", headers=headers)

    assert response.status_code == 401
    assert codes(response) == ["unauthenticated"]
    assert response.headers["www-authenticate"] == "Bearer"


# Listing


async def test_lists_bookings_newest_first_with_movie_and_place(
    client: AsyncClient, database: Database, user: User
) -> None:
    movie, place = await make_movie(database, title="La Jetée"), await make_place(database, name="Le Rex")
    session = await make_session(database, movie=movie, place=place)
    await make_booking(database)
    older = await make_booking(database, user=user, session=session, seats=3)
    await change(client, older, "confirm", by=user)
    newer = await make_booking(database, user=user, session=session, seats=1)
    response = await client.get("/v1/bookings", headers=bearer(user))

    assert response.status_code == 200
    body = response.json()
    common = {
        "session_id": ids.encode("ses", session.id),
        "movie": {"id": ids.encode("mov", movie.id), "title": "La Jetée"},
        "place": {"id": ids.encode("plc", place.id), "name": "Le Rex"},
    }
    assert body["bookings"] == [
        common
        | {
            "id": ids.encode("bok", booking.id),
            "reserved_seats": booking.reserved_seats,
            "created_at": instants.spell(booking.created_at),
            "closes_at": instants.spell(booking.closes_at),
            "confirmed_at": confirmed_at,
        }
        for booking, confirmed_at in ((newer, None), (older, body["bookings"][1]["confirmed_at"]))
    ]
    assert instants.read(body["bookings"][1]["confirmed_at"]) > older.created_at
    assert body["metadata"] == {"has_more": False, "end_cursor": body["metadata"]["end_cursor"]}


async def test_expired_or_cancelled_booking_has_no_seats(client: AsyncClient, database: Database, user: User) -> None:
    await make_expired_booking(database, user=user, seats=2)
    await change(client, await make_booking(database, user=user, seats=2), "cancel", by=user)
    body = (await client.get("/v1/bookings", headers=bearer(user))).json()

    assert [booking["reserved_seats"] for booking in body["bookings"]] == [0, 0]
    assert [booking["confirmed_at"] for booking in body["bookings"]] == [None, None]


async def test_pages_of_bookings_have_no_gap(client: AsyncClient, database: Database, user: User) -> None:
    made = [await make_booking(database, user=user) for _ in range(3)]
    first = (await client.get("/v1/bookings?limit=2", headers=bearer(user))).json()
    cursor = first["metadata"]["end_cursor"]
    second = (await client.get(f"/v1/bookings?limit=2&cursor={cursor}", headers=bearer(user))).json()
    of_another = await client.get(f"/v1/bookings?cursor={cursor}", headers=bearer(await make_user(database)))

    seen = [booking["id"] for booking in first["bookings"] + second["bookings"]]
    assert seen == [ids.encode("bok", booking.id) for booking in reversed(made)]
    assert (first["metadata"]["has_more"], second["metadata"]["has_more"]) == (True, False)
    assert codes(of_another) == ["invalid_cursor"]


async def test_lists_no_bookings_of_new_user(client: AsyncClient, user: User) -> None:
    response = await client.get("/v1/bookings", headers=bearer(user))

    assert response.json() == {"bookings": [], "metadata": {"has_more": False, "end_cursor": None}}


async def test_list_of_bookings_costs_one_statement(
    client: AsyncClient, database: Database, user: User, statements: Statements
) -> None:
    for _ in range(5):
        await make_booking(database, user=user)
    statements.clear()
    await client.get("/v1/bookings", headers=bearer(user))

    assert len(statements) == 1


async def test_list_of_bookings_needs_token(client: AsyncClient) -> None:
    response = await client.get("/v1/bookings?limit=wrong")

    assert response.status_code == 401
    assert codes(response) == ["unauthenticated"]
