"""The counter through GraphQL: shows for anybody, names and numbers for staff alone."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import pytest

from db.engine import Database
from db.models import Show, Ticket, User
from domain import instants
from tests.support.documents import barred, done, refused, send
from tests.support.factories import make_user, soon
from tests.support.graphql_client import GraphQL
from tests.support.ticketing import make_show, make_ticket, sold, unbalanced

SHOW: Final = """query ($id: ID, $at: DateTime) {
    show(id: $id, showTiming: $at) { id showTiming ticketCount ticketLimit }
}"""
SECRET: Final = "Augusta Ada King"
NUMBER: Final = "+33 1 99 00 99 99"
BOOKED: Final[dict[str, Any]] = {"userName": SECRET, "phoneNumber": NUMBER, "ticketCount": 3}
# Every way to a name or a number.
WAYS: Final = {
    "ticket": 'query { ticket(id: "{ticket}") { id userName phoneNumber ticketCount expiresAt } }',
    "node": 'query { node(id: "{ticket}") { id ... on Ticket { userName phoneNumber } } }',
    "nodes": 'query { nodes(ids: ["{ticket}"]) { id ... on Ticket { userName phoneNumber show { id } } } }',
    "show": 'query { show(id: "{show}") { tickets { nodes { userName phoneNumber } } } }',
    "edges": 'query { show(id: "{show}") { tickets(last: 1) { edges { cursor node { userName } } } } }',
    "count": 'query { show(id: "{show}") { tickets { totalCount pageInfo { endCursor } } } }',
    "show by node": 'query { node(id: "{show}") { ... on Show { tickets { nodes { phoneNumber } } } } }',
    "update": 'mutation { updateTicketTiming(input: {id: "{ticket}", showTiming: "2047-01-01T00:00:00Z"}) {'
    " ticket { userName phoneNumber } errors { message } } }",
    "book": 'mutation { bookTicket(input: {userName: "x", phoneNumber: "1", ticketCount: 1, showTiming: "{timing}"}) {'
    " ticket { show { tickets { nodes { userName phoneNumber } } } } errors { message } } }",
    "delete": 'mutation { deleteTicket(input: {id: "{ticket}"}) { deletedId errors { message } } }',
}
MISSING: Final[list[tuple[str, str, list[str]]]] = [("NotFound", "TICKET_NOT_FOUND", ["input", "id"])]


@pytest.fixture
async def staff(database: Database) -> User:
    """Who sells tickets."""
    return await make_user(database, is_staff=True)


@pytest.fixture
async def show(database: Database) -> Show:
    """A show."""
    return await make_show(database)


@pytest.fixture
async def ticket(database: Database, show: Show) -> Ticket:
    """A ticket with a secret."""
    return await make_ticket(database, show=show, user_name=SECRET, phone_number=NUMBER, ticket_count=2)


@pytest.mark.parametrize("way", WAYS)
async def test_only_staff_see_names_and_telephone_numbers(
    database: Database, graphql: GraphQL, show: Show, ticket: Ticket, way: str
) -> None:
    document = WAYS[way].replace("{ticket}", f"tkt_{ticket.id}").replace("{show}", f"shw_{show.id}")
    document = document.replace("{timing}", instants.spell(show.show_timing))
    for by, code in ((None, "UNAUTHENTICATED"), (await make_user(database), "FORBIDDEN")):
        answer = await graphql(document, by=by)
        text = answer.response.text
        assert SECRET not in text
        assert NUMBER not in text
        assert '"totalCount":1' not in text
        if way in {"node", "nodes"}:
            assert answer.data in ({"node": None}, {"nodes": [None]})
        else:
            assert answer.codes == [code]
    assert await sold(database, show) == 2


async def test_staff_see_tickets_with_personal_data(graphql: GraphQL, staff: User, show: Show, ticket: Ticket) -> None:
    document = """query ($show: ID!, $ticket: ID!) {
        show(id: $show) { tickets { totalCount nodes { id userName phoneNumber ticketCount } } }
        ticket(id: $ticket) { userName expiresAt show { id showTiming } }
    }"""
    data = (await graphql(document, {"show": f"shw_{show.id}", "ticket": f"tkt_{ticket.id}"}, by=staff)).data
    (found,) = data["show"]["tickets"]["nodes"]
    assert found == {"id": f"tkt_{ticket.id}", "userName": SECRET, "phoneNumber": NUMBER, "ticketCount": 2}
    assert data["ticket"] == {
        "userName": SECRET,
        "expiresAt": instants.spell(show.show_timing + timedelta(hours=8)),
        "show": {"id": f"shw_{show.id}", "showTiming": instants.spell(show.show_timing)},
    }


async def test_finds_show_by_id_or_exact_time(database: Database, graphql: GraphQL, show: Show) -> None:
    other = await make_show(database, hours=48)
    expected = {
        "id": f"shw_{show.id}",
        "showTiming": instants.spell(show.show_timing),
        "ticketCount": 0,
        "ticketLimit": 20,
    }
    at = instants.spell(show.show_timing)
    for given in ({"id": f"shw_{show.id}"}, {"at": at}, {"id": f"shw_{show.id}", "at": at}):
        assert (await graphql(SHOW, given)).data["show"] == expected
    for given in (
        {"id": "shw_1"},
        {"at": "2047-01-01T00:00:00Z"},
        {"id": f"shw_{show.id}", "at": instants.spell(other.show_timing)},
    ):
        assert (await graphql(SHOW, given)).data == {"show": None}
    assert (await graphql(SHOW)).codes == ["INVALID_INPUT"]
    assert (await graphql(SHOW, {"id": "tkt_1"})).codes == ["INVALID_ID"]
    assert (await graphql(SHOW, {"at": "2047-01-01T00:00:00"})).codes == ["INVALID_DATE"]


async def test_ticket_is_sold_moved_and_deleted(database: Database, graphql: GraphQL, staff: User) -> None:
    times = [instants.spell(soon(hours)) for hours in (24, 48)]
    booked = (await done(graphql, "bookTicket", by=staff, **BOOKED, showTiming=times[0]))["ticket"]
    assert {name: booked[name] for name in BOOKED} == BOOKED
    assert booked["show"] == booked["show"] | {"showTiming": times[0], "ticketCount": 3, "ticketLimit": 20}
    moved = (await done(graphql, "updateTicketTiming", by=staff, id=booked["id"], showTiming=times[1]))["ticket"]
    assert moved["id"] == booked["id"]
    assert moved["show"] == moved["show"] | {"showTiming": times[1], "ticketCount": 3}
    assert moved["expiresAt"] == instants.spell(soon(56))
    assert await done(graphql, "deleteTicket", by=staff, id=booked["id"]) == {"deletedId": booked["id"]}
    assert await refused(graphql, "deleteTicket", by=staff, id=booked["id"]) == MISSING
    assert await refused(graphql, "updateTicketTiming", by=staff, id=booked["id"], showTiming=times[0]) == MISSING
    answer = await graphql("query ($id: ID!) { ticket(id: $id) { id } }", {"id": booked["id"]}, by=staff)
    assert answer.data == {"ticket": None}
    assert await unbalanced(database) == []


@pytest.mark.alone
async def test_20_of_40_concurrent_callers_get_ticket(database: Database, graphql: GraphQL, staff: User) -> None:
    given = {**BOOKED, "ticketCount": 1, "showTiming": instants.spell(soon())}
    answers = await asyncio.gather(*(send(graphql, "bookTicket", by=staff, **given) for _ in range(40)))
    payloads = [answer.data["bookTicket"] for answer in answers]
    assert sum(payload["ticket"] is not None for payload in payloads) == 20
    errors = [error for payload in payloads for error in payload["errors"]]
    assert {(error["code"], error["seatsAvailable"]) for error in errors} == {("SEATS_UNAVAILABLE", 0)}
    assert await unbalanced(database) == []


async def test_refuses_move_into_full_show(database: Database, graphql: GraphQL, staff: User, ticket: Ticket) -> None:
    full = await make_show(database, hours=48)
    await make_ticket(database, show=full, ticket_count=19)
    at = instants.spell(full.show_timing)
    payload = (await send(graphql, "updateTicketTiming", by=staff, id=f"tkt_{ticket.id}", showTiming=at)).data
    (error,) = payload["updateTicketTiming"]["errors"]
    assert (error["code"], error["seatsAvailable"], error["path"]) == ("SEATS_UNAVAILABLE", 1, ["input", "showTiming"])
    assert await sold(database, full) == 19


def wrongs() -> Iterator[tuple[dict[str, Any], str, str]]:
    """Yield what no ticket has, with the code and the field of its refusal."""
    yield {"userName": " "}, "INVALID_INPUT", "userName"
    yield {"phoneNumber": "1" * 51}, "INVALID_INPUT", "phoneNumber"
    yield {"ticketCount": 0}, "INVALID_INPUT", "ticketCount"
    yield {"showTiming": "1999-01-01T00:00:00Z"}, "INVALID_DATE", "showTiming"
    yield {"showTiming": "9999-12-31T23:00:00-12:00"}, "INVALID_DATE", "showTiming"


@pytest.mark.parametrize(("given", "code", "field"), list(wrongs()))
async def test_refuses_invalid_values_of_ticket(
    graphql: GraphQL, staff: User, given: dict[str, Any], code: str, field: str
) -> None:
    asked = {**BOOKED, "showTiming": "2047-01-01T00:00:00Z"} | given
    assert await refused(graphql, "bookTicket", by=staff, **asked) == [("InvalidInput", code, ["input", field])]
    assert (await graphql(SHOW, {"at": "2047-01-01T00:00:00Z"})).data == {"show": None}


@pytest.mark.parametrize("mutation", ["bookTicket", "updateTicketTiming", "deleteTicket"])
async def test_only_staff_may_sell_tickets(database: Database, graphql: GraphQL, mutation: str) -> None:
    asked: dict[str, dict[str, Any]] = {
        "bookTicket": {**BOOKED, "showTiming": "2047-01-01T00:00:00Z"},
        "updateTicketTiming": {"id": "tkt_1", "showTiming": "2047-01-01T00:00:00Z"},
        "deleteTicket": {"id": "tkt_1"},
    }
    assert await barred(graphql, mutation, **asked[mutation]) == "UNAUTHENTICATED"
    assert await barred(graphql, mutation, by=await make_user(database), **asked[mutation]) == "FORBIDDEN"
    assert await database.primary.value("SELECT count(*) FROM shows") == 0


async def test_show_and_its_tickets_expire_eight_hours_after_start(
    database: Database, graphql: GraphQL, staff: User
) -> None:
    show = await make_show(database, hours=-8)
    ticket = await make_ticket(database, show=show)
    document = """query ($show: ID!, $ticket: ID!, $at: DateTime!) {
        byId: show(id: $show) { id } byTime: show(showTiming: $at) { id } ticket(id: $ticket) { id }
        nodes(ids: [$show, $ticket]) { id }
    }"""
    given = {"show": f"shw_{show.id}", "ticket": f"tkt_{ticket.id}", "at": instants.spell(show.show_timing)}
    data = (await graphql(document, given, by=staff)).data
    assert data == {"byId": None, "byTime": None, "ticket": None, "nodes": [None, None]}
    assert await refused(graphql, "deleteTicket", by=staff, id=f"tkt_{ticket.id}") == MISSING
