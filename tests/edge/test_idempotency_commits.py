"""Which requests with a key share a transaction, and that those whose batch failed are done by themselves, over HTTP."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest
from graphql import GraphQLObjectType
from httpx import AsyncClient, Response

from db import ids
from db.engine import Database
from db.models import Booking, User
from db.request_transaction import RequestTransaction
from edge import idempotency_batching
from edge.batched_request import BatchUndone
from graphql_server.executable_schema import GRAPHQL
from graphql_server.field_declarations import find_declaration
from rest.endpoint import Endpoint
from rest.endpoints import ENDPOINTS
from tests.edge.test_idempotency import MAKERS, SHOW, name
from tests.support.factories import bearer, make_booking, make_session, make_user, soon
from tests.support.seats import seen, taken, unbalanced
from tests.support.ticketing import make_event, make_event_reservation

Door = Callable[[AsyncClient, User, Booking, str], Awaitable[Response]]
Make = Callable[[Database, User], Awaitable[dict[str, Any]]]

TRANSACTIONS: Final = "SELECT count(DISTINCT xmin::text) FROM idempotency_keys"
RESERVE: Final = """mutation ($booking: ID!, $seats: Int!) { reserveSeats(input: {bookingId: $booking, seats: $seats}) {
    booking { reservedSeats } errors { code }
} }"""
RESERVE_AND_READ: Final = RESERVE.replace("reservedSeats }", "reservedSeats session { seatsAvailable } }")


async def by_rest(client: AsyncClient, user: User, held: Booking, key: str) -> Response:
    path, headers = f"/v1/bookings/{ids.encode('bok', held.id)}/reserve", bearer(user) | {"Idempotency-Key": key}
    return await client.post(path, json={"seats": 1}, headers=headers)


def by_graphql(document: str) -> Door:
    async def reserve(client: AsyncClient, user: User, held: Booking, key: str) -> Response:
        variables = {"booking": ids.encode("bok", held.id), "seats": 1}
        body, headers = {"query": document, "variables": variables}, bearer(user) | {"Idempotency-Key": key}
        return await client.post("/graphql", json=body, headers=headers)

    return reserve


SHARING: Final = [pytest.param(by_rest, id="rest"), pytest.param(by_graphql(RESERVE), id="graphql")]


async def reserve_together(client: AsyncClient, database: Database, door: Door, *, number: int) -> list[Response]:
    """Return the answers to requests that arrive together, each for a booking of its own, and check the books."""
    user, of = await make_user(database), await make_session(database, capacity=100)
    held = [await make_booking(database, user=user, session=of) for _ in range(number)]
    answers = await asyncio.gather(*(door(client, user, each, f"key {n}") for n, each in enumerate(held)))
    again = await asyncio.gather(*(door(client, user, each, f"key {n}") for n, each in enumerate(held)))
    assert [answer.content for answer in again] == [answer.content for answer in answers]
    assert all(answer.headers["idempotent-replayed"] == "true" for answer in again)
    assert [(await seen(database, each)).reserved_seats for each in held] == [1] * number
    assert await taken(database, of) == number
    assert not await unbalanced(database)
    return answers


@pytest.mark.parametrize("door", SHARING)
async def test_requests_that_arrive_together_share_commits(client: AsyncClient, database: Database, door: Door) -> None:
    answers = await reserve_together(client, database, door, number=30)
    assert [answer.status_code for answer in answers] == [200] * 30
    assert not any("idempotent-replayed" in answer.headers for answer in answers)
    # How many of them are in the first batch depends on the machine.
    assert await database.primary.value(TRANSACTIONS) < 30


async def test_mutation_that_reads_after_its_change_has_a_transaction_of_its_own(
    client: AsyncClient, database: Database
) -> None:
    answers = await reserve_together(client, database, by_graphql(RESERVE_AND_READ), number=3)
    assert all("seatsAvailable" in answer.text for answer in answers)
    assert await database.primary.value(TRANSACTIONS) == 3


@pytest.mark.parametrize("door", SHARING)
async def test_requests_of_a_batch_that_was_undone_are_done_by_themselves(
    client: AsyncClient, database: Database, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def undo(_: object) -> None:
        raise BatchUndone

    monkeypatch.setattr(idempotency_batching, "require_responses", undo)
    answers = await reserve_together(client, database, door, number=4)
    assert [answer.status_code for answer in answers] == [200] * 4
    assert await database.primary.value(TRANSACTIONS) == 4


@pytest.fixture
def no_transactions_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a request has a transaction of its own."""

    async def refuse(_: RequestTransaction) -> None:
        raise AssertionError("a request has a transaction of its own")

    monkeypatch.setattr(RequestTransaction, "begin", refuse)


@pytest.mark.usefixtures("no_transactions_of_their_own")
@pytest.mark.parametrize("endpoint", [endpoint for endpoint in ENDPOINTS if endpoint.shares], ids=name)
async def test_endpoint_that_shares_needs_no_transaction_of_its_own(
    client: AsyncClient, database: Database, endpoint: Endpoint[Any]
) -> None:
    user = await make_user(database)
    path, body = await MAKERS[name(endpoint)](database, user)
    headers = bearer(user) | {"Idempotency-Key": "a key"}
    answer = await client.request(endpoint.method, path, json=body, headers=headers)
    assert answer.is_success, answer.text
    assert await database.primary.value(TRANSACTIONS) == 1


async def make_open_booking(database: Database, user: User) -> dict[str, Any]:
    return {"bookingId": ids.encode("bok", (await make_booking(database, user=user, seats=2)).id)}


async def make_free_session(database: Database, _: User) -> dict[str, Any]:
    return {"sessionId": ids.encode("ses", (await make_session(database)).id)}


async def make_some_event(database: Database, _: User) -> dict[str, Any]:
    return {"eventId": ids.encode("evt", (await make_event(database)).id), "tickets": 1}


async def make_reservation(database: Database, user: User) -> dict[str, Any]:
    return {"id": ids.encode("evr", (await make_event_reservation(database, user=user)).id)}


def with_more(make: Make, **more: object) -> Make:
    async def make_more(database: Database, user: User) -> dict[str, Any]:
        return await make(database, user) | more

    return make_more


# By mutation: its input, and the type of the input.
INPUTS: Final[dict[str, tuple[str, Make]]] = {
    "openBooking": ("OpenBookingInput", make_free_session),
    "reserveSeats": ("ReserveSeatsInput", with_more(make_open_booking, seats=5)),
    "confirmBooking": ("ConfirmBookingInput", make_open_booking),
    "cancelBooking": ("CancelBookingInput", make_open_booking),
    "reserveTickets": ("ReserveTicketsInput", make_some_event),
    "updateEventReservation": ("UpdateEventReservationInput", with_more(make_reservation, tickets=2)),
    "cancelEventReservation": ("CancelEventReservationInput", make_reservation),
}


def test_every_mutation_that_shares_is_tried() -> None:
    root = GRAPHQL.mutation_type
    assert isinstance(root, GraphQLObjectType)
    assert {key for key, field in root.fields.items() if find_declaration(field).shares} == set(INPUTS)


@pytest.mark.usefixtures("no_transactions_of_their_own")
@pytest.mark.parametrize("mutation", INPUTS)
async def test_mutation_that_shares_needs_no_transaction_of_its_own(
    client: AsyncClient, database: Database, mutation: str
) -> None:
    user = await make_user(database)
    kind, make = INPUTS[mutation]
    document = f"mutation ($input: {kind}!) {{ {mutation}(input: $input) {{ errors {{ code }} }} }}"
    body = {"query": document, "variables": {"input": await make(database, user)}}
    answer = await client.post("/graphql", json=body, headers=bearer(user) | {"Idempotency-Key": "a key"})
    assert answer.json()["data"] == {mutation: {"errors": []}}
    assert await database.primary.value(TRANSACTIONS) == 1


async def test_requests_for_tickets_that_arrive_together_share_commits(client: AsyncClient, database: Database) -> None:
    body = SHOW | {"showTiming": soon().isoformat()}
    first, again = [
        await asyncio.gather(
            *(client.post("/api/book-ticket", json=body, headers={"Idempotency-Key": f"key {n}"}) for n in range(30))
        )
        for _ in range(2)
    ]
    assert sorted(answer.status_code for answer in first) == [201] * 10 + [409] * 20
    assert [answer.content for answer in again] == [answer.content for answer in first]
    assert await database.primary.tuples("SELECT taken FROM shows") == [(20,)]
    assert await database.primary.value(TRANSACTIONS) < 30


async def test_refusal_of_one_caller_is_its_own(client: AsyncClient, database: Database) -> None:
    user, of = await make_user(database), await make_session(database, capacity=3)
    held = [await make_booking(database, user=user, session=of) for _ in range(8)]
    answers = await asyncio.gather(*(by_rest(client, user, each, f"key {n}") for n, each in enumerate(held)))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [409] * 5
    again = await asyncio.gather(*(by_rest(client, user, each, f"key {n}") for n, each in enumerate(held)))
    assert [answer.content for answer in again] == [answer.content for answer in answers]
