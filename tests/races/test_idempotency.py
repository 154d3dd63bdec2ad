"""Fifty requests with one key at once, and servers that are killed at the worst moment: over real HTTP, on two workers."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
import pytest

from app import open_database
from config.settings import Settings
from db import ids, migrate
from db.models import Booking, Session, User
from tests.support.factories import SECRET, bearer, make_booking, make_session, make_user
from tests.support.own_database import own_database
from tests.support.servers import server

REQUESTS: Final = 50
KEY: Final = {"Idempotency-Key": "0f3b1a52-58a2-4c2f-9d5b-5f1b3c9ce5a0"}
OPEN: Final = "mutation ($id: ID!) { openBooking(input: {sessionId: $id}) { booking { id } errors { code } } }"
PATIENCE_SECONDS: Final = 30.0
PATIENT: Final = {"MATINEE_LOCK_SECONDS": "60", "MATINEE_STATEMENT_SECONDS": "60"}
WAITING: Final = "pg_locks WHERE NOT granted AND relation = 'bookings'::regclass"
# A session whose seats are being changed is locked until the change is committed or undone.
NOT_LOCKED: Final = "(SELECT FROM sessions FOR NO KEY UPDATE SKIP LOCKED) AS untouched"

Rows = tuple[User, Session, Booking]
Door = Callable[[httpx.AsyncClient, User, Session], Coroutine[Any, Any, httpx.Response]]
Asked = tuple[Door, User, Session]


@pytest.fixture
def url(database_url: str) -> Iterator[str]:
    with own_database(database_url) as made:
        migrate.upgrade(made)
        yield made


@pytest.fixture
async def rows(url: str, tmp_path: Path) -> Rows:
    told = {"DATABASE_URL": url, "MATINEE_DATA_DIR": str(tmp_path), "MATINEE_SECRET": SECRET}
    async with open_database(Settings.from_env(told)) as database:
        user, session = await make_user(database), await make_session(database)
        return user, session, await make_booking(database, user=user, session=session)


def counted(url: str, what: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(b"SELECT count(*) FROM " + what.encode()).fetchone()
    assert row is not None
    return int(row[0])


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():  # noqa: ASYNC110 - neither the database nor the other process tells
            await asyncio.sleep(0.02)


async def by_rest(client: httpx.AsyncClient, user: User, session: Session) -> httpx.Response:
    return await client.post(f"/v1/sessions/{ids.encode('ses', session.id)}/book", headers=bearer(user) | KEY)


async def by_graphql(
    client: httpx.AsyncClient, user: User, session: Session, *, document: str = OPEN
) -> httpx.Response:
    body = {"query": document, "variables": {"id": ids.encode("ses", session.id)}}
    return await client.post("/graphql", json=body, headers=bearer(user) | KEY)


DOORS: Final = (by_rest, by_graphql)


async def crowd(address: str, url: str, asked: Asked, *, together: int) -> list[httpx.Response]:
    """Return the answers to fifty of the same request, each on a connection of its own.

    The effect has to wait until so many of them stand before it, and the others are answered as far as they can be.
    """
    door, user, session = asked
    limits = httpx.Limits(max_connections=REQUESTS)
    async with httpx.AsyncClient(base_url=address, limits=limits, timeout=60) as client:
        with psycopg.connect(url) as rival:
            rival.execute("LOCK TABLE bookings IN SHARE MODE")
            asking = [asyncio.create_task(door(client, user, session)) for _ in range(REQUESTS)]
            await until(lambda: counted(url, WAITING) >= together)
            if together == 1:
                await until(lambda: sum(task.done() for task in asking) == REQUESTS - 1)
        return list(await asyncio.gather(*asking))


@pytest.mark.parametrize("door", DOORS)
async def test_one_of_fifty_concurrent_requests_takes_effect(url: str, tmp_path: Path, rows: Rows, door: Door) -> None:
    user, session, _ = rows
    before = counted(url, "bookings")
    with server("cli", url, tmp_path, workers=2, **PATIENT) as running:
        answers = await crowd(running.address, url, (door, user, session), together=1)
        async with httpx.AsyncClient(base_url=running.address) as client:
            again = await door(client, user, session)
    (done,) = [answer for answer in answers if answer.is_success]
    assert Counter(answer.status_code for answer in answers) == {done.status_code: 1, 409: REQUESTS - 1}
    assert "idempotent-replayed" not in done.headers
    assert (again.status_code, again.content) == (done.status_code, done.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert counted(url, "bookings") == before + 1


async def test_request_takes_effect_more_than_once_without_claim(url: str, tmp_path: Path, rows: Rows) -> None:
    user, session, _ = rows
    before = counted(url, "bookings")
    with server("tests.support.unclaimed", url, tmp_path, workers=2, **PATIENT) as running:
        # Its payload is read, so that each request has a transaction of its own, and two of one worker wait as well.
        door = partial(by_graphql, document=OPEN.replace("{ id }", "{ id session { id } }"))
        await crowd(running.address, url, (door, user, session), together=2)
    assert counted(url, "bookings") > before + 1


async def test_server_killed_before_commit_leaves_neither_effect_nor_record(
    url: str, tmp_path: Path, rows: Rows
) -> None:
    user, _, booking = rows
    path, body = f"/v1/bookings/{ids.encode('bok', booking.id)}/reserve", {"seats": 3}
    with server("tests.support.halted", url, tmp_path, workers=1) as running:
        async with httpx.AsyncClient(base_url=running.address, timeout=30) as client:
            asking = asyncio.create_task(client.post(path, json=body, headers=bearer(user) | KEY))
            await until(lambda: not counted(url, NOT_LOCKED))
            running.kill()
            with pytest.raises(httpx.HTTPError):
                await asking
    assert counted(url, "idempotency_keys") == 0
    assert counted(url, "seat_reservations") == 0
    assert counted(url, "sessions WHERE taken > 0") == 0
    with server("cli", url, tmp_path, workers=1) as running:
        async with httpx.AsyncClient(base_url=running.address) as client:
            answer = await client.post(path, json=body, headers=bearer(user) | KEY)
    assert answer.json()["booking"]["reserved_seats"] == 3
    assert "idempotent-replayed" not in answer.headers
    assert counted(url, "seat_reservations") == 1


async def test_server_killed_after_commit_replays_recorded_response(url: str, tmp_path: Path, rows: Rows) -> None:
    user, _, booking = rows
    path, body = f"/v1/bookings/{ids.encode('bok', booking.id)}/reserve", {"seats": 3}
    with server("tests.support.silenced", url, tmp_path, workers=1) as running:
        async with httpx.AsyncClient(base_url=running.address, timeout=30) as client:
            asking = asyncio.create_task(client.post(path, json=body, headers=bearer(user) | KEY))
            await until(lambda: counted(url, "seat_reservations") == 1)
            running.kill()
            with pytest.raises(httpx.HTTPError):
                await asking
    with server("cli", url, tmp_path, workers=1) as running:
        async with httpx.AsyncClient(base_url=running.address) as client:
            answer = await client.post(path, json=body, headers=bearer(user) | KEY)
    assert answer.json()["booking"]["reserved_seats"] == 3
    assert answer.headers["idempotent-replayed"] == "true"
    assert counted(url, "seat_reservations") == 1
