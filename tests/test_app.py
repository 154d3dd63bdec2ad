"""The whole server on a real database: what it says of itself, and without one."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import psycopg
import pytest
from starlette.types import Receive, Scope, Send

from app import create_app
from config.settings import Settings
from db import revision
from tests.support.lived import lived


@pytest.fixture
async def schema_behind(settings: Settings) -> AsyncIterator[None]:
    assert settings.database_url is not None
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
        yield
        connection.execute("UPDATE alembic_version SET version_num = %s", [revision.find_head()])


async def test_readyz_answers_ready_when_schema_is_up_to_date(client: httpx.AsyncClient) -> None:
    response = await client.get("/readyz")

    assert response.json() == {"status": "ready"}


@pytest.mark.usefixtures("schema_behind")
async def test_readyz_refuses_when_schema_is_behind(client: httpx.AsyncClient) -> None:
    response = await client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["errors"] == [
        {
            "code": "unavailable",
            "message": "migrations: the schema is behind; run `matinee migrate`",
        }
    ]


@pytest.mark.alone
async def test_server_starts_without_database_and_readyz_refuses_in_time(settings: Settings) -> None:
    nowhere = replace(settings, database_url="postgresql://nobody@127.0.0.1:1/nothing")
    app = create_app(nowhere)
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        transport = httpx.ASGITransport(with_state)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            alive = await client.get("/livez")
            with lived() as spent:
                ready = await client.get("/readyz")

    assert alive.status_code == 200
    assert ready.status_code == 503
    assert "database: " in ready.text
    assert spent.seconds < 2.5


@pytest.mark.parametrize("path", ["/nothing", "/livez/more", "/%00", "/v1", "/film", "/my"])
async def test_unknown_address_answers_json(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)

    assert response.status_code == 404
    assert response.json()["errors"][0]["code"] == "route_not_found"
