"""Who may write at /events/ and /reservations/ and call /api/ where the counter has a token."""

from dataclasses import replace
from typing import Any, Final

import pytest
from httpx import AsyncClient

from config.settings import Settings
from db import ids
from db.engine import Database
from tests.support.factories import bearer, make_user
from tests.support.ticketing import make_event, make_event_reservation, make_ticket

TOKEN: Final = "the counter's own token".replace(" ", "-")
NOBODYS: Final = "4b029817-f723-4695-9281-ec126747cba1"
WRITES: Final[list[tuple[str, str, Any]]] = [
    ("POST", "/events/", {"name": "x", "description": "", "date": "2047-01-01T00:00:00Z", "availability": 1}),
    ("PATCH", "/events/{event}", {"name": "y"}),
    ("DELETE", "/events/{event}", None),
    ("POST", "/reservations/", {"event_id": NOBODYS, "no_of_tickets": 1}),
    ("PATCH", "/reservations/{reservation}", {"no_of_tickets": 2}),
    ("DELETE", "/reservations/{reservation}", None),
    ("POST", "/api/book-ticket", {}),
    ("PUT", "/api/update-timing", {}),
    ("GET", "/api/view-all-tickets", None),
    ("GET", "/api/user-details?ticketId={ticket}", None),
    ("PUT", "/api/delete-ticket", {}),
    ("DELETE", "/api/delete-ticket?ticketId={ticket}", None),
]
READS: Final = ["/events/", "/events/{event}", "/reservations/", "/reservations/{reservation}"]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, counter_token=TOKEN.encode())


@pytest.fixture
async def known(database: Database) -> dict[str, str]:
    event = await make_event(database)
    row = await make_event_reservation(database, event=event)
    return {
        "event": str(ids.to_uuid("evt", event.id)),
        "reservation": str(ids.to_uuid("evr", row.id)),
        "ticket": ids.encode("tkt", (await make_ticket(database)).id),
    }


@pytest.mark.parametrize("write", WRITES, ids=lambda write: f"{write[0]} {write[1]}")
async def test_refuses_others_without_revealing_anything(
    client: AsyncClient, database: Database, known: dict[str, str], write: tuple[str, str, Any]
) -> None:
    method, path, body = write
    user = await make_user(database)
    strangers: list[tuple[dict[str, str], int]] = [
        ({}, 401),
        ({"X-Auth-Token": ""}, 401),
        ({"X-Auth-Token": TOKEN[:-1]}, 401),
        ({"X-Auth-Token": f"{TOKEN}x"}, 401),
        ({"Authorization": f"Bearer {TOKEN}"}, 401),
        (bearer(user), 403),
        ({**bearer(user), "X-Auth-Token": "wrong"}, 403),
    ]
    for headers, status in strangers:
        response = await client.request(method, path.format(**known), json=body, headers=headers)
        assert response.status_code == status, response.text
        assert ("www-authenticate" in response.headers) == (status == 401)
        assert set(response.json()) <= {"message", "success"}
        assert "Ada" not in response.text
    counted = await database.primary.tuples("SELECT name FROM events UNION ALL SELECT user_name FROM tickets")
    assert [name for (name,) in counted] == [counted[0][0], "Ada"]


@pytest.mark.parametrize("write", WRITES, ids=lambda write: f"{write[0]} {write[1]}")
async def test_accepts_counter_token_and_staff(
    client: AsyncClient, database: Database, known: dict[str, str], write: tuple[str, str, Any]
) -> None:
    method, path, body = write
    staff, user = await make_user(database, is_staff=True), await make_user(database)
    for headers in (
        {"X-Auth-Token": TOKEN},
        bearer(staff),
        {**bearer(staff), "X-Auth-Token": "wrong"},
        {**bearer(user), "X-Auth-Token": TOKEN},
    ):
        response = await client.request(method, path.format(**known), json=body, headers=headers)
        assert response.status_code not in {401, 403, 500}, response.text


@pytest.mark.parametrize("path", READS)
async def test_anybody_reads_events_and_reservations(client: AsyncClient, known: dict[str, str], path: str) -> None:
    assert (await client.get(path.format(**known))).status_code == 200


async def test_counter_token_is_not_a_user(client: AsyncClient, database: Database) -> None:
    row = await make_event_reservation(database, user=await make_user(database))
    path, headers = f"/reservations/{ids.to_uuid('evr', row.id)}", {"X-Auth-Token": TOKEN}
    for method in ("GET", "DELETE"):
        assert (await client.request(method, path, headers=headers)).status_code == 404


async def test_checks_the_token_before_the_body(client: AsyncClient) -> None:
    response = await client.post("/events/", content=b"{", headers={"Content-Type": "text/plain"})
    assert response.status_code == 401


async def test_counter_token_has_no_effect_in_graphql(client: AsyncClient, database: Database) -> None:
    ticket = await make_ticket(database)
    body = {"query": f'{{ ticket(id: "{ids.encode("tkt", ticket.id)}") {{ userName }} }}'}
    answer = (await client.post("/graphql", json=body, headers={"X-Auth-Token": TOKEN})).json()
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert answer["data"] == {"ticket": None}
