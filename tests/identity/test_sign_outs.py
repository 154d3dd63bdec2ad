"""Signing out everywhere ends all tokens of a user, on every server within a second, and no others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Final

import pytest
from httpx import AsyncClient

from app import create_app
from config.settings import Settings
from db import ids
from db.engine import Database
from db.models import User
from domain import user
from identity import tokens
from identity.tokens import Actor, SignOuts, make_token
from tests.conftest import running
from tests.support.factories import KEYS, PASSWORD, make_session, make_user
from tests.support.live import SEATS, opened, served, streamed

PROMISED_SECONDS: Final = 1.0
SIGN_OUT: Final = "mutation { signOutEverywhere { user { id } errors { code } } }"
VIEWER: Final = "{ viewer { id } }"


@pytest.fixture
async def servers(settings: Settings) -> AsyncIterator[tuple[AsyncClient, AsyncClient]]:
    """Two servers on one database."""
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(running(create_app(settings, with_jobs=False))) for _ in range(2)]
        yield one, other


@pytest.fixture
async def ada(database: Database) -> User:
    return await make_user(database)


def authorization(user: User, *, generation: int = 0) -> dict[str, str]:
    return {"Authorization": f"Bearer {make_token(Actor(user.id, generation=generation), keys=KEYS)}"}


async def statuses(clients: tuple[AsyncClient, ...], headers: dict[str, str]) -> list[int]:
    """Return what each server answers to this token, in REST and in GraphQL."""
    return [
        response.status_code
        for client in clients
        for response in (
            await client.get("/v1/bookings", headers=headers),
            await client.post("/graphql", json={"query": VIEWER}, headers=headers),
        )
    ]


async def sign_out(client: AsyncClient, user: User, headers: dict[str, str]) -> None:
    answer = (await client.post("/graphql", json={"query": SIGN_OUT}, headers=headers)).json()
    assert answer["data"] == {"signOutEverywhere": {"user": {"id": ids.encode("usr", user.id)}, "errors": []}}


async def test_ends_all_tokens_of_one_user_on_all_servers(
    servers: tuple[AsyncClient, AsyncClient], settings: Settings, database: Database, ada: User
) -> None:
    phone, laptop, others = authorization(ada), authorization(ada), authorization(await make_user(database))
    for headers in (phone, laptop, others):
        assert await statuses(servers, headers) == [200] * 4

    await sign_out(servers[0], ada, phone)
    await asyncio.sleep(PROMISED_SECONDS)

    for headers in (phone, laptop):
        assert await statuses(servers, headers) == [401] * 4
    assert await statuses(servers, others) == [200] * 4
    # A server that starts later knows of it too, and a token that is issued later is good.
    async with running(create_app(settings, with_jobs=False)) as started_later:
        assert await statuses((started_later,), phone) == [401] * 2
    assert await statuses(servers, authorization(ada, generation=1)) == [200] * 4


async def test_server_that_does_not_read_again_accepts_ended_tokens(
    servers: tuple[AsyncClient, AsyncClient], ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: without the read the test above fails."""
    headers = authorization(ada)
    assert await statuses(servers, headers) == [200] * 4
    monkeypatch.setattr(tokens, "REFRESH_SECONDS", 3600.0)
    monkeypatch.setattr(tokens, "MAX_AGE_SECONDS", 3600.0)

    await sign_out(servers[0], ada, headers)
    await asyncio.sleep(PROMISED_SECONDS)

    assert await statuses(servers, headers) == [200] * 4


async def test_the_cookie_ends_too_and_the_next_sign_in_is_valid(client: AsyncClient, ada: User) -> None:
    cookie = authorization(ada)["Authorization"].removeprefix("Bearer ")
    page = {"Sec-Fetch-Site": "same-origin", "Cookie": f"matinee_session={cookie}"}
    await sign_out(client, ada, page)
    await asyncio.sleep(PROMISED_SECONDS)

    stale = await client.post("/graphql", json={"query": VIEWER}, headers=page)
    assert stale.json()["data"] == {"viewer": None}
    assert stale.headers["set-cookie"].startswith('matinee_session=""')
    credentials = {"email": ada.email, "password": PASSWORD}
    token = (await client.post("/v1/auth/signin", json=credentials)).json()["token"]
    assert await statuses((client,), {"Authorization": f"Bearer {token}"}) == [200] * 2


async def test_refuses_sign_out_of_anonymous_callers(client: AsyncClient) -> None:
    answer = await client.post("/graphql", json={"query": SIGN_OUT})

    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_ends_open_streams_of_the_user_alone(settings: Settings, database: Database, ada: User) -> None:
    session = ids.encode("ses", (await make_session(database, capacity=10)).id)
    bob = await make_user(database)
    async with (
        served(settings) as address,
        streamed(address, SEATS, user=ada, id=session) as events,
        opened(address) as socket,
        opened(address) as of_bob,
    ):
        for each, who in ((socket, ada), (of_bob, bob)):
            await (await each.begin(who)).subscribe(SEATS, id=session)
            await each.next()
        await events.next()

        async with database.transaction() as tx:
            assert await user.end_tokens(tx, user_id=ada.id)

        kind, body = await events.receive()
        assert (kind, body["errors"][0]["extensions"]["code"]) == ("next", "UNAUTHENTICATED")
        assert await events.receive() == ("complete", None)
        assert await socket.codes() == ["UNAUTHENTICATED"]
        assert await socket.closed() == (4401, f"Unauthorized: {tokens.ENDED}")
        await of_bob.send(type="ping")
        assert await of_bob.receive() == {"type": "pong"}


@pytest.mark.parametrize("overlap", [tokens.OVERLAP, timedelta(0)], ids=["overlap", "control"])
async def test_reads_a_sign_out_that_commits_after_a_later_one(
    database: Database, ada: User, monkeypatch: pytest.MonkeyPatch, overlap: timedelta
) -> None:
    monkeypatch.setattr(tokens, "OVERLAP", overlap)
    monkeypatch.setattr(tokens, "MAX_AGE_SECONDS", 0.0)
    bob, known = await make_user(database), SignOuts(database.primary)
    async with database.transaction() as slow:
        await user.end_tokens(slow, user_id=ada.id)
        async with database.transaction() as fast:
            await user.end_tokens(fast, user_id=bob.id)
        assert not await known.is_valid(Actor(bob.id))
        assert await known.is_valid(Actor(ada.id))

    await asyncio.sleep(tokens.REFRESH_SECONDS)
    assert await known.is_valid(Actor(ada.id)) == (overlap == timedelta(0))
    await known.close()
