"""Requests that the server cancels as it ends: each gets a refusal of its surface, which says whether a change may be done."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg
import pytest
from httpx import AsyncClient, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app import create_app
from config.settings import Settings
from db import ids
from db.engine import Database
from tests.conftest import running
from tests.support.factories import bearer, make_booking, make_session, make_user

PATIENCE: Final = 20
RESERVE: Final = """mutation Reserve($booking: ID!) {
    reserveSeats(input: {bookingId: $booking, seats: 1}) { booking { id } errors { code } }
}"""
READ: Final = {"query": "{ movies { nodes { title } } }"}


def end_as_uvicorn(app: ASGIApp) -> ASGIApp:
    """Return the application below what uvicorn does with a cancelled request."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(asyncio.CancelledError):
            await app(scope, receive, send)

    return serve


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[AsyncClient]:
    app = create_app(settings, with_jobs=False)
    assert app.middleware_stack is not None
    app.middleware_stack = end_as_uvicorn(app.middleware_stack)
    async with running(app) as opened:
        yield opened


@contextmanager
def locked(url: str, statement: str) -> Iterator[psycopg.Connection[Any]]:
    """Hold a lock for the length of a block."""
    with psycopg.connect(url) as connection:
        connection.execute(statement)
        yield connection


async def until_blocked(url: str) -> None:
    """Return once a statement waits for a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection, asyncio.timeout(PATIENCE):
        while True:
            found = await (await connection.execute(waiting)).fetchone()
            if found and found[0]:
                break
            await asyncio.sleep(0.01)


async def cancel_when_blocked(request: asyncio.Task[Response], url: str) -> Response:
    """Return the answer to a request that is cancelled once its statement waits for the lock."""
    await until_blocked(url)
    request.cancel()
    return await request


def describe(response: Response) -> tuple[int, str, str | None]:
    error = response.json()["errors"][0]
    code = error["code"] if "code" in error else error["extensions"]["code"]
    return response.status_code, code, response.headers.get("retry-after")


@pytest.mark.parametrize(
    ("key", "rest"),
    [
        # Its statement and its commit are sent together.
        (None, (503, "outcome_unknown", None)),
        # Its commit comes after the statement that waits.
        ("key-of-a-reservation", (503, "unavailable", "1")),
    ],
)
async def test_change_says_whether_its_commit_may_be_done(
    client: AsyncClient, database: Database, empty_database_url: str, key: str | None, rest: tuple[int, str, str | None]
) -> None:
    user, session = await make_user(database), await make_session(database)
    booking = await make_booking(database, user=user, session=session)
    headers = bearer(user) | ({"Idempotency-Key": key} if key else {})
    identity = ids.encode("bok", booking.id)
    by_graphql = {"query": RESERVE, "variables": {"booking": identity}}
    with locked(empty_database_url, f"SELECT FROM sessions WHERE id = {session.id} FOR UPDATE"):
        answers = [
            await cancel_when_blocked(asyncio.create_task(sent), empty_database_url)
            for sent in (
                client.post(f"/v1/bookings/{identity}/reserve", json={"seats": 1}, headers=headers),
                client.post("/graphql", json=by_graphql, headers=headers),
            )
        ]

    status, code, retry = rest
    assert [describe(answer) for answer in answers] == [rest, (status, code.upper(), retry)]


async def test_read_says_that_it_may_be_sent_again(
    client: AsyncClient, database: Database, empty_database_url: str
) -> None:
    headers = bearer(await make_user(database))
    with locked(empty_database_url, "LOCK movies IN ACCESS EXCLUSIVE MODE"):
        answers = [
            await cancel_when_blocked(asyncio.create_task(sent), empty_database_url)
            for sent in (client.get("/v1/movies", headers=headers), client.post("/graphql", json=READ, headers=headers))
        ]

    assert [describe(answer) for answer in answers] == [(503, "unavailable", "1"), (503, "UNAVAILABLE", "1")]
