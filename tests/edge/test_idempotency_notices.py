"""A request with an idempotency key has its own transaction: its notices of change must go out all the same."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import pytest
from httpx import AsyncClient, Response
from psycopg import AsyncConnection

from db import ids
from db.engine import Database
from db.models import Event
from db.notices import CHANNEL, Changed, read_changes
from tests.support.factories import bearer, make_user
from tests.support.ticketing import availability, make_event

PATIENCE_SECONDS: Final = 15.0
KEY: Final = {"Idempotency-Key": "one key"}
RESERVE: Final = """
    mutation ($event: ID!) { reserveTickets(input: {eventId: $event, tickets: 2}) { errors { code } } }
"""


async def reserve_by_rest(client: AsyncClient, event: Event, headers: dict[str, str]) -> Response:
    body = {"event_id": str(ids.to_uuid("evt", event.id)), "no_of_tickets": 2}
    return await client.post("/reservations/", json=body, headers=headers)


async def reserve_by_graphql(client: AsyncClient, event: Event, headers: dict[str, str]) -> Response:
    body = {"query": RESERVE, "variables": {"event": ids.encode("evt", event.id)}}
    return await client.post("/graphql", json=body, headers=headers)


async def wait_for_notice(connection: AsyncConnection[tuple[object, ...]], change: Changed) -> None:
    """Return once the change is heard; raise TimeoutError where it is not."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for notice in connection.notifies():
            if change in read_changes(notice.payload):
                return


@pytest.mark.parametrize("reserve", [reserve_by_rest, reserve_by_graphql])
async def test_sends_notices_of_request_with_key_after_its_commit(
    client: AsyncClient,
    database: Database,
    database_url: str,
    reserve: Callable[[AsyncClient, Event, dict[str, str]], Awaitable[Response]],
) -> None:
    user, event = await make_user(database), await make_event(database, capacity=10)
    async with await AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(f"LISTEN {CHANNEL}")
        response = await reserve(client, event, KEY | bearer(user))
        assert response.is_success, response.text
        await wait_for_notice(connection, Changed("event", event.id))
    assert await availability(database, event) == 8
