"""Replays the sample requests of the events surface in order: each gets the stated status and shape."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import pytest
from httpx import AsyncClient, Response

from db import ids
from db.engine import Database
from tests.support.ticketing import make_event, make_event_reservation

DESCRIPTION: Final = (
    "I'm nobody's taxi service; I'm not gonna be there to catch you every time you feel like jumping out of a"
    " spaceship. I'm the Doctor, I'm worse than everyone's aunt. *catches himself* And that is not how I'm introducing"
    " myself."
)
ROCKET: Final = {"name": "Rocket to Mars", "description": DESCRIPTION, "date": "2047-10-21T09:00:00Z"}
# Well formed, and nobody's.
NOBODYS: Final = "4b029817-f723-4695-9281-ec126747cba1"
NO_EVENT: Final = {"message": f"Event with event id: {NOBODYS} doesn't exist."}
NO_RESERVATION: Final = {"message": f"Reservation with reservation id: {NOBODYS} doesn't exist."}
NOT_AVAILABLE: Final = {"error": "Requested number of tickets are not available."}


def is_event(body: dict[str, Any], **wanted: object) -> bool:
    """Return whether the body is an event of the stated shape, with these properties."""
    assert set(body) == {"availability", "created_at", "updated_at", "description", "name", "date", "id"}
    assert all(datetime.fromisoformat(body[name]).tzinfo for name in ("created_at", "updated_at", "date"))
    assert str(UUID(body["id"])) == body["id"]
    return body | wanted == body


def is_reservation(body: dict[str, Any], **wanted: object) -> bool:
    """Return whether the body is a reservation of the stated shape, with these properties."""
    assert set(body) == {"event_id", "updated_at", "cancelled", "id", "no_of_tickets", "created_at"}
    assert all(datetime.fromisoformat(body[name]).tzinfo for name in ("created_at", "updated_at"))
    assert str(UUID(body["id"])) == body["id"]
    return body | wanted == body


def answers(response: Response, status: int) -> Any:  # noqa: ANN401 - JSON
    """Return the body of an answer, after making sure of its status and type."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


@pytest.fixture
async def event_id(client: AsyncClient) -> str:
    """An event of 200 tickets."""
    made = await client.post("/events/", json={**ROCKET, "availability": 200})
    return str(made.json()["id"])


async def reserve(client: AsyncClient, event_id: str, number: int = 1) -> Response:
    return await client.post("/reservations/", json={"event_id": event_id, "no_of_tickets": number})


async def test_create_event(client: AsyncClient) -> None:
    body = answers(await client.post("/events/", json={**ROCKET, "availability": 0}), 201)
    assert is_event(
        body, availability=0, name="Rocket to Mars", description=DESCRIPTION, date="2047-10-21T09:00:00+00:00"
    )
    assert body["created_at"] == body["updated_at"]


async def test_create_event_malformed_request(client: AsyncClient) -> None:
    body = answers(await client.post("/events/", json=ROCKET), 422)
    assert body == {"availability": ["Missing data for required field."]}


async def test_get_event(client: AsyncClient, event_id: str) -> None:
    body = answers(await client.get(f"/events/{event_id}"), 200)
    assert is_event(body, id=event_id, availability=200, date="2047-10-21T09:00:00+00:00")


async def test_get_event_that_does_not_exist(client: AsyncClient, event_id: str) -> None:
    assert event_id != NOBODYS
    assert answers(await client.get(f"/events/{NOBODYS}"), 422) == NO_EVENT


async def test_get_all_events(client: AsyncClient, event_id: str) -> None:
    body = answers(await client.get("/events/"), 200)
    assert len(body) == 1
    assert is_event(body[0], id=event_id)


async def test_update_event(client: AsyncClient, event_id: str) -> None:
    before = (await client.get(f"/events/{event_id}")).json()
    body = answers(await client.patch(f"/events/{event_id}", json={"name": "Rocket to Mars!"}), 200)
    assert is_event(body, **{**before, "name": "Rocket to Mars!", "updated_at": body["updated_at"]})
    assert body["updated_at"] > before["updated_at"]


async def test_update_event_invalid_request(client: AsyncClient, event_id: str) -> None:
    body = answers(await client.patch(f"/events/{event_id}", json={"availability": 10}), 422)
    assert body == {"availability": ["Unknown field."]}


async def test_delete_event(client: AsyncClient, event_id: str) -> None:
    response = await client.delete(f"/events/{event_id}")
    assert (response.status_code, response.content) == (204, b"")
    assert answers(await client.get("/events/"), 200) == []


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_change_event_that_does_not_exist(client: AsyncClient, method: str) -> None:
    body = {"name": "x"} if method == "PATCH" else None
    assert answers(await client.request(method, f"/events/{NOBODYS}", json=body), 422) == NO_EVENT


async def test_create_reservation(client: AsyncClient, event_id: str) -> None:
    body = answers(await reserve(client, event_id), 201)
    assert is_reservation(body, event_id=event_id, no_of_tickets=1, cancelled=False)
    assert body["created_at"] == body["updated_at"]
    assert (await client.get(f"/events/{event_id}")).json()["availability"] == 199


async def test_create_reservation_of_an_event_that_does_not_exist(client: AsyncClient) -> None:
    assert answers(await reserve(client, NOBODYS), 404) == NO_EVENT


async def test_create_reservation_with_insufficient_tickets(client: AsyncClient, database: Database) -> None:
    event = await make_event(database, capacity=0)
    spelled = str(ids.to_uuid("evt", event.id))
    assert answers(await reserve(client, spelled), 400) == NOT_AVAILABLE


async def test_get_reservation(client: AsyncClient, event_id: str) -> None:
    made = (await reserve(client, event_id)).json()
    assert answers(await client.get(f"/reservations/{made['id']}"), 200) == made


async def test_get_reservation_that_does_not_exist(client: AsyncClient) -> None:
    assert answers(await client.get(f"/reservations/{NOBODYS}"), 404) == NO_RESERVATION


async def test_get_all_reservations(client: AsyncClient, event_id: str) -> None:
    made = [(await reserve(client, event_id)).json() for _ in range(2)]
    assert answers(await client.get("/reservations/"), 200) == made


async def test_update_reservation(client: AsyncClient, event_id: str) -> None:
    await reserve(client, event_id)
    made = (await reserve(client, event_id)).json()
    body = answers(await client.patch(f"/reservations/{made['id']}", json={"no_of_tickets": 198}), 200)
    assert is_reservation(body, **{**made, "no_of_tickets": 198, "updated_at": body["updated_at"]})
    assert body["updated_at"] > made["updated_at"]
    assert (await client.get(f"/events/{event_id}")).json()["availability"] == 1


async def test_update_reservation_with_insufficient_tickets(client: AsyncClient, event_id: str) -> None:
    made = (await reserve(client, event_id)).json()
    response = await client.patch(f"/reservations/{made['id']}", json={"no_of_tickets": 202})
    assert answers(response, 400) == NOT_AVAILABLE
    assert (await client.get(f"/reservations/{made['id']}")).json() == made


async def test_update_reservation_invalid_request(client: AsyncClient, event_id: str) -> None:
    made = (await reserve(client, event_id)).json()
    response = await client.patch(f"/reservations/{made['id']}", json={"cancelled": False})
    assert answers(response, 422) == {"cancelled": ["Unknown field."]}


async def test_update_reservation_that_does_not_exist(client: AsyncClient) -> None:
    response = await client.patch(f"/reservations/{NOBODYS}", json={"no_of_tickets": 1})
    # docs/contract/events.md names the reservation here, not an event.
    assert answers(response, 404) == NO_RESERVATION


async def test_cancel_reservation(client: AsyncClient, event_id: str) -> None:
    made = (await reserve(client, event_id, 2)).json()
    for _ in range(2):
        response = await client.delete(f"/reservations/{made['id']}")
        assert (response.status_code, response.content) == (204, b"")
        assert (await client.get(f"/events/{event_id}")).json()["availability"] == 200
    body = answers(await client.get(f"/reservations/{made['id']}"), 200)
    assert is_reservation(body, **{**made, "cancelled": True, "updated_at": body["updated_at"]})
    assert body["updated_at"] > made["updated_at"]


async def test_cancel_reservation_that_does_not_exist(client: AsyncClient) -> None:
    assert answers(await client.delete(f"/reservations/{NOBODYS}"), 404) == NO_RESERVATION


async def test_refuses_change_of_cancelled_reservation(client: AsyncClient, database: Database) -> None:
    gone = await make_event_reservation(database, cancelled=True)
    response = await client.patch(f"/reservations/{ids.to_uuid('evr', gone.id)}", json={"no_of_tickets": 1})
    assert answers(response, 400) == {"error": "Cannot update cancelled reservation."}
