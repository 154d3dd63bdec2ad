"""Third parties, subscriptions, exports and passwords have bounds of their own: none of them keeps bookings out."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import Final

import httpx
import pytest
from httpx import AsyncClient, Response

import app
from config.settings import Settings
from db import ids
from db.engine import Database
from db.models import Session, User
from domain import export
from identity import passwords
from jobs import exports
from tests.edge.test_overload import refused
from tests.support.factories import PASSWORD, bearer, make_session, make_user
from tests.support.live import SEATS, Socket, opened, served
from tests.support.prices import make_seen
from tests.support.third_party import hanging, third_party
from upstreams.resilience import Limits
from upstreams.store import Store

SLOTS: Final = 8
PROCESSORS: Final = 2
FOR_QUERIES: Final = 6
PATIENCE: Final = 60.0
CATALOGUE: Final = {"query": "{ catalogue { nodes { title } } }"}
SUBSCRIPTIONS: Final = 1000
SOCKETS: Final = 20


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Those of a server with few slots, and one connection for all changes, on a machine with two processors."""
    monkeypatch.setattr("identity.passwords.count_processors", lambda: PROCESSORS)
    return replace(settings, limits=replace(settings.limits, requests=SLOTS), pool_size=1)


@pytest.fixture
async def session(database: Database) -> Session:
    return await make_session(database)


@pytest.fixture
async def buyer(database: Database) -> User:
    return await make_user(database)


async def book(client: AsyncClient, session: Session, buyer: User) -> Response:
    async with asyncio.timeout(PATIENCE):
        return await client.post(f"/v1/sessions/{ids.encode('ses', session.id)}/book", headers=bearer(buyer))


class TestThirdParties:
    """A catalogue that never answers, and callers that wait for it."""

    @pytest.fixture
    def settings(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
        """Those of a server that waits longer than the test takes."""
        monkeypatch.setattr(app, "Limits", partial(Limits, deadline=PATIENCE, patience=PATIENCE))
        with third_party() as address:
            address.party.behaviours = [hanging]
            yield replace(settings, catalogue_url=address.url)

    async def test_queries_that_wait_for_them_leave_slots_to_bookings(
        self, client: AsyncClient, session: Session, buyer: User
    ) -> None:
        headers = bearer(buyer)
        waiting = [
            asyncio.create_task(client.post("/graphql", json=CATALOGUE, headers=headers)) for _ in range(5 * SLOTS)
        ]
        try:
            answers = await refused(waiting, count=5 * SLOTS - FOR_QUERIES)
            assert {answer.status_code for answer in answers} == {503}
            assert (await book(client, session, buyer)).status_code == 201
            assert sum(not task.done() for task in waiting) == FOR_QUERIES
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)


async def test_passwords_that_wait_to_be_hashed_leave_slots_to_bookings(
    client: AsyncClient, session: Session, buyer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = threading.Event()

    def wait_to_match(_: str, __: str) -> bool:
        return may_go_on.wait(PATIENCE)

    monkeypatch.setattr(passwords, "_matches", wait_to_match)
    account = {"email": buyer.email, "password": PASSWORD}
    waiting = [asyncio.create_task(client.post("/v1/auth/signin", json=account)) for _ in range(5 * SLOTS)]
    try:
        # Two are hashed, and a quarter of the slots waits for that.
        bound = PROCESSORS + SLOTS // 4
        assert {answer.status_code for answer in await refused(waiting, count=5 * SLOTS - bound)} == {503}
        assert (await book(client, session, buyer)).status_code == 201
        assert sum(not task.done() for task in waiting) == bound
    finally:
        may_go_on.set()
        await asyncio.gather(*waiting)


async def test_export_to_a_store_that_hangs_leaves_the_connection_to_bookings(
    settings: Settings, buyer: User, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_reading = asyncio.Event()

    async def hang(_: Store, __: str, parts: AsyncIterator[bytes]) -> None:
        # The head, and the first rows.
        for _part in range(2):
            await anext(parts)
        is_reading.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Store, "write", hang)
    await make_seen(database, 10)
    async with database.transaction() as tx:
        made = await export.request_export(tx, user_id=buyer.id)
        attempt = await export.begin_attempt(tx, export_id=made.id)
        assert attempt is not None
    async with app.open_services(settings) as services:
        writing = asyncio.create_task(exports.write_file(services, export_id=made.id, attempt=attempt))
        async with asyncio.timeout(PATIENCE):
            await is_reading.wait()
        # The only connection of the pool.
        assert await services.database.primary.value("SELECT 1") == 1
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


async def test_subscriptions_leave_slots_and_connections_to_bookings(
    settings: Settings, session: Session, buyer: User
) -> None:
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(served(settings))

        async def subscribe() -> Socket:
            socket = await (await stack.enter_async_context(opened(address))).begin()
            for number in range(SUBSCRIPTIONS // SOCKETS):
                await socket.subscribe(SEATS, str(number), id=f"ses_{session.id}")
                assert (await socket.next(str(number)))["sessionChanged"]["seatsAvailable"] == 100
            return socket

        sockets = await asyncio.gather(*(subscribe() for _ in range(SOCKETS)))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=f"http://{address}", timeout=PATIENCE))
        booked = await book(client, session, buyer)
        assert booked.status_code == 201
        booking = booked.json()["booking"]["id"]
        seats = await client.post(f"/v1/bookings/{booking}/reserve", json={"seats": 2}, headers=bearer(buyer))
        assert seats.status_code == 200
        # All of them see it, by one read.
        for socket in sockets:
            assert (await socket.receive())["payload"]["data"]["sessionChanged"]["seatsAvailable"] == 98
