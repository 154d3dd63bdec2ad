"""GET /request-count/ and POST /request-count/reset/, on one process; two are tried in tests/edge/test_request_count.py."""

import asyncio

import pytest
from httpx import AsyncClient

from db.engine import Database
from tests.support.factories import bearer, make_user


@pytest.fixture
async def headers(database: Database) -> dict[str, str]:
    return bearer(await make_user(database))


async def requests(client: AsyncClient, headers: dict[str, str]) -> int:
    response = await client.get("/request-count/", headers=headers)
    assert response.status_code == 200
    assert set(response.json()) == {"requests"}
    count: int = response.json()["requests"]
    return count


async def test_counts_every_request_whatever_its_status(client: AsyncClient, headers: dict[str, str]) -> None:
    assert await requests(client, headers) == 1

    await client.get("/livez")
    await client.get("/nothing/here")
    await client.post("/login/", content=b"{")
    await client.get("/request-count/")
    await client.post("/graphql", json={"query": "{ __typename }"})

    assert await requests(client, headers) == 7


async def test_counts_from_one_after_a_reset(client: AsyncClient, headers: dict[str, str]) -> None:
    await asyncio.gather(*(client.get("/livez") for _ in range(50)))

    response = await client.post("/request-count/reset/", headers=headers)

    assert response.json() == {"message": "request count reset successfully"}
    assert await requests(client, headers) == 1
    assert await requests(client, headers) == 2


async def test_concurrent_resets_leave_one_count(client: AsyncClient, headers: dict[str, str]) -> None:
    await asyncio.gather(*(client.post("/request-count/reset/", headers=headers) for _ in range(10)))

    assert await requests(client, headers) == 1


async def test_counting_needs_no_statement(client: AsyncClient, headers: dict[str, str], statements: list[str]) -> None:
    statements.clear()

    await asyncio.gather(*(client.get("/livez") for _ in range(20)))
    await requests(client, headers)

    assert statements == []
