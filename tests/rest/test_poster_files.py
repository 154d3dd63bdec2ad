"""Posters as they are served, and their addresses in answers."""

from dataclasses import replace
from pathlib import Path

import pytest
from httpx import AsyncClient

from config.settings import Settings
from db import ids
from db.engine import Database
from db.models import Movie
from demo.posters import draw_poster
from tests.support.answers import codes
from tests.support.factories import SECRET, make_movie


@pytest.fixture
def settings(empty_database_url: str, tmp_path: Path) -> Settings:
    """A server that has not been told its public address."""
    environ = {"DATABASE_URL": empty_database_url, "MATINEE_SECRET": SECRET, "MATINEE_DATA_DIR": str(tmp_path)}
    return replace(Settings.from_env(environ), pool_size=4)


def path_of(movie: Movie) -> str:
    return f"/posters/{ids.encode('mov', movie.id)}.svg"


async def test_serves_the_drawing_of_the_movie(client: AsyncClient, database: Database) -> None:
    movie = await make_movie(database, title="La Jetée", genres=["Drama"])
    response = await client.get(path_of(movie))

    assert response.status_code == 200
    assert response.headers["content-type"] == "image/svg+xml"
    assert response.text == draw_poster("La Jetée", ["Drama"])


async def test_poster_forbids_scripts_and_allows_caching(client: AsyncClient, database: Database) -> None:
    response = await client.get(path_of(await make_movie(database)))

    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "max-age=3600" in response.headers["cache-control"]


@pytest.mark.parametrize("form", ["{tag}", "W/{tag}", '"other", {tag}', "*"])
async def test_answers_304_for_a_cached_poster(client: AsyncClient, database: Database, form: str) -> None:
    path = path_of(await make_movie(database))
    tag = (await client.get(path)).headers["etag"]
    response = await client.get(path, headers={"If-None-Match": form.format(tag=tag)})

    assert response.status_code == 304
    assert response.content == b""
    assert response.headers["etag"] == tag


async def test_poster_changes_with_the_title(client: AsyncClient, database: Database) -> None:
    movie = await make_movie(database, title="One")
    tag = (await client.get(path_of(movie))).headers["etag"]
    await database.primary.value("UPDATE movies SET title = 'Two' RETURNING 1")
    response = await client.get(path_of(movie), headers={"If-None-Match": tag})

    assert response.status_code == 200


@pytest.mark.parametrize("name", ["mov_1", "plc_1", "1", "%00", "mov_99999999999999999999", "mov_1.svg"])
async def test_answers_404_for_poster_of_unknown_movie(client: AsyncClient, name: str) -> None:
    response = await client.get(f"/posters/{name}.svg")

    assert response.status_code == 404
    assert codes(response) == ["movie_not_found"]


@pytest.mark.parametrize("host", ["cinema.example.org", "127.0.0.1:8000", "[::1]:8000"])
async def test_addresses_use_the_request_host(client: AsyncClient, database: Database, host: str) -> None:
    movie = await make_movie(database)
    response = await client.get("/v1/movies", headers={"Host": host})

    assert response.json()["movies"][0]["poster"] == f"http://{host}{movie.poster}"


@pytest.mark.parametrize("host", ["not a host", "a:99999", '"><script>', "a/b", "a@b", ""])
async def test_never_repeats_invalid_host(client: AsyncClient, database: Database, host: str) -> None:
    movie = await make_movie(database)
    response = await client.get("/v1/movies", headers={"Host": host})
    poster = response.json()["movies"][0]["poster"]

    assert poster.startswith("http://cinema.local")
    assert poster.endswith(movie.poster)
