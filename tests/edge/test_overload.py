"""Past its capacity a worker refuses at once: reads before bookings, and probes never."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import orjson
import psycopg
import pytest
from httpx import AsyncClient, Response
from starlette.types import Message, Receive

from app import create_app
from config.settings import Settings
from db import ids
from db.engine import Database
from errors import Unavailable
from identity import tokens
from runtime.request_count import RequestSlots
from tests.conftest import running
from tests.edge.test_cut_off_requests import until_blocked
from tests.support.factories import bearer, make_booking, make_session, make_user

SLOTS: Final = 8
READS: Final = 6
QUERY: Final = {"query": "{ movies { nodes { title } } }"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Few slots, and patience with the lock that the test holds."""
    limits = replace(settings.limits, requests=SLOTS)
    return replace(settings, limits=limits, pool_size=2 * SLOTS, lock_seconds=60, statement_seconds=60)


@contextmanager
def locked_movies(url: str) -> Iterator[None]:
    """Let everything wait that reads movies."""
    with psycopg.connect(url) as connection:
        connection.execute("LOCK movies IN ACCESS EXCLUSIVE MODE")
        yield


async def refused(tasks: list[asyncio.Task[Response]], *, count: int) -> list[Response]:
    """Return the first answers, once there are so many."""
    done: set[asyncio.Task[Response]] = set()
    async with asyncio.timeout(30):
        while len(done) < count:
            some, _ = await asyncio.wait(set(tasks) - done, return_when=asyncio.FIRST_COMPLETED)
            done |= some
    return [task.result() for task in done]


def receive_after(arrived: asyncio.Event) -> Receive:
    """Return what receives a part of a body once it has arrived."""

    async def receive() -> Message:
        await arrived.wait()
        return {"type": "http.request"}

    return receive


@pytest.mark.parametrize("kind", ["REST", "GraphQL"])
async def test_refuses_reads_at_once_while_bookings_and_probes_get_through(
    client: AsyncClient, database: Database, empty_database_url: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, user = await make_session(database), await make_user(database)
    # Signed in: answers to anonymous callers come from memory.
    headers = bearer(user)

    async def read() -> Response:
        if kind == "REST":
            return await client.get("/v1/movies", headers=headers)
        return await client.post("/graphql", json=QUERY, headers=headers)

    assert (await read()).status_code == 200
    with locked_movies(empty_database_url):
        reads = [asyncio.create_task(read()) for _ in range(10 * SLOTS)]
        # All but those in the slots for reads are answered while the lock is held.
        for answer in await refused(reads, count=10 * SLOTS - READS):
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            error: dict[str, Any] = answer.json()["errors"][0]
            assert (error.get("code") or error["extensions"]["code"]).upper() == "UNAVAILABLE"
        # The check of the token has to read anew, and must not wait for the reads either.
        monkeypatch.setattr(tokens, "REFRESH_SECONDS", 0.0)
        monkeypatch.setattr(tokens, "MAX_AGE_SECONDS", 0.0)
        booked = await client.post(f"/v1/sessions/{ids.encode('ses', session.id)}/book", headers=headers)
        assert booked.status_code == 201
        for probe in ("/livez", "/metrics"):
            assert (await client.get(probe)).status_code == 200
    answers = await asyncio.gather(*reads)
    assert sum(answer.status_code == 200 for answer in answers) == READS
    # Nothing is left of it.
    assert (await client.get("/v1/movies")).status_code == 200


async def test_a_body_on_its_way_and_an_answer_that_has_begun_take_no_slot() -> None:
    slots = RequestSlots(4)
    slot = slots.take(is_browsing=True)
    assert slot is not None
    arrived = asyncio.Event()

    free = [slots.free]
    receiving = asyncio.create_task(slot.receive_outside(receive_after(arrived))())
    await asyncio.sleep(0)
    free.append(slots.free)
    arrived.set()
    await receiving
    free.append(slots.free)
    arrived.clear()
    disconnecting = asyncio.create_task(slot.receive_outside(receive_after(arrived))())
    await asyncio.sleep(0)
    slot.give_back()
    arrived.set()
    await disconnecting
    slot.give_back()

    assert free == [3, 4, 3]
    assert slots.free == 4


@pytest.mark.parametrize("kind", ["REST", "GraphQL"])
async def test_request_whose_slot_was_taken_while_its_body_arrived_is_refused(
    settings: Settings, database: Database, empty_database_url: str, kind: str
) -> None:
    session, user = await make_session(database), await make_user(database)
    booking = ids.encode("bok", (await make_booking(database, user=user, session=session)).id)
    path, body = (f"/v1/bookings/{booking}/reserve", {"seats": 1}) if kind == "REST" else ("/graphql", QUERY)
    headers = bearer(user) | {"Content-Type": "application/json"}
    is_expected, has_arrived = asyncio.Event(), asyncio.Event()

    async def arrive() -> AsyncIterator[bytes]:
        is_expected.set()
        await has_arrived.wait()
        yield orjson.dumps(body)

    one = replace(settings, limits=replace(settings.limits, requests=1))
    async with running(create_app(one, with_jobs=False)) as client:
        with locked_movies(empty_database_url):
            late = asyncio.create_task(client.post(path, content=arrive(), headers=headers))
            await is_expected.wait()
            working = asyncio.create_task(client.post("/graphql", json=QUERY, headers=headers))
            await until_blocked(empty_database_url)
            has_arrived.set()
            refused = await late
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert (await working).status_code == 200
        # Nothing is left of it.
        assert (await client.post("/graphql", json=QUERY, headers=headers)).status_code == 200


async def test_slots_are_never_fewer_than_none() -> None:
    slots = RequestSlots(1)
    early = slots.take(is_browsing=False)
    assert early is not None
    arrived = asyncio.Event()

    receive_one = early.receive_outside(receive_after(arrived))
    receiving = asyncio.create_task(receive_one())
    await asyncio.sleep(0)
    late = slots.take(is_browsing=False)
    assert late is not None
    arrived.set()
    for again in (receiving, receive_one()):
        with pytest.raises(Unavailable):
            await again
    free = [slots.free]
    for slot in (early, late):
        slot.give_back()

    assert [*free, slots.free] == [0, 1]
