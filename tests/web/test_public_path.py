"""A server whose MATINEE_PUBLIC_URL has a path, behind a proxy that strips it: everything leads below that path."""

import re
from dataclasses import replace

import pytest
from httpx import AsyncClient

from config.settings import Settings
from db import ids
from db.engine import Database
from tests.edge.test_browser_session import KEEP, SIGN_UP
from tests.support.factories import make_movie

PUBLIC_URL = "https://cinema.test/kino"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, public_url=PUBLIC_URL)


@pytest.mark.parametrize("path", ["/", "/flim", "/graphql", "/docs"])
async def test_pages_load_files_from_below_path(client: AsyncClient, path: str) -> None:
    page = await client.get(path, headers={"Accept": "text/html"})

    assert 'data-base="/kino"' in page.text
    addresses = re.findall(r'(?:href|src)="(/[^"]*)"', page.text)
    assert addresses
    assert [each for each in addresses if not each.startswith("/kino/")] == []


async def test_session_cookie_is_of_path(client: AsyncClient) -> None:
    answer = await client.post("/graphql", json={"query": SIGN_UP}, headers=KEEP)

    assert "path=/kino" in answer.headers["set-cookie"].lower().split("; ")


async def test_addresses_in_answers_are_below_path(client: AsyncClient, database: Database) -> None:
    movie = ids.encode("mov", (await make_movie(database, poster="/posters/alien.svg")).id)
    query = f'{{ movie(id: "{movie}") {{ poster }} }}'
    by_graphql = (await client.post("/graphql", json={"query": query})).json()["data"]["movie"]
    by_rest = (await client.get(f"/v1/movies/{movie}")).json()["movie"]

    assert [each["poster"] for each in (by_graphql, by_rest)] == [f"{PUBLIC_URL}/posters/alien.svg"] * 2
