"""The schema over HTTP, for tools that cannot or may not introspect."""

from dataclasses import replace

import pytest
from graphql import build_schema
from httpx import AsyncClient

from config.settings import Settings
from graphql_server.executable_schema import format_sdl


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """In production, where introspection is off, and with MATINEE_SCHEMA_FILE as a test asks for it."""
    return replace(settings, introspection=False, schema_file=getattr(request, "param", True))


async def test_serves_schema_with_etag_and_one_of(client: AsyncClient) -> None:
    response = await client.get("/schema.graphql")
    assert (response.status_code, response.text) == (200, format_sdl())
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["cache-control"] == "public, max-age=60"
    identity = build_schema(response.text).get_type("IdentityInput")
    assert getattr(identity, "is_one_of", False)
    again = await client.get("/schema.graphql", headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await client.head("/schema.graphql")).headers["etag"] == response.headers["etag"]


@pytest.mark.parametrize("settings", [False], indirect=True)
async def test_has_no_schema_where_it_is_switched_off(client: AsyncClient) -> None:
    assert (await client.get("/schema.graphql")).status_code == 404
