"""Faulty requests on the events surface: answered in its error shapes, never by a 500, and nothing is changed."""

import json
from typing import Any, Final

import pytest
from httpx import AsyncClient, Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import ids
from db.engine import Database
from tests.support.ticketing import make_event, make_event_reservation

EVENT: Final = {"name": "Rocket", "description": "To Mars", "date": "2047-10-21T09:00:00Z", "availability": 3}
REQUIRED: Final = ["Missing data for required field."]
UNKNOWN: Final = ["Unknown field."]
COUNTS: Final = """
    SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM event_reservations),
        (SELECT sum(taken) FROM events), (SELECT sum(tickets) FROM event_reservations),
        (SELECT max(updated_at) FROM events), (SELECT max(updated_at) FROM event_reservations)
"""
TOO_LARGE: Final = [2**31, 2**63, 2**64, 10**30, 1e300]
NO_NUMBERS: Final[list[object]] = ["1", "", None, True, False, [], {}, [1], 1.5, *TOO_LARGE]
NO_TEXTS: Final[list[object]] = [1, None, True, [], {}, ["x"], "\0", "a\0b"]
NO_DATES: Final[list[object]] = [
    "2047-10-21T09:00:00",
    "2047-10-21",
    "2047-02-30T09:00:00Z",
    "2047-13-01T09:00:00Z",
    "2047-10-21T25:00:00Z",
    "2047-10-21T09:00:00+99:00",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "10000-01-01T00:00:00Z",
    "tomorrow",
    "",
    "\0",
    "1e9",
    1697878800,
    None,
    True,
    [],
    {},
]
NO_UUIDS: Final = [
    "x",
    "%00",
    "1",
    "evt_1",
    "4b029817",
    "{4b029817-f723-4695-9281-ec126747cba2}",
    "a" * 500,
    "%F0%9F%8E%9F",
]


@pytest.fixture
async def known(database: Database) -> tuple[str, str]:
    """The ids of an event and of a reservation of it."""
    event = await make_event(database, capacity=10)
    row = await make_event_reservation(database, event=event, tickets=2)
    return str(ids.to_uuid("evt", event.id)), str(ids.to_uuid("evr", row.id))


async def state(database: Database) -> tuple[Any, ...]:
    return (await database.primary.tuples(COUNTS))[0]


def faults(response: Response) -> dict[str, list[str]]:
    """Return what is wrong with each field, after making sure of the shape."""
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/json"
    found: dict[str, list[str]] = response.json()
    assert all(texts and all(map(str.strip, texts)) for texts in found.values())
    return found


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("name", value) for value in [*NO_TEXTS, "", " ", "\u200b", "a\x07", "x" * 201]),
        *(("description", value) for value in [*NO_TEXTS, "x" * 5001]),
        *(("date", value) for value in NO_DATES),
        *(("availability", value) for value in [*NO_NUMBERS, -1]),
    ],
)
async def test_refuses_event_with_one_invalid_field(
    client: AsyncClient, database: Database, field: str, value: object
) -> None:
    assert set(faults(await client.post("/events/", json={**EVENT, field: value}))) == {field}
    assert (await state(database))[0] == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("name", value) for value in [*NO_TEXTS, "", " ", "\u200b", "a\x07", "x" * 201]),
        *(("description", value) for value in [*NO_TEXTS, "x" * 5001]),
        *(("date", value) for value in NO_DATES),
        *((name, 1) for name in ("availability", "id", "created_at", "colour")),
    ],
)
async def test_refuses_event_change_with_one_invalid_field(
    client: AsyncClient, database: Database, known: tuple[str, str], field: str, value: object
) -> None:
    before = await state(database)
    assert set(faults(await client.patch(f"/events/{known[0]}", json={"name": "New", field: value}))) == {field}
    assert await state(database) == before


@pytest.mark.parametrize("value", [*NO_NUMBERS, 0, -1, -(2**40)])
async def test_refuses_invalid_number_of_tickets(
    client: AsyncClient, database: Database, known: tuple[str, str], value: object
) -> None:
    before, (event_id, reservation_id) = await state(database), known
    made = await client.post("/reservations/", json={"event_id": event_id, "no_of_tickets": value})
    changed = await client.patch(f"/reservations/{reservation_id}", json={"no_of_tickets": value})
    assert set(faults(made)) == set(faults(changed)) == {"no_of_tickets"}
    assert await state(database) == before


@pytest.mark.parametrize("value", [1, None, True, [], {}, "\0", f"{'a' * 8}\0"])
async def test_reports_non_text_id_as_invalid_field(client: AsyncClient, value: object) -> None:
    response = await client.post("/reservations/", json={"event_id": value, "no_of_tickets": 1})
    assert set(faults(response)) == {"event_id"}


async def test_reports_every_fault_of_a_body_at_once(client: AsyncClient) -> None:
    body = {"name": 1, "date": "soon", "availability": -1, "colour": "red", "size": 2}
    assert faults(await client.post("/events/", json=body)) == {
        "name": ["Must be a valid string."],
        "description": REQUIRED,
        "date": ["Must be an instant with its offset, such as 2047-10-21T09:00:00Z."],
        "availability": ["Must be greater than or equal to 0."],
        "colour": UNKNOWN,
        "size": UNKNOWN,
    }
    assert faults(await client.post("/events/", json={})) == dict.fromkeys(EVENT, REQUIRED)
    assert faults(await client.post("/reservations/", json={})) == {"event_id": REQUIRED, "no_of_tickets": REQUIRED}


async def test_reports_missing_total_only_without_other_faults(client: AsyncClient, known: tuple[str, str]) -> None:
    address = f"/reservations/{known[1]}"
    assert faults(await client.patch(address, json={})) == {"no_of_tickets": REQUIRED}
    assert faults(await client.patch(address, json={"colour": "red", "cancelled": True})) == {
        "colour": UNKNOWN,
        "cancelled": UNKNOWN,
    }
    assert set(faults(await client.patch(address, json={"no_of_tickets": 0, "size": 2}))) == {"no_of_tickets", "size"}


@pytest.mark.parametrize("spelled", NO_UUIDS)
async def test_treats_malformed_uuid_as_missing(client: AsyncClient, spelled: str) -> None:
    event = await client.get(f"/events/{spelled}")
    assert (event.status_code, set(event.json())) == (422, {"message"})
    assert event.json()["message"].startswith("Event with event id: ")
    for method in ("GET", "PATCH", "DELETE"):
        body = {"no_of_tickets": 1} if method == "PATCH" else None
        response = await client.request(method, f"/reservations/{spelled}", json=body)
        assert (response.status_code, set(response.json())) == (404, {"message"})
        assert response.json()["message"].startswith("Reservation with reservation id: ")
    made = await client.post("/reservations/", json={"event_id": spelled, "no_of_tickets": 1})
    assert (made.status_code, made.json()) == (404, {"message": f"Event with event id: {spelled} doesn't exist."})


async def test_treats_uuid_of_another_kind_as_missing(client: AsyncClient, known: tuple[str, str]) -> None:
    event_id, reservation_id = known
    assert (await client.get(f"/events/{reservation_id}")).status_code == 422
    assert (await client.get(f"/reservations/{event_id}")).status_code == 404


@pytest.mark.parametrize(
    ("request_line", "content", "kind", "status"),
    [
        ("POST /events/", b"", "application/json", 400),
        ("POST /events/", b"{", "application/json", 400),
        ("POST /events/", b"\xff", "application/json", 400),
        ("POST /events/", b'{"name": "\\ud800"}', "application/json", 400),
        ("POST /events/", b"[" * 100_000, "application/json", 400),
        ("POST /events/", b'{"availability": NaN}', "application/json", 400),
        ("POST /events/", b"{}", "text/plain", 415),
        ("POST /reservations/", b"event_id=1", "application/x-www-form-urlencoded", 415),
        ("POST /events/", b"{" + b" " * 1024 * 1024 + b"}", "application/json", 413),
        ("PUT /events/", b"{}", "application/json", 405),
        ("POST /events/x", b"{}", "application/json", 405),
        ("PUT /reservations/x", b"{}", "application/json", 405),
        ("GET /events/x/y", b"", "application/json", 404),
        ("GET /reservations/x/y/", b"", "application/json", 404),
    ],
)
async def test_unreadable_or_unrouted_requests_get_the_surfaces_error_shape(
    client: AsyncClient, request_line: str, content: bytes, kind: str, status: int
) -> None:
    method, _, address = request_line.partition(" ")
    response = await client.request(method, address, content=content, headers={"Content-Type": kind})
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) == {"message"}
    assert ("allow" in response.headers) == (status == 405)


@pytest.mark.parametrize("body", [[], "x", 1, None, True, [EVENT]])
async def test_refuses_body_that_is_not_an_object(client: AsyncClient, known: tuple[str, str], body: object) -> None:
    for method, address in (
        ("POST", "/events/"),
        ("PATCH", f"/events/{known[0]}"),
        ("POST", "/reservations/"),
        ("PATCH", f"/reservations/{known[1]}"),
    ):
        response = await client.request(method, address, content=json.dumps(body), headers=AS_JSON)
        assert faults(response) == {"body": ["Must be a JSON object."]}


AS_JSON: Final = {"Content-Type": "application/json"}
JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)
BODIES: Final = JSON | st.fixed_dictionaries(
    {}, optional=dict.fromkeys((*EVENT, "event_id", "no_of_tickets", "cancelled"), JSON)
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES, target=st.sampled_from([("POST", "/events/"), ("POST", "/reservations/"), ("PATCH", "/events/{}")]))
async def test_no_json_body_causes_a_500(
    client: AsyncClient, known: tuple[str, str], body: object, target: tuple[str, str]
) -> None:
    method, address = target
    response = await client.request(method, address.format(known[0]), json=body)
    assert response.status_code in {200, 201, 400, 404, 422}, response.text
