"""Events through GraphQL: lists, search, what staff do to them, and reservations of their tickets."""

import asyncio
from typing import Any, Final

import pytest

from db import ids
from db.engine import Database
from db.models import EventReservation, User
from domain import instants
from tests.support.documents import barred, done, refused, send
from tests.support.factories import make_user, soon
from tests.support.graphql_client import GraphQL
from tests.support.ticketing import availability, make_event, make_event_reservation, unbalanced

LIST: Final = "query ($filter: EventFilter) { events(filter: $filter) { totalCount nodes { name } } }"
ONE: Final = "query ($id: ID!) { event(id: $id) { id uuid name availability capacity } }"
MINE: Final = "{ viewer { eventReservations { totalCount nodes { id tickets event { id name availability } } } } }"
NODE: Final = "query ($id: ID!) { node(id: $id) { ... on EventReservation { tickets cancelled } } }"
FACTS: Final[dict[str, Any]] = {
    "name": "Rocket to Mars",
    "description": "And back.",
    "date": "2047-10-21T11:00:00+02:00",
    "availability": 200,
}
STAFFS: Final[dict[str, dict[str, Any]]] = {
    "createEvent": FACTS,
    "updateEvent": {"id": "evt_1", "name": "x"},
    "deleteEvent": {"id": "evt_1"},
}
USERS: Final[dict[str, dict[str, Any]]] = {
    "reserveTickets": {"eventId": "evt_1", "tickets": 1},
    "updateEventReservation": {"id": "evr_1", "tickets": 1},
    "cancelEventReservation": {"id": "evr_1"},
}
MISSING: Final[list[tuple[str, str, list[str]]]] = [("NotFound", "RESERVATION_NOT_FOUND", ["input", "id"])]


@pytest.fixture
async def staff(database: Database) -> User:
    """Who may change events."""
    return await make_user(database, is_staff=True)


@pytest.fixture
async def user(database: Database) -> User:
    """Who reserves."""
    return await make_user(database)


async def names(graphql: GraphQL, **given: Any) -> list[str]:
    """Return the names in the list."""
    found = (await graphql(LIST, {"filter": given})).data["events"]
    assert found["totalCount"] == len(found["nodes"])
    return [node["name"] for node in found["nodes"]]


async def test_events_are_listed_earliest_first(database: Database, graphql: GraphQL) -> None:
    dates = {name: soon(hours) for name, hours in (("Bal", 72), ("Piano", 24), ("Métropolis", 48))}
    for name, date in dates.items():
        await make_event(database, name=name, date=date, taken=100 if name == "Piano" else 0)
    assert await names(graphql) == ["Piano", "Métropolis", "Bal"]
    assert await names(graphql, availableOnly=True) == ["Métropolis", "Bal"]
    assert await names(graphql, search="metroplis") == ["Métropolis"]
    assert await names(graphql, **{"from": instants.spell(dates["Métropolis"])}) == ["Métropolis", "Bal"]
    assert await names(graphql, to=instants.spell(dates["Métropolis"])) == ["Piano", "Métropolis"]


async def test_refuses_events_whose_range_ends_before_its_beginning(graphql: GraphQL) -> None:
    document = "query ($f: EventFilter) { events(filter: $f) { nodes { id } } }"
    range_ = {"from": instants.spell(soon(2)), "to": instants.spell(soon(1))}
    assert (await graphql(document, {"f": range_})).codes == ["INVALID_DATE"]
    assert (await graphql(document, {"f": {"from": range_["to"], "to": range_["to"]}})).codes == []


async def test_uuid_and_id_name_same_event(database: Database, graphql: GraphQL) -> None:
    event = await make_event(database, taken=40)
    assert (await graphql(ONE, {"id": f"evt_{event.id}"})).data["event"] == {
        "id": f"evt_{event.id}",
        "uuid": str(ids.to_uuid("evt", event.id)),
        "name": event.name,
        "availability": 60,
        "capacity": 100,
    }
    assert (await graphql(ONE, {"id": "evt_1"})).data == {"event": None}
    for wrong in (f"mov_{event.id}", str(ids.to_uuid("evt", event.id)), "x"):
        assert (await graphql(ONE, {"id": wrong})).codes == ["INVALID_ID"]


async def test_staff_create_change_and_delete_events(database: Database, graphql: GraphQL, staff: User) -> None:
    made = (await done(graphql, "createEvent", by=staff, **FACTS))["event"]
    assert made["date"] == "2047-10-21T09:00:00Z"
    assert (made["name"], made["availability"], made["capacity"]) == ("Rocket to Mars", 200, 200)
    changed = (await done(graphql, "updateEvent", by=staff, id=made["id"], name="Rocket!"))["event"]
    assert changed == made | {"name": "Rocket!", "updatedAt": changed["updatedAt"]}
    same = (await done(graphql, "updateEvent", by=staff, id=made["id"]))["event"]
    assert same == changed
    assert await done(graphql, "deleteEvent", by=staff, id=made["id"]) == {"deletedId": made["id"]}
    for mutation in ("updateEvent", "deleteEvent"):
        given = {"id": made["id"]}
        assert await refused(graphql, mutation, by=staff, **given) == [("NotFound", "EVENT_NOT_FOUND", ["input", "id"])]
    assert await names(graphql) == []
    assert await database.primary.value("SELECT count(*) FROM events") == 1


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"name": " "}, "INVALID_INPUT", "name"),
        ({"name": "x" * 201}, "INVALID_INPUT", "name"),
        ({"description": "x" * 5001}, "INVALID_INPUT", "description"),
        ({"availability": -1}, "INVALID_INPUT", "availability"),
        ({"date": "0001-01-01T00:00:00+14:00"}, "INVALID_DATE", "date"),
        ({"date": "9999-12-31T23:59:59-12:00"}, "INVALID_DATE", "date"),
    ],
)
async def test_refuses_invalid_values_of_event(
    graphql: GraphQL, staff: User, given: dict[str, Any], code: str, field: str
) -> None:
    refusal = await refused(graphql, "createEvent", by=staff, **FACTS | given)
    assert refusal == [("InvalidInput", code, ["input", field])]
    assert await names(graphql) == []


async def test_refuses_all_faults_of_event_at_once(graphql: GraphQL, staff: User) -> None:
    faults = await refused(graphql, "createEvent", by=staff, **FACTS | {"name": "", "availability": -1})
    assert [path for _, _, path in faults] == [["input", "name"], ["input", "availability"]]


@pytest.mark.parametrize("mutation", [*STAFFS, *USERS])
async def test_only_staff_may_change_events(graphql: GraphQL, user: User, mutation: str) -> None:
    given = STAFFS.get(mutation) or USERS[mutation]
    assert await barred(graphql, mutation, **given) == "UNAUTHENTICATED"
    if mutation in STAFFS:
        assert await barred(graphql, mutation, by=user, **given) == "FORBIDDEN"
        assert await names(graphql) == []
    else:
        assert (await send(graphql, mutation, by=user, **given)).data


@pytest.mark.parametrize(
    ("mutation", "given", "field"),
    [
        ("reserveTickets", {"eventId": "evr_1", "tickets": 1}, "eventId"),
        ("updateEventReservation", {"id": "evt_1", "tickets": 1}, "id"),
        ("cancelEventReservation", {"id": "nonsense"}, "id"),
        ("updateEvent", {"id": "mov_1"}, "id"),
        ("deleteEvent", {"id": ""}, "id"),
    ],
)
async def test_refuses_malformed_id_with_its_path(
    graphql: GraphQL, staff: User, mutation: str, given: dict[str, Any], field: str
) -> None:
    refusal = await refused(graphql, mutation, by=staff, **given)
    assert refusal == [("InvalidInput", "INVALID_ID", ["input", field])]


async def test_reservation_is_made_changed_and_cancelled(database: Database, graphql: GraphQL, user: User) -> None:
    event = await make_event(database, capacity=5)
    made = (await done(graphql, "reserveTickets", by=user, eventId=f"evt_{event.id}", tickets=2))["reservation"]
    assert (made["tickets"], made["cancelled"]) == (2, False)
    assert made["event"] == {"id": f"evt_{event.id}", "availability": 3}
    assert made["uuid"] == str(ids.to_uuid("evr", int(made["id"][4:])))
    changed = (await done(graphql, "updateEventReservation", by=user, id=made["id"], tickets=5))["reservation"]
    assert (changed["tickets"], changed["event"]["availability"]) == (5, 0)
    assert changed["updatedAt"] > made["updatedAt"]
    for _ in range(2):
        gone = (await done(graphql, "cancelEventReservation", by=user, id=made["id"]))["reservation"]
        assert (gone["tickets"], gone["cancelled"], gone["event"]["availability"]) == (5, True, 5)
    again = await refused(graphql, "updateEventReservation", by=user, id=made["id"], tickets=1)
    assert again == [("Conflict", "RESERVATION_CANCELLED", [])]
    assert await unbalanced(database) == []


async def test_refuses_reservation_with_number_of_tickets_left(
    database: Database, graphql: GraphQL, user: User
) -> None:
    event = await make_event(database, capacity=5)
    row = await make_event_reservation(database, event=event, user=user, tickets=3)
    for mutation, given in (
        ("reserveTickets", {"eventId": f"evt_{event.id}", "tickets": 3}),
        ("updateEventReservation", {"id": f"evr_{row.id}", "tickets": 6}),
    ):
        payload = (await send(graphql, mutation, by=user, **given)).data[mutation]
        assert payload["reservation"] is None
        (error,) = payload["errors"]
        assert (error["__typename"], error["seatsAvailable"]) == ("SeatsUnavailable", 2)
        assert error["path"] == ["input", "tickets"]
        assert error["message"] == "There are 2 more at most. Nothing was changed."
    assert await availability(database, event) == 2


@pytest.mark.parametrize("tickets", [0, -1])
async def test_refuses_reservation_of_less_than_one_ticket(
    database: Database, graphql: GraphQL, user: User, tickets: int
) -> None:
    row = await make_event_reservation(database, user=user)
    expected = [("InvalidInput", "INVALID_INPUT", ["input", "tickets"])]
    given = {"eventId": f"evt_{row.event_id}", "tickets": tickets}
    assert await refused(graphql, "reserveTickets", by=user, **given) == expected
    given = {"id": f"evr_{row.id}", "tickets": tickets}
    assert await refused(graphql, "updateEventReservation", by=user, **given) == expected


@pytest.mark.alone
async def test_200_buyers_get_100_tickets(database: Database, graphql: GraphQL, user: User) -> None:
    event = await make_event(database, capacity=100)
    given = {"eventId": f"evt_{event.id}", "tickets": 1}
    answers = await asyncio.gather(*(send(graphql, "reserveTickets", by=user, **given) for _ in range(200)))
    payloads = [answer.data["reserveTickets"] for answer in answers]
    assert sum(payload["reservation"] is not None for payload in payloads) == 100
    codes = [error["code"] for payload in payloads for error in payload["errors"]]
    assert codes == ["SEATS_UNAVAILABLE"] * 100
    assert await unbalanced(database) == []


async def tickets_of(graphql: GraphQL, row: EventReservation, by: User | None) -> int | None:
    node = (await graphql(NODE, {"id": f"evr_{row.id}"}, by=by)).data["node"]
    return node and int(node["tickets"])


async def test_reservation_is_visible_to_its_user_and_staff_only(
    database: Database, graphql: GraphQL, user: User, staff: User
) -> None:
    other = await make_user(database)
    own = await make_event_reservation(database, user=user, tickets=2)
    nobodys = await make_event_reservation(database, tickets=3)
    seen = ((None, None, None), (user, 2, None), (other, None, None), (staff, 2, 3))
    for by, *expected in seen:
        assert [await tickets_of(graphql, row, by) for row in (own, nobodys)] == expected
    for by, row in ((other, own), (other, nobodys), (user, nobodys)):
        given: dict[str, Any] = {"id": f"evr_{row.id}"}
        assert await refused(graphql, "cancelEventReservation", by=by, **given) == MISSING
        assert await refused(graphql, "updateEventReservation", by=by, **given, tickets=1) == MISSING
    for row in (own, nobodys):
        assert (await done(graphql, "cancelEventReservation", by=staff, id=f"evr_{row.id}"))["reservation"]["cancelled"]


async def test_filters_reservations_by_event_date_and_cancellation(
    database: Database, graphql: GraphQL, user: User
) -> None:
    past, later = await make_event(database, date=soon(-24)), await make_event(database, date=soon(24))
    over, mine, cancelled = [
        await make_event_reservation(database, user=user, event=event, cancelled=is_cancelled)
        for event, is_cancelled in ((past, False), (later, False), (later, True))
    ]
    document = (
        "query ($f: EventReservationFilter) { viewer { eventReservations(filter: $f) { totalCount nodes { id } } } }"
    )
    for filter_, expected in (
        ({}, [cancelled, mine, over]),
        ({"liveOnly": True}, [mine, over]),
        ({"eventId": f"evt_{later.id}"}, [cancelled, mine]),
        ({"liveOnly": True, "from": instants.spell(soon(0))}, [mine]),
        ({"liveOnly": True, "eventId": f"evt_{past.id}", "from": instants.spell(soon(0))}, []),
    ):
        found = (await graphql(document, {"f": filter_}, by=user)).data["viewer"]["eventReservations"]
        assert [node["id"] for node in found["nodes"]] == [f"evr_{row.id}" for row in expected], filter_
        assert found["totalCount"] == len(expected)


async def test_reservations_are_listed_newest_first_even_of_deleted_event(
    database: Database, graphql: GraphQL, user: User, staff: User
) -> None:
    rows = [await make_event_reservation(database, user=user, tickets=tickets) for tickets in (1, 2)]
    await make_event_reservation(database, user=staff)
    await done(graphql, "deleteEvent", by=staff, id=f"evt_{rows[0].event_id}")
    found = (await graphql(MINE, by=user)).data["viewer"]["eventReservations"]
    assert found["totalCount"] == 2
    assert [node["id"] for node in found["nodes"]] == [f"evr_{row.id}" for row in reversed(rows)]
    assert [node["event"]["id"] for node in found["nodes"]] == [f"evt_{row.event_id}" for row in reversed(rows)]
    assert found["nodes"][1]["event"]["availability"] == 100
    assert (await graphql(ONE, {"id": f"evt_{rows[0].event_id}"})).data == {"event": None}
