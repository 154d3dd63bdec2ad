"""GraphQL over WebSocket: what the protocol says, who may listen, and what is told."""

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import httpx
import pytest

from config.settings import Settings
from db import ids
from db.engine import Database
from db.models import Session, User
from domain.trusted_document import compute_digest
from edge.browser_session import COOKIE
from graphql_server import websocket
from tests.support.factories import bearer, make_booking, make_session, make_user
from tests.support.live import EXPORT, PATIENCE, SEATS, TICKETS, Socket, opened, served, token
from tests.support.prices import make_export
from tests.support.ticketing import make_event


@pytest.fixture
async def address(settings: Settings) -> AsyncIterator[str]:
    async with served(settings) as where:
        yield where


async def reserve(address: str, database: Database, session: Session, seats: int) -> User:
    """Reserve seats through REST."""
    user = await make_user(database)
    booking = await make_booking(database, user=user, session=session)
    async with httpx.AsyncClient(base_url=f"http://{address}", headers=bearer(user)) as client:
        answer = await client.post(f"/v1/bookings/{ids.encode('bok', booking.id)}/reserve", json={"seats": seats})
    assert answer.status_code == 200, answer.text
    return user


async def test_a_session_is_told_as_it_is_and_each_time_its_free_seats_change(address: str, database: Database) -> None:
    session = await make_session(database, capacity=100)
    async with opened(address) as socket:
        await (await socket.begin()).subscribe(SEATS, id=ids.encode("ses", session.id))
        assert await socket.next() == {"sessionChanged": {"seatsAvailable": 100}}
        for left, seats in ((97, 3), (95, 2)):
            await reserve(address, database, session, seats)
            assert await socket.next() == {"sessionChanged": {"seatsAvailable": left}}


async def test_an_event_is_told_each_time_its_free_tickets_change(address: str, database: Database) -> None:
    event, user = await make_event(database, capacity=50), await make_user(database)
    async with opened(address) as socket:
        await (await socket.begin(user)).subscribe(TICKETS, id=ids.encode("evt", event.id))
        assert await socket.next() == {"eventChanged": {"availability": 50}}
        await socket.subscribe(
            "mutation ($id: ID!) { reserveTickets(input: {eventId: $id, tickets: 4}) { errors { code } } }",
            "2",
            id=ids.encode("evt", event.id),
        )
        told = [await socket.receive() for _ in range(3)]
    by_name = {(message["id"], message["type"]): message.get("payload", {}) for message in told}
    assert by_name["2", "next"]["data"] == {"reserveTickets": {"errors": []}}
    assert ("2", "complete") in by_name
    assert by_name["1", "next"]["data"] == {"eventChanged": {"availability": 46}}


async def test_queries_run_too_and_mistakes_end_them(address: str) -> None:
    async with opened(address) as socket:
        await (await socket.begin()).subscribe("{ viewer { id } }")
        assert await socket.next() == {"viewer": None}
        assert await socket.receive() == {"id": "1", "type": "complete"}
        for mistake in ("{ nothing }", "{", "query A { viewer { id } } query B { viewer { id } }", " "):
            await socket.subscribe(mistake)
            (code,) = await socket.codes()
            assert code in ("INVALID_INPUT", "MISSING_FIELD")
        await socket.subscribe("query ($id: ID!) { session(id: $id) { id } }", id="ses_1\0")
        assert await socket.codes() == ["INVALID_INPUT"]


async def test_what_is_missing_or_malformed_is_an_error(address: str) -> None:
    async with opened(address) as socket:
        await socket.begin()
        for document, identity, code in (
            (SEATS, "ses_1", "SESSION_NOT_FOUND"),
            (TICKETS, "evt_1", "EVENT_NOT_FOUND"),
            (SEATS, "evt_1", "INVALID_ID"),
            (SEATS, None, "INVALID_INPUT"),
            (EXPORT, "exp_1", "UNAUTHENTICATED"),
        ):
            await socket.subscribe(document, id=identity)
            assert await socket.codes() == [code]


async def test_a_session_that_is_deleted_ends_its_subscription(address: str, database: Database) -> None:
    session, staff = await make_session(database), await make_user(database, is_staff=True)
    async with opened(address) as socket:
        await (await socket.begin(staff)).subscribe(SEATS, id=ids.encode("ses", session.id))
        await socket.next()
        document = "mutation ($id: ID!) { deleteSession(input: {id: $id}) { errors { code } } }"
        await socket.subscribe(document, "2", id=ids.encode("ses", session.id))
        assert await socket.next("2") == {"deleteSession": {"errors": []}}
        await socket.receive()
        assert await socket.codes() == ["SESSION_NOT_FOUND"]


async def test_an_export_is_for_its_owner_and_staff(address: str, database: Database) -> None:
    owner, staff = await make_user(database), await make_user(database, is_staff=True)
    export = await make_export(database, user_id=owner.id, status="completed", row_count=7)
    for user in (owner, staff):
        async with opened(address) as socket:
            await (await socket.begin(user)).subscribe(EXPORT, id=ids.encode("exp", export.id))
            assert await socket.next() == {"movieExportChanged": {"status": "COMPLETED", "rowCount": 7}}
            assert await socket.receive() == {"id": "1", "type": "complete"}
    async with opened(address) as socket:
        await (await socket.begin(await make_user(database))).subscribe(EXPORT, id=ids.encode("exp", export.id))
        assert await socket.codes() == ["EXPORT_NOT_FOUND"]


async def test_the_token_may_be_in_the_handshake(address: str, database: Database) -> None:
    user = await make_user(database)
    async with opened(address, headers=bearer(user)) as socket:
        await (await socket.begin()).subscribe("{ viewer { id } }")
        assert await socket.next() == {"viewer": {"id": ids.encode("usr", user.id)}}


async def test_the_token_of_connection_init_goes_before_that_of_the_handshake(address: str, database: Database) -> None:
    first, second = await make_user(database), await make_user(database)
    async with opened(address, headers=bearer(first)) as socket:
        await (await socket.begin(second)).subscribe("{ viewer { id } }")
        assert await socket.next() == {"viewer": {"id": ids.encode("usr", second.id)}}


@pytest.mark.parametrize("given", ["Bearer nonsense", "Basic abc", 7])
async def test_a_bad_token_is_refused(address: str, given: object) -> None:
    async with opened(address) as socket:
        await socket.send(type="connection_init", payload={"authorization": given})
        assert (await socket.closed())[0] == 4403


async def test_signs_in_by_token_and_by_headers_of_connection_init(address: str, database: Database) -> None:
    user = await make_user(database)
    good = token(user)
    for payload in (
        {"token": good},
        {"token": f"Bearer {good}"},
        {"headers": {"Authorization": f"Bearer {good}", "X-CSRF-Token": "x"}},
        {"headers": {"authorization": f"Bearer {good}"}, "token": good},
    ):
        async with opened(address) as socket:
            await (await socket.begin(**payload)).subscribe("{ viewer { id } }")
            assert await socket.next() == {"viewer": {"id": ids.encode("usr", user.id)}}


@pytest.mark.parametrize(
    "payload",
    [
        {"token": "nonsense"},
        {"token": ""},
        {"token": 7},
        {"headers": {"Authorization": "Bearer nonsense"}},
        {"headers": []},
        {"authToken": "x"},
        {"headers": {"X-Access-Token": "x"}},
        {"token": "x", "authorization": "Bearer y"},
    ],
)
async def test_refuses_credentials_that_it_does_not_understand(address: str, payload: dict[str, object]) -> None:
    async with opened(address) as socket:
        await socket.send(type="connection_init", payload=payload)
        assert (await socket.closed())[0] == 4403


async def test_missing_credentials_of_connection_init_are_anonymous(address: str) -> None:
    async with opened(address) as socket:
        await (await socket.begin(token=None, headers={"client": "test"})).subscribe("{ viewer { id } }")
        assert await socket.next() == {"viewer": None}


async def test_persisted_query_runs_by_its_hash_once_it_was_sent(address: str) -> None:
    query = "{ viewer { id } }"
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": compute_digest(query)}}
    async with opened(address) as socket:
        await socket.begin()
        await socket.send(type="subscribe", id="1", payload={"query": "", "extensions": extensions})
        assert await socket.codes() == ["PERSISTED_QUERY_NOT_FOUND"]
        for members in ({"query": query}, {"query": "", "operationName": ""}):
            await socket.send(type="subscribe", id="1", payload={"extensions": extensions, **members})
            assert await socket.next() == {"viewer": None}
            assert await socket.receive() == {"id": "1", "type": "complete"}


async def test_a_bad_token_of_the_handshake_is_refused(address: str) -> None:
    async with opened(address, headers={"Authorization": "Bearer nonsense"}) as socket:
        await socket.send(type="connection_init")
        assert (await socket.closed())[0] == 4403


async def test_subscriptions_end_with_their_token(address: str, database: Database) -> None:
    session, user = await make_session(database), await make_user(database)
    async with opened(address) as socket:
        await socket.begin(authorization=f"Bearer {token(user, seconds=2)}")
        await socket.subscribe(SEATS, id=ids.encode("ses", session.id))
        await socket.next()
        assert await socket.codes() == ["UNAUTHENTICATED"]
        code, reason = await socket.closed()
    assert (code, "expired" in reason) == (4401, True)


INIT = {"type": "connection_init"}
ASK = {"type": "subscribe", "id": "1", "payload": {"query": SEATS, "variables": {"id": "ses_1"}}}


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([ASK], 4401),
        ([INIT, INIT], 4429),
        (["no JSON"], 4400),
        (["[]"], 4400),
        ([b"{}"], 4400),
        ([{"type": "connection_init", "payload": []}], 4400),
        ([INIT, {"type": "nonsense"}], 4400),
        ([INIT, {}], 4400),
        ([INIT, {"type": "subscribe", "payload": {"query": "{ viewer { id } }"}}], 4400),
        ([INIT, {"type": "subscribe", "id": "", "payload": {"query": "{ viewer { id } }"}}], 4400),
        ([INIT, {"type": "subscribe", "id": "1"}], 4400),
        ([INIT, {"type": "subscribe", "id": "1", "payload": {"query": 1}}], 4400),
        ([INIT, {"type": "complete"}], 4400),
        (["x" * 2**21], 1009),
    ],
)
async def test_what_the_protocol_does_not_allow_closes_the_connection(
    address: str, messages: list[Any], code: int
) -> None:
    async with opened(address) as socket:
        for message in messages:
            await socket.opened.send(json.dumps(message) if isinstance(message, dict) else message)
        assert (await socket.closed())[0] == code


async def test_two_operations_of_one_name_close_the_connection(address: str, database: Database) -> None:
    session = await make_session(database)
    async with opened(address) as socket:
        await socket.begin()
        for _ in range(2):
            await socket.subscribe(SEATS, id=ids.encode("ses", session.id))
        assert await socket.closed() == (4409, "Subscriber for 1 already exists")


async def test_another_subprotocol_is_refused(address: str) -> None:
    async with opened(address, protocol=None) as socket:
        assert (await socket.closed())[0] == 4406


async def test_who_says_nothing_is_not_waited_for(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "INIT_SECONDS", 0.2)
    async with opened(address) as socket:
        assert await socket.closed() == (4408, "Connection initialisation timeout")


async def test_a_ping_is_answered_at_any_time_and_a_pong_is_not(address: str) -> None:
    async with opened(address) as socket:
        await socket.send(type="pong")
        await socket.send(type="ping", payload={"any": "thing"})
        assert await socket.receive() == {"type": "pong"}


async def test_what_is_complete_for_the_client_is_told_no_more_and_its_name_is_free(
    address: str, database: Database
) -> None:
    first, second = await make_session(database, capacity=10), await make_session(database, capacity=20)
    async with opened(address) as socket:
        await (await socket.begin()).subscribe(SEATS, id=ids.encode("ses", first.id))
        assert await socket.next() == {"sessionChanged": {"seatsAvailable": 10}}
        await socket.send(type="complete", id="1")
        await socket.send(type="complete", id="of nothing")
        await socket.subscribe(SEATS, id=ids.encode("ses", second.id))
        assert await socket.next() == {"sessionChanged": {"seatsAvailable": 20}}
        await reserve(address, database, first, 1)
        await reserve(address, database, second, 1)
        assert await socket.next() == {"sessionChanged": {"seatsAvailable": 19}}


async def test_one_connection_has_so_many_operations_and_no_more(
    address: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "MOST_OPERATIONS", 2)
    session = await make_session(database)
    async with opened(address) as socket:
        await socket.begin()
        for name in ("1", "2"):
            await socket.subscribe(SEATS, name, id=ids.encode("ses", session.id))
            await socket.next(name)
        await socket.subscribe(SEATS, "3", id=ids.encode("ses", session.id))
        assert await socket.codes("3") == ["INVALID_INPUT"]
        await socket.send(type="complete", id="1")
        await subscribe_until_taken(socket, id=ids.encode("ses", session.id))


async def subscribe_until_taken(socket: Socket, **variables: str) -> None:
    """Subscribe again and again while there are too many operations: one ends a moment after it is told to."""
    async with asyncio.timeout(PATIENCE):
        for name in map(str, count(4)):
            await socket.subscribe(SEATS, name, **variables)
            message = await socket.receive()
            if message["type"] == "next":
                return
            assert [error["extensions"]["code"] for error in message["payload"]] == ["INVALID_INPUT"]
            await asyncio.sleep(0.02)


async def test_the_cookie_of_the_storefront_counts_for_its_own_pages_only(address: str, database: Database) -> None:
    user = await make_user(database)
    me = {"id": ids.encode("usr", user.id)}
    for origin, viewer in ((f"http://{address}", me), ("http://elsewhere.example", None), (None, None)):
        headers = {"Cookie": f"{COOKIE}={token(user)}"} | ({"Origin": origin} if origin else {})
        async with opened(address, headers=headers) as socket:
            await (await socket.begin()).subscribe("{ viewer { id } }")
            assert await socket.next() == {"viewer": viewer}
