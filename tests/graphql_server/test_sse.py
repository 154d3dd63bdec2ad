"""GraphQL over server-sent events: one stream a request, which ends when it should and says so."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from httpx import AsyncClient

from config.settings import Settings
from db import ids
from db.engine import Database
from domain import stock
from graphql_server import sse
from identity.tokens import Actor, make_token
from runtime.server import DRAIN_SECONDS
from tests.support.factories import KEYS, bearer, make_booking, make_session, make_user
from tests.support.live import EXPORT, SEATS, TICKETS, Events, opened, served, streamed, token
from tests.support.prices import make_export
from tests.support.ticketing import make_event

PATIENCE = 10.0


@pytest.fixture
async def address(settings: Settings) -> AsyncIterator[str]:
    async with served(settings) as where:
        yield where


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_session_is_told_as_it_is_and_each_time_its_free_seats_change(
    address: str, database: Database, method: str
) -> None:
    booking = await make_booking(database, session=await make_session(database, capacity=10))
    public_id = ids.encode("ses", booking.session_id)
    async with streamed(address, SEATS, method=method, id=public_id) as stream:
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        assert stream.response.headers["cache-control"] == "no-store"
        assert await stream.next() == {"sessionChanged": {"seatsAvailable": 10}}
        await stock.hold(database.primary, user_id=booking.user_id, booking_id=booking.id, seats=4)
        assert await stream.next() == {"sessionChanged": {"seatsAvailable": 6}}


async def test_a_stream_of_a_subscription_that_ends_is_complete(address: str, database: Database) -> None:
    user = await make_user(database)
    export = await make_export(database, user_id=user.id, status="failed")
    async with streamed(address, EXPORT, user=user, id=ids.encode("exp", export.id)) as stream:
        assert (await stream.next())["movieExportChanged"]["status"] == "FAILED"
        assert await stream.receive() == ("complete", None)
        assert await stream.receive() == ("end", None)


async def test_queries_and_mutations_have_one_result(address: str) -> None:
    for document in ("{ viewer { id } }", 'mutation { deleteMovie(input: {id: "mov_1"}) { errors { code } } }'):
        async with streamed(address, document) as stream:
            kind, body = await stream.receive()
            assert kind == "next"
            assert "data" in body
            assert await stream.receive() == ("complete", None)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (SEATS, "SESSION_NOT_FOUND"),
        (EXPORT, "INVALID_ID"),
        ("{ nothing }", "INVALID_INPUT"),
        ("{", "INVALID_INPUT"),
        ("query A { viewer { id } } query B { viewer { id } }", "INVALID_INPUT"),
    ],
)
async def test_what_cannot_be_run_is_told_and_complete(
    address: str, database: Database, document: str, code: str
) -> None:
    async with streamed(address, document, user=await make_user(database), id="ses_1") as stream:
        assert stream.response.status_code == 200
        kind, body = await stream.receive()
        assert (kind, [error["extensions"]["code"] for error in body["errors"]]) == ("next", [code])
        assert "data" not in body
        assert await stream.receive() == ("complete", None)


async def test_a_mutation_is_no_read(address: str) -> None:
    async with streamed(address, "mutation { resetRequestCount { count } }", method="GET") as stream:
        _, body = await stream.receive()
        assert body["errors"][0]["extensions"]["code"] == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"Authorization": "Bearer nonsense"}, b'{"query": "{ viewer { id } }"}', 401),
        ({"Idempotency-Key": "1"}, b'{"query": "{ viewer { id } }"}', 400),
        ({}, b"{", 400),
        ({}, b"{}", 400),
        ({"Content-Type": "text/plain"}, b"{}", 415),
    ],
)
async def test_a_request_that_cannot_be_read_gets_an_ordinary_answer(
    client: AsyncClient, headers: dict[str, str], content: bytes, status: int
) -> None:
    given = {"Accept": "text/event-stream", "Content-Type": "application/json"} | headers
    answer = await client.post("/graphql", headers=given, content=content)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["message"]


async def test_a_subscription_that_is_sent_for_one_answer_is_told_where_to_go(client: AsyncClient) -> None:
    answer = await client.post("/graphql", json={"query": SEATS, "variables": {"id": "ses_1"}})
    assert answer.status_code == 400
    assert "WebSocket" in answer.json()["errors"][0]["message"]
    assert "text/event-stream" in answer.json()["errors"][0]["message"]


async def test_streams_subscription_where_accept_names_both_json_and_events(address: str, database: Database) -> None:
    session = await make_session(database, capacity=10)
    headers = {"Accept": "application/graphql-response+json, application/json, text/event-stream, multipart/mixed"}
    body = {"query": SEATS, "variables": {"id": ids.encode("ses", session.id)}}
    async with (
        httpx.AsyncClient(base_url=f"http://{address}", headers=headers, timeout=PATIENCE) as client,
        client.stream("POST", "/graphql", json=body) as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        assert await Events(response).next() == {"sessionChanged": {"seatsAvailable": 10}}


async def test_a_stream_shows_signs_of_life_and_ends_with_its_token(
    address: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "HEARTBEAT_SECONDS", 0.2)
    session, user = await make_session(database), await make_user(database)
    headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {token(user, seconds=2)}"}
    body = {"query": SEATS, "variables": {"id": ids.encode("ses", session.id)}}
    async with httpx.AsyncClient(base_url=f"http://{address}", headers=headers, timeout=PATIENCE) as client:
        answer = await client.post("/graphql", json=body)
    assert answer.text.count(":\n\n") >= 3
    assert "UNAUTHENTICATED" in answer.text
    assert answer.text.endswith("event: complete\ndata: \n\n")


async def test_who_goes_away_is_not_told_any_more(address: str, database: Database) -> None:
    session = await make_session(database)
    async with streamed(address, SEATS, id=ids.encode("ses", session.id)) as stream:
        await stream.next()
        assert await streams(address) == 1
    async with asyncio.timeout(PATIENCE):
        while await streams(address):
            pass


async def streams(address: str) -> float:
    async with httpx.AsyncClient(base_url=f"http://{address}") as client:
        told = (await client.get("/metrics")).text
    found = re.search(r'matinee_graphql_streams{transport="sse"} (\S+)', told)
    assert found is not None
    return float(found[1])


async def test_a_server_that_ends_does_not_say_that_it_is_complete(settings: Settings, database: Database) -> None:
    session = await make_session(database)
    async with AsyncExitStack() as clients:
        async with served(settings) as where:
            stream = await clients.enter_async_context(streamed(where, SEATS, id=ids.encode("ses", session.id)))
            socket = await clients.enter_async_context(opened(where))
            await (await socket.begin()).subscribe(SEATS, id=ids.encode("ses", session.id))
            await stream.next()
            await socket.next()
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < DRAIN_SECONDS
        assert await stream.receive() == ("end", None)
        assert (await socket.closed())[0] == 1012


async def test_a_change_through_one_server_is_heard_on_the_other(settings: Settings, database: Database) -> None:
    booking = await make_booking(database, session=await make_session(database, capacity=10))
    user, event = await make_user(database), await make_event(database, capacity=20)
    async with (
        served(settings) as one,
        served(settings) as other,
        streamed(one, SEATS, id=ids.encode("ses", booking.session_id)) as seats,
        streamed(one, TICKETS, id=ids.encode("evt", event.id)) as tickets,
        httpx.AsyncClient(base_url=f"http://{other}") as client,
    ):
        assert await seats.next() == {"sessionChanged": {"seatsAvailable": 10}}
        assert await tickets.next() == {"eventChanged": {"availability": 20}}
        authorization = {"Authorization": f"Bearer {make_token(Actor(booking.user_id), keys=KEYS)}"}
        path = f"/v1/bookings/{ids.encode('bok', booking.id)}"
        (await client.post(f"{path}/reserve", json={"seats": 3}, headers=authorization)).raise_for_status()
        assert await seats.next() == {"sessionChanged": {"seatsAvailable": 7}}
        (await client.post(f"{path}/cancel", headers=authorization)).raise_for_status()
        assert await seats.next() == {"sessionChanged": {"seatsAvailable": 10}}
        body = {"event_id": str(ids.to_uuid("evt", event.id)), "no_of_tickets": 5}
        (await client.post("/reservations/", json=body, headers=bearer(user))).raise_for_status()
        assert await tickets.next() == {"eventChanged": {"availability": 15}}
