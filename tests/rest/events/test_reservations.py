"""Reservations over REST beyond the samples: who owns them, and who sees them."""

import asyncio
from collections import Counter

import pytest
from httpx import AsyncClient, Response

from db import ids
from db.engine import Database
from db.models import Event, EventReservation, User
from tests.support.factories import bearer, make_user, soon
from tests.support.ticketing import availability, make_event, make_event_reservation, unbalanced


def path(row: EventReservation) -> str:
    return f"/reservations/{ids.to_uuid('evr', row.id)}"


def headers(user: User | None) -> dict[str, str]:
    return bearer(user) if user else {}


async def reserve(client: AsyncClient, event: Event, number: int = 1, *, by: User | None = None) -> Response:
    body = {"event_id": str(ids.to_uuid("evt", event.id)), "no_of_tickets": number}
    return await client.post("/reservations/", json=body, headers=headers(by))


@pytest.mark.alone
async def test_sells_100_tickets_to_200_concurrent_buyers(client: AsyncClient, database: Database) -> None:
    event = await make_event(database, capacity=100)
    answers = await asyncio.gather(*(reserve(client, event) for _ in range(200)))
    assert Counter(answer.status_code for answer in answers) == {201: 100, 400: 100}
    refused = [answer.json() for answer in answers if answer.status_code == 400]
    assert refused == [{"error": "Requested number of tickets are not available."}] * 100
    assert (await client.get(f"/events/{ids.to_uuid('evt', event.id)}")).json()["availability"] == 0
    assert await unbalanced(database) == []


async def test_concurrent_changes_of_one_reservation_never_drift_the_stock(
    client: AsyncClient, database: Database
) -> None:
    event = await make_event(database, capacity=30)
    row = await make_event_reservation(database, event=event, tickets=5)
    wanted = [1, 30, 7, 31, 12, 2, 29, 3] * 3
    answers = await asyncio.gather(*(client.patch(path(row), json={"no_of_tickets": number}) for number in wanted))
    assert Counter(answer.status_code for answer in answers) == {200: 21, 400: 3}
    held = (await client.get(path(row))).json()["no_of_tickets"]
    assert await availability(database, event) == 30 - held


async def test_concurrent_cancellations_refund_once(client: AsyncClient, database: Database) -> None:
    event = await make_event(database, capacity=30)
    row = await make_event_reservation(database, event=event, tickets=5)
    await make_event_reservation(database, event=event, tickets=7)
    answers = await asyncio.gather(*(client.delete(path(row)) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {204}
    assert await availability(database, event) == 23


async def test_hides_reservation_made_with_token_from_others(client: AsyncClient, database: Database) -> None:
    owner, other, staff = await make_user(database), await make_user(database), await make_user(database, is_staff=True)
    event = await make_event(database)
    made = (await reserve(client, event, 2, by=owner)).json()
    address = f"/reservations/{made['id']}"
    missing = {"message": f"Reservation with reservation id: {made['id']} doesn't exist."}
    for stranger in (None, other):
        for method in ("GET", "PATCH", "DELETE"):
            body = {"no_of_tickets": 1} if method == "PATCH" else None
            response = await client.request(method, address, json=body, headers=headers(stranger))
            assert (response.status_code, response.json()) == (404, missing)
    assert await availability(database, event) == 98
    for insider, number in ((owner, 3), (staff, 4)):
        assert (await client.get(address, headers=bearer(insider))).json()["id"] == made["id"]
        changed = await client.patch(address, json={"no_of_tickets": number}, headers=bearer(insider))
        assert (changed.status_code, changed.json()["no_of_tickets"]) == (200, number)
    assert (await client.delete(address, headers=bearer(staff))).status_code == 204


async def test_lists_only_reservations_that_the_caller_may_see(client: AsyncClient, database: Database) -> None:
    users = [await make_user(database), await make_user(database), await make_user(database, is_staff=True)]
    owners = [None, users[0], users[1], None]
    rows = [await make_event_reservation(database, user=owner) for owner in owners]
    seen: dict[int | None, list[int]] = {
        None: [0, 3],
        users[0].id: [0, 1, 3],
        users[1].id: [0, 2, 3],
        users[2].id: [0, 1, 2, 3],
    }
    for reader in (None, *users):
        response = await client.get("/reservations/", headers=headers(reader))
        expected = [rows[place] for place in seen[reader.id if reader else None]]
        assert [row["id"] for row in response.json()] == [str(ids.to_uuid("evr", row.id)) for row in expected]
        assert response.headers["x-total-count"] == str(len(expected))


async def test_refuses_bad_token_instead_of_treating_it_as_anonymous(client: AsyncClient, database: Database) -> None:
    row = await make_event_reservation(database)
    for method, address in (("GET", "/reservations/"), ("GET", path(row)), ("DELETE", path(row)), ("GET", "/events/")):
        response = await client.request(method, address, headers={"Authorization": "Bearer nonsense"})
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert set(response.json()) == {"message"}


async def test_refuses_reservation_by_deleted_account(client: AsyncClient, database: Database) -> None:
    user, event = await make_user(database), await make_event(database)
    await database.primary.value("DELETE FROM users WHERE id = %(id)s RETURNING 1", id=user.id)
    response = await reserve(client, event, by=user)
    assert response.status_code == 401
    assert await availability(database, event) == 100


@pytest.mark.parametrize("number", [1, 2, 5])
async def test_accepts_change_to_all_remaining_tickets(client: AsyncClient, database: Database, number: int) -> None:
    event = await make_event(database, capacity=5)
    row = await make_event_reservation(database, event=event, tickets=2)
    response = await client.patch(path(row), json={"no_of_tickets": number})
    assert response.status_code == 200
    assert await availability(database, event) == 5 - number


async def test_seat_taken_by_graphql_is_taken_for_rest(client: AsyncClient, database: Database) -> None:
    event, user = await make_event(database, capacity=2), await make_user(database)
    await reserve(client, event, 2, by=user)
    document = """mutation ($id: ID!) { reserveTickets(input: {eventId: $id, tickets: 1}) { errors { code } } }"""
    body = {"query": document, "variables": {"id": ids.encode("evt", event.id)}}
    response = await client.post("/graphql", json=body, headers=bearer(user))
    assert response.json()["data"]["reserveTickets"]["errors"] == [{"code": "SEATS_UNAVAILABLE"}]


async def test_refuses_more_tickets_of_event_that_is_over(client: AsyncClient, database: Database) -> None:
    event = await make_event(database, capacity=9, date=soon(-1 / 3600))
    row = await make_event_reservation(database, event=event, tickets=3)
    for answer in (await reserve(client, event), await client.patch(path(row), json={"no_of_tickets": 4})):
        assert (answer.status_code, answer.json()) == (400, {"error": "The event is over."})
    # More than there are: that it is over comes first.
    assert (await reserve(client, event, 10)).json() == {"error": "The event is over."}
    assert (await client.patch(path(row), json={"no_of_tickets": 2})).status_code == 200
    assert await availability(database, event) == 7
