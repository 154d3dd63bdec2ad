"""Mutations that are planned are made by a task of their own, and answered in every way as by the application."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import httpx
import pytest

from config.settings import Settings
from db import ids
from db.engine import Database
from db.models import User
from edge import middleware
from edge.middleware import Edge
from edge.services import Services
from runtime.pending_answers import Answer, BegunRequest, PendingAnswer
from runtime.rate_limits import Rate
from tests.support.factories import bearer, make_booking, make_session, make_user
from tests.support.live import PATIENCE, served
from tests.support.rivals import holding, until_waiting
from tests.support.seats import seen, taken

OPEN: Final = (
    "mutation Open($id: ID!) { openBooking(input: {sessionId: $id}) { booking { id status } errors { code path } } }"
)
RESERVE: Final = """
    mutation Reserve($id: ID!, $seats: Int!) {
        reserveSeats(input: {bookingId: $id, seats: $seats}) { booking { id reservedSeats } errors { code message path } }
    }
"""
CONFIRM: Final = (
    "mutation ($input: ConfirmBookingInput!) { confirmBooking(input: $input) { booking { status } errors { code } } }"
)
BOOKINGS: Final = "{ viewer { bookings(first: 3) { nodes { id status reservedSeats } } } }"
SIGN_IN: Final = """
    mutation ($email: String!) {
        signIn(input: {identity: {email: $email}, password: "wrong"}) { user { id } errors { code } }
    }
"""
# What differs between two answers to the same request.
VARYING: Final = ("date", "x-request-id", "ratelimit")


@dataclass
class Cinema:
    """A server, a caller of it, and how each of the caller's requests was answered."""

    client: httpx.AsyncClient
    user: User
    headers: dict[str, str] = field(default_factory=dict)
    at_once: list[bool] = field(default_factory=list)
    logged: list[dict[str, Any]] = field(default_factory=list)
    is_open: bool = True

    async def ask(self, document: str, headers: dict[str, str] | None = None, **variables: object) -> httpx.Response:
        """Send a request by the caller's token."""
        named = re.match(r"\s*mutation (\w+)", document)
        body = {"query": document, "variables": variables, "operationName": named[1] if named else None}
        return await self.client.post("/graphql", json=body, headers=self.headers if headers is None else headers)

    async def ask_both_ways(
        self, document: str, headers: dict[str, str] | None = None, **variables: object
    ) -> tuple[httpx.Response, httpx.Response]:
        """Return the answer of the application, and the one after it that needs none of it if that is possible."""
        self.is_open = False
        ordinary = await self.ask(document, headers, **variables)
        self.is_open = True
        return ordinary, await self.ask(document, headers, **variables)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, limits=replace(settings.limits, cost=Rate(1_000, 3600)))


@pytest.fixture
async def cinema(settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cinema]:
    user = await make_user(database)
    answer, answer_bytes = Edge.answer_at_once, Edge.answer_bytes

    def record(edge: Edge, scope: Any, body: bytes) -> Answer | PendingAnswer | None:  # noqa: ANN401 - as ASGI has it
        found = answer(edge, scope, body) if made.is_open else None
        made.at_once.append(found is not None)
        return found

    def record_bytes(edge: Edge, services: Services, address: str, data: bytes) -> Answer | BegunRequest | None:
        found = answer_bytes(edge, services, address, data) if made.is_open else None
        if found is not None:
            made.at_once.append(True)
        return found

    monkeypatch.setattr(Edge, "answer_at_once", record)
    monkeypatch.setattr(Edge, "answer_bytes", record_bytes)
    async with served(settings) as address, httpx.AsyncClient(base_url=f"http://{address}", timeout=PATIENCE) as client:
        made = Cinema(client, user, bearer(user))
        monkeypatch.setattr(middleware, "log_request", lambda more, **fields: made.logged.append(fields | more))
        # What a busy machine took longer to read is asked of the application, which the tests are not about.
        monkeypatch.setattr("identity.tokens.REFRESH_SECONDS", PATIENCE)
        monkeypatch.setattr("identity.tokens.MAX_AGE_SECONDS", PATIENCE)
        await made.ask("{ viewer { id } }")
        for document in (OPEN, RESERVE, CONFIRM, BOOKINGS, SIGN_IN):
            await made.ask(document)
        for seen_before in (made.at_once, made.logged):
            seen_before.clear()
        yield made


def told(response: httpx.Response) -> tuple[int, dict[str, str], Any]:
    """Return what must be equal in two answers: ids and the rest of the budget differ."""
    headers = {name: value for name, value in response.headers.items() if name not in VARYING}
    body = re.sub(r"bok_\d+|\"remaining\":\d+|\"resetSeconds\":\d+", "…", response.text)
    return response.status_code, {name: value for name, value in headers.items() if name != "content-length"}, body


async def test_books_without_the_application(cinema: Cinema, database: Database) -> None:
    of = await make_session(database)
    opened = (await cinema.ask(OPEN, id=ids.encode("ses", of.id))).json()["data"]["openBooking"]["booking"]
    reserved = (await cinema.ask(RESERVE, id=opened["id"], seats=3)).json()
    assert reserved["data"]["reserveSeats"]["booking"] == {"id": opened["id"], "reservedSeats": 3}
    confirmed = (await cinema.ask(CONFIRM, input={"bookingId": opened["id"]})).json()
    assert confirmed["data"]["confirmBooking"] == {"booking": {"status": "CONFIRMED"}, "errors": []}
    assert cinema.at_once == [True] * 3
    assert await taken(database, of) == 3
    assert {(line.get("operation"), line["user"], line["status"]) for line in cinema.logged} == {
        ("Open", ids.encode("usr", cinema.user.id), 200),
        ("Reserve", ids.encode("usr", cinema.user.id), 200),
        (None, ids.encode("usr", cinema.user.id), 200),
    }


@pytest.mark.parametrize(
    ("document", "variables", "at_once"),
    [
        (OPEN, {"id": "session"}, True),
        (OPEN, {"id": "ses_1"}, True),
        (OPEN, {"id": "nonsense"}, True),
        (OPEN, {"id": None}, False),
        (OPEN, {}, False),
        (RESERVE, {"id": "booking", "seats": 2}, True),
        (RESERVE, {"id": "booking", "seats": 10_000}, True),
        (RESERVE, {"id": "booking", "seats": -1}, True),
        (RESERVE, {"id": "bok_1", "seats": 1}, True),
        (RESERVE, {"id": "booking", "seats": "two"}, False),
        (CONFIRM, {"input": {"bookingId": "booking"}}, True),
        (CONFIRM, {"input": {"bookingId": "booking", "seats": 9}}, True),
        (CONFIRM, {"input": {}}, False),
        (BOOKINGS, {}, True),
        (SIGN_IN, {"email": "nobody@example.org"}, True),
    ],
)
async def test_answers_as_the_application_does(
    cinema: Cinema, database: Database, document: str, variables: dict[str, Any], *, at_once: bool
) -> None:
    of = await make_session(database, capacity=50)
    held = await make_booking(database, session=of, user=cinema.user)
    names = {"session": ids.encode("ses", of.id), "booking": ids.encode("bok", held.id)}
    filled = json.loads(re.sub(r'"(session|booking)"', lambda found: f'"{names[found[1]]}"', json.dumps(variables)))
    ordinary, begun = await cinema.ask_both_ways(document, **filled)
    assert told(begun) == told(ordinary)
    assert cinema.at_once == [False, at_once]


@pytest.mark.parametrize(
    "named",
    [
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic abc"},
        {"Idempotency-Key": "k"},
        {"Cookie": "matinee_session=x"},
        {"Matinee-Position": "x"},
        {"Accept": "text/event-stream"},
        {"Content-Type": "text/plain"},
    ],
    ids=lambda named: next(iter(named)),
)
async def test_leaves_requests_with_more_in_their_heads_to_the_application(
    cinema: Cinema, database: Database, named: dict[str, str]
) -> None:
    of = await make_session(database)
    variables: dict[str, Any] = {"id": ids.encode("ses", of.id)}
    await cinema.ask(OPEN, cinema.headers | named, **variables)
    assert cinema.at_once == [False]


async def test_leaves_caller_over_their_budget_to_the_application(cinema: Cinema, database: Database) -> None:
    of = await make_session(database)
    variables: dict[str, Any] = {"id": ids.encode("ses", of.id)}
    while (answer := await cinema.ask(OPEN, **variables)).status_code == 200:
        assert cinema.at_once[-1]
    ordinary, begun = await cinema.ask_both_ways(OPEN, **variables)
    assert told(begun) == told(ordinary)
    assert (answer.status_code, begun.status_code) == (429, 429)
    assert "retry-after" in begun.headers
    assert not cinema.at_once[-1]


async def test_leaves_ended_token_to_the_application(
    cinema: Cinema, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("identity.tokens.REFRESH_SECONDS", 0.0)
    monkeypatch.setattr("identity.tokens.MAX_AGE_SECONDS", 0.0)
    await cinema.ask("mutation { signOutEverywhere { user { id } } }")
    of = await make_session(database)
    variables: dict[str, Any] = {"id": ids.encode("ses", of.id)}
    assert (await cinema.ask(OPEN, **variables)).status_code == 401
    # What the application has just read tells the next one.
    monkeypatch.setattr("identity.tokens.REFRESH_SECONDS", PATIENCE)
    assert (await cinema.ask(OPEN, **variables)).status_code == 401
    assert cinema.at_once[-2:] == [False, False]


async def test_says_of_change_that_was_cancelled_that_its_outcome_is_unknown(
    cinema: Cinema, database: Database
) -> None:
    held = await make_booking(database, user=cinema.user)
    async with holding(database, "SELECT FROM sessions FOR NO KEY UPDATE"):
        asking = asyncio.create_task(cinema.ask(RESERVE, id=ids.encode("bok", held.id), seats=1))
        await until_waiting(database, 1)
        (changing,) = [task for task in asyncio.all_tasks() if "run_named" in repr(task)]
        # As the end of the server does with what takes too long.
        changing.cancel()
        answer = await asking
    assert answer.json()["errors"][0]["extensions"]["code"] == "OUTCOME_UNKNOWN"
    assert answer.json()["data"] == {"reserveSeats": None}
    async with asyncio.timeout(PATIENCE):
        while (await seen(database, held)).reserved_seats != 1:  # noqa: ASYNC110 - the batch tells nobody any more
            await asyncio.sleep(0.02)


async def test_makes_change_of_a_client_that_has_gone(cinema: Cinema, database: Database) -> None:
    held = await make_booking(database, user=cinema.user)
    async with holding(database, "SELECT FROM sessions FOR NO KEY UPDATE"):
        asking = asyncio.create_task(cinema.ask(RESERVE, id=ids.encode("bok", held.id), seats=2))
        await until_waiting(database, 1)
        asking.cancel()
        await asyncio.wait({asking})
    async with asyncio.timeout(PATIENCE):
        while (await seen(database, held)).reserved_seats != 2:  # noqa: ASYNC110 - nobody is told any more
            await asyncio.sleep(0.02)
    assert cinema.at_once == [True]
