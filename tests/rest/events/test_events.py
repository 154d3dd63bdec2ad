"""Events over REST beyond the samples: pages, partial changes, and what a deletion leaves."""

from datetime import UTC, datetime

import pytest
from httpx import AsyncClient

from db import ids
from db.engine import Database
from db.models import Event
from tests.support.factories import soon
from tests.support.ticketing import availability, make_event, make_event_reservation


def path(event: Event) -> str:
    return f"/events/{ids.to_uuid('evt', event.id)}"


async def test_paths_work_with_and_without_a_slash(client: AsyncClient, database: Database) -> None:
    event = await make_event(database)
    for address in ("/events", "/events/", path(event), f"{path(event)}/", "/reservations", "/reservations/"):
        response = await client.get(address)
        assert (response.status_code, response.history) == (200, [])


async def test_accepts_uuid_ids_in_any_case(client: AsyncClient, database: Database) -> None:
    event = await make_event(database)
    spelled = str(ids.to_uuid("evt", event.id))
    response = await client.get(f"/events/{spelled.upper()}")
    assert response.json()["id"] == spelled


async def test_answers_instants_in_utc_with_offset(client: AsyncClient) -> None:
    given = {"name": "x", "description": "", "date": "2047-10-21T11:00:00.5+02:00", "availability": 1}
    body = (await client.post("/events/", json=given)).json()
    assert body["date"] == "2047-10-21T09:00:00.500000+00:00"
    assert body["created_at"].endswith("+00:00")
    assert abs(datetime.fromisoformat(body["created_at"]) - datetime.now(UTC)).total_seconds() < 10


async def test_answers_forbid_caching(client: AsyncClient, database: Database) -> None:
    event = await make_event(database)
    for address in ("/events/", path(event), "/reservations/"):
        assert (await client.get(address)).headers["cache-control"] == "no-store"


async def test_lists_oldest_first_and_at_most_100(client: AsyncClient, database: Database) -> None:
    made = [await make_event(database, date=soon(200 - number)) for number in range(101)]
    response = await client.get("/events/")
    assert [event["id"] for event in response.json()] == [str(ids.to_uuid("evt", event.id)) for event in made[:100]]
    assert response.headers["x-total-count"] == "101"
    assert response.headers["link"] == (
        '<https://cinema.test/events/?page=1&per_page=100>; rel="first", '
        '<https://cinema.test/events/?page=2&per_page=100>; rel="next", '
        '<https://cinema.test/events/?page=2&per_page=100>; rel="last"'
    )


async def test_links_lead_through_all_pages_and_back(client: AsyncClient, database: Database) -> None:
    made = [await make_event(database) for _ in range(5)]
    address: str | None = "/events/?per_page=2"
    found, pages = [], []
    while address:
        response = await client.get(address)
        found += [event["name"] for event in response.json()]
        pages.append(set(response.links))
        address = response.links.get("next", {}).get("url")
    assert found == [event.name for event in made]
    assert pages == [
        {"first", "next", "last"},
        {"first", "prev", "next", "last"},
        {"first", "prev", "last"},
    ]


async def test_page_beyond_the_last_is_empty_and_links_back(client: AsyncClient, database: Database) -> None:
    await make_event(database)
    response = await client.get("/events/?page=999999999&per_page=100")
    assert (response.status_code, response.json()) == (200, [])
    assert response.headers["x-total-count"] == "1"
    assert response.links["prev"]["url"].endswith("page=1&per_page=100")


async def test_without_events_lists_one_empty_page(client: AsyncClient) -> None:
    response = await client.get("/events/")
    assert response.json() == []
    assert response.headers["x-total-count"] == "0"
    assert set(response.links) == {"first", "last"}


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("per_page=101", {"per_page": ["Must be a whole number from 1 to 100."]}),
        ("per_page=0", {"per_page": ["Must be a whole number from 1 to 100."]}),
        ("per_page=ten", {"per_page": ["Must be a whole number from 1 to 100."]}),
        ("per_page=", {"per_page": ["Must be a whole number from 1 to 100."]}),
        ("per_page=1&per_page=2", {"per_page": ["Must be a whole number from 1 to 100."]}),
        ("page=0", {"page": ["Must be a whole number from 1 to 999999999."]}),
        ("page=-1", {"page": ["Must be a whole number from 1 to 999999999."]}),
        ("page=1e3", {"page": ["Must be a whole number from 1 to 999999999."]}),
        ("page=1000000000", {"page": ["Must be a whole number from 1 to 999999999."]}),
        ("page=99999999999999999999", {"page": ["Must be a whole number from 1 to 999999999."]}),
        (
            "page=%00&per_page=%00",
            {
                "page": ["Must be a whole number from 1 to 999999999."],
                "per_page": ["Must be a whole number from 1 to 100."],
            },
        ),
    ],
)
@pytest.mark.parametrize("address", ["/events/", "/reservations/"])
async def test_refuses_impossible_pages(
    client: AsyncClient, address: str, query: str, fault: dict[str, list[str]]
) -> None:
    response = await client.get(f"{address}?{query}")
    assert (response.status_code, response.json()) == (422, fault)


async def test_ignores_unknown_query_parameters(client: AsyncClient) -> None:
    assert (await client.get("/events/?utm_source=mail")).status_code == 200


async def test_changes_every_changeable_field(client: AsyncClient, database: Database) -> None:
    event = await make_event(database, taken=40)
    given = {"name": "New", "description": "", "date": "2047-01-01T00:00:00Z"}
    body = (await client.patch(path(event), json=given)).json()
    assert body | given == {**body, "date": "2047-01-01T00:00:00Z"}
    assert body["date"] == "2047-01-01T00:00:00+00:00"
    assert body["availability"] == 60


async def test_empty_change_keeps_everything(client: AsyncClient, database: Database) -> None:
    event = await make_event(database)
    before = (await client.get(path(event))).json()
    response = await client.patch(path(event), json={})
    assert (response.status_code, response.json()) == (200, before)


async def test_deleting_an_event_hides_it_and_cancels_its_reservations(client: AsyncClient, database: Database) -> None:
    event = await make_event(database)
    row = await make_event_reservation(database, event=event, tickets=3)
    assert (await client.delete(path(event))).status_code == 204
    for method in ("GET", "PATCH", "DELETE"):
        response = await client.request(method, path(event), json={} if method == "PATCH" else None)
        assert response.status_code == 422
        assert response.json() == {"message": f"Event with event id: {path(event)[8:]} doesn't exist."}
    found = (await client.get(f"/reservations/{ids.to_uuid('evr', row.id)}")).json()
    assert (found["cancelled"], found["no_of_tickets"]) == (True, 3)
    assert await availability(database, event) == 100
