"""A hundred buyers want thirty-seven seats: over real HTTP, through both doors, from two processes of one server."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
import pytest

from app import open_database
from config.settings import Settings
from db import ids, migrate
from db.engine import Database
from db.models import Session, User
from tests.support.factories import SECRET, bearer, make_session, make_user
from tests.support.own_database import own_database
from tests.support.seats import UNBALANCED
from tests.support.servers import server

BUYERS: Final = 100
SEATS: Final = 37

OPEN: Final = "mutation ($id: ID!) { openBooking(input: {sessionId: $id}) { booking { id } errors { code } } }"
RESERVE: Final = """
    mutation ($id: ID!) { reserveSeats(input: {bookingId: $id, seats: 1}) { booking { id } errors { code } } }
"""
CONFIRM: Final = "mutation ($id: ID!) { confirmBooking(input: {bookingId: $id}) { booking { id } errors { code } } }"


@pytest.fixture
def url(database_url: str) -> Iterator[str]:
    with own_database(database_url) as made:
        migrate.upgrade(made)
        yield made


async def buy_by_rest(client: httpx.AsyncClient, user: User, session: Session) -> str:
    """Return what came of buying one seat."""
    answer = await client.post(f"/v1/sessions/{ids.encode('ses', session.id)}/book", headers=bearer(user))
    assert answer.status_code == 201, answer.text
    booking = f"/v1/bookings/{answer.json()['booking']['id']}"
    for step, body in (("reserve", {"seats": 1}), ("confirm", None)):
        answer = await client.post(f"{booking}/{step}", json=body, headers=bearer(user))
        if answer.is_error:
            return str(answer.json()["errors"][0]["code"]).upper()
    return "SOLD"


async def buy_by_graphql(client: httpx.AsyncClient, user: User, session: Session) -> str:
    """Return what came of buying one seat."""
    identity: Any = ids.encode("ses", session.id)
    for document in (OPEN, RESERVE, CONFIRM):
        body = {"query": document, "variables": {"id": identity}}
        answer = (await client.post("/graphql", json=body, headers=bearer(user))).json()
        (payload,) = answer["data"].values()
        if payload["errors"]:
            return str(payload["errors"][0]["code"])
        identity = payload["booking"]["id"]
    return "SOLD"


async def crowd(address: str, users: list[User], session: Session) -> Counter[str]:
    """Return what came of everybody's wish, all at once."""
    limits = httpx.Limits(max_connections=BUYERS)
    async with httpx.AsyncClient(base_url=address, limits=limits, timeout=30) as client:
        doors = (buy_by_rest, buy_by_graphql)
        return Counter(
            await asyncio.gather(*(doors[place % 2](client, user, session) for place, user in enumerate(users)))
        )


async def prepared(url: str, folder: Path) -> tuple[list[User], Session]:
    """Return the buyers, and the session that they want to see."""
    told = {"DATABASE_URL": url, "MATINEE_DATA_DIR": str(folder), "MATINEE_SECRET": SECRET}
    async with open_database(Settings.from_env(told)) as database:
        return await made(database)


async def made(database: Database) -> tuple[list[User], Session]:
    """Return new buyers and a new session."""
    return [await make_user(database) for _ in range(BUYERS)], await make_session(database, capacity=SEATS)


def sold(url: str) -> list[tuple[Any, ...]]:
    """Return what the session has counted, and what its bookings add up to."""
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT taken::integer, (SELECT sum(reserved_seats)::integer FROM bookings WHERE status = 'confirmed')"
            " FROM sessions"
        ).fetchall()


async def test_every_seat_is_sold_once_over_http(url: str, tmp_path: Path) -> None:
    users, session = await prepared(url, tmp_path)
    with server("cli", url, tmp_path, workers=2) as running:
        outcomes = await crowd(running.address, users, session)
    assert outcomes == {"SOLD": SEATS, "SEATS_UNAVAILABLE": BUYERS - SEATS}
    assert sold(url) == [(SEATS, SEATS)]
    with psycopg.connect(url) as connection:
        assert connection.execute(UNBALANCED.encode()).fetchall() == []


async def test_seats_are_oversold_without_guard(url: str, tmp_path: Path) -> None:
    users, session = await prepared(url, tmp_path)
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE sessions DROP CONSTRAINT sessions_taken_check")
    with server("tests.support.unguarded", url, tmp_path, workers=2) as running:
        outcomes = await crowd(running.address, users, session)
    assert outcomes["SOLD"] > SEATS
    assert sold(url)[0][0] > SEATS
