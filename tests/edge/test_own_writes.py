"""Callers read their own changes at once, though the standby that others read from has not replayed them.

The replay of the standby is paused, and no check leaves the standby out: whoever reads from it sees the state before.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from httpx import AsyncClient, Response

from app import create_app
from config.settings import Settings
from db import migrate, standby_watch
from db.engine import Database
from db.models import Movie, User
from edge.own_writes import HEADER, POSITION_COOKIE
from runtime.position_marks import make_shared_marks_file
from tests.conftest import running
from tests.support.factories import bearer, make_movie, make_user
from tests.support.live import opened, served, streamed
from tests.support.standby import Pair, paused_replay, streaming_pair, wait_until_replayed

NODE: Final = "query ($id: ID!) { node(id: $id) { ... on Movie { title rating } } }"
LIST: Final = "{ movies { nodes { title rating } } }"
RENAME: Final = 'mutation ($id: ID!) { updateMovie(input: {id: $id, title: "New"}) { errors { code } } }'
DELETE: Final = "mutation ($id: ID!) { deleteMovie(input: {id: $id}) { errors { code } } }"


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with streaming_pair() as made:
        migrate.upgrade(made.primary)
        yield made


@pytest.fixture
def empty_database_url(pair: Pair) -> str:
    """The address of the primary, without movies."""
    with psycopg.connect(pair.primary, autocommit=True) as connection:
        connection.execute("TRUNCATE movies, users CASCADE")
    return pair.primary


@pytest.fixture
def settings(settings: Settings, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Those of a server that reads from the standby, and never finds out that it lags."""
    monkeypatch.setattr(standby_watch, "CHECK_SECONDS", 3600.0)
    # On a busy machine neither server counts as one that does not answer.
    monkeypatch.setattr(standby_watch, "PATIENCE_SECONDS", 60.0)
    # The one check, at the start, must not leave the standby out because the machine is busy.
    monkeypatch.setattr(standby_watch, "PATIENCE_SECONDS", 60.0)
    return replace(settings, database_read_url=pair.standby, public_url=None)


@dataclass(frozen=True)
class Cinema:
    """Two workers of one server and another server, on a standby that does not replay; a movie, and who changes it."""

    worker: AsyncClient
    neighbour: AsyncClient
    other_server: AsyncClient
    staff: User
    colleague: User
    stranger: User
    movie: Movie

    async def graphql(self, client: AsyncClient, document: str, by: User | None, **headers: str) -> Response:
        body = {"query": document, "variables": {"id": f"mov_{self.movie.id}"} if "$id" in document else {}}
        # Without the cookies that an earlier answer has set.
        client.cookies.clear()
        return await client.post("/graphql", json=body, headers=(bearer(by) if by else {}) | headers)

    async def rest(self, client: AsyncClient, path: str, by: User | None, **headers: str) -> Response:
        client.cookies.clear()
        return await client.get(path, headers=(bearer(by) if by else {}) | headers)

    async def titles(self, client: AsyncClient, by: User | None, **headers: str) -> list[Any]:
        """Return the movie's title by GraphQL's node and list, and by REST's movie and list; None where it is not there."""
        node = (await self.graphql(client, NODE, by, **headers)).json()["data"]["node"]
        nodes = (await self.graphql(client, LIST, by, **headers)).json()["data"]["movies"]["nodes"]
        one = (await self.rest(client, f"/v1/movies/mov_{self.movie.id}", by, **headers)).json()
        movies = (await self.rest(client, "/v1/movies", by, **headers)).json()["movies"]
        found = [node, nodes[0] if nodes else None, one.get("movie"), movies[0] if movies else None]
        return [each and each["title"] for each in found]


@pytest.fixture
async def cinema(settings: Settings, database: Database, pair: Pair) -> AsyncIterator[Cinema]:
    staff, colleague = [await make_user(database, is_staff=True) for _ in range(2)]
    stranger = await make_user(database)
    movie = await make_movie(database, title="Old")
    await wait_until_replayed(pair)
    async with AsyncExitStack() as stack:
        stack.enter_context(paused_replay(pair))
        marks = stack.enter_context(make_shared_marks_file())

        async def serve(worker: int, file: Path | None) -> AsyncClient:
            return await stack.enter_async_context(running(create_app(settings, worker, with_jobs=False, marks=file)))

        yield Cinema(
            worker=await serve(0, marks),
            neighbour=await serve(1, marks),
            other_server=await serve(0, None),
            staff=staff,
            colleague=colleague,
            stranger=stranger,
            movie=movie,
        )


async def test_shows_caller_of_graphql_their_change_everywhere(cinema: Cinema) -> None:
    changed = await cinema.graphql(cinema.worker, RENAME, cinema.staff)
    assert changed.json()["data"]["updateMovie"]["errors"] == []
    for client in (cinema.worker, cinema.neighbour):
        assert await cinema.titles(client, cinema.staff) == ["New"] * 4
    # Others read from the standby, which does not know the change yet.
    assert await cinema.titles(cinema.worker, cinema.stranger) == ["Old"] * 4
    assert await cinema.titles(cinema.other_server, cinema.staff) == ["Old"] * 4


async def test_shows_change_on_other_servers_by_header_or_cookie(cinema: Cinema) -> None:
    changed = await cinema.graphql(cinema.worker, RENAME, cinema.staff)
    position, cookie = changed.headers[HEADER], changed.headers["set-cookie"]
    assert f"{POSITION_COOKIE}={position}" in cookie
    assert "Max-Age=10" in cookie
    for sent in ({HEADER: position}, {"Cookie": f"a=b; {POSITION_COOKIE}={position}"}):
        assert await cinema.titles(cinema.other_server, cinema.staff, **sent) == ["New"] * 4
        # Who signs out, or reads without the token.
        assert await cinema.titles(cinema.other_server, None, **sent) == ["New"] * 4
    for forged in ("", "x", position[:-1], position + "A", "9" * 40):
        assert await cinema.titles(cinema.other_server, cinema.staff, **{HEADER: forged}) == ["Old"] * 4


async def test_shows_deletion_in_node_and_lists_alike(cinema: Cinema) -> None:
    await cinema.graphql(cinema.worker, DELETE, cinema.staff)
    assert await cinema.titles(cinema.neighbour, cinema.staff) == [None] * 4
    assert await cinema.titles(cinema.neighbour, cinema.stranger) == ["Old"] * 4


async def test_shows_caller_of_rest_their_rating_also_when_repeated(cinema: Cinema) -> None:
    async def rate(client: AsyncClient) -> Response:
        path, body = f"/v1/movies/mov_{cinema.movie.id}/rate", {"value": 5}
        key = {"Idempotency-Key": "once"}
        return await client.post(path, json=body, headers=bearer(cinema.stranger) | key)

    async def rating(client: AsyncClient, by: User) -> float | None:
        value: float | None = (await cinema.graphql(client, NODE, by)).json()["data"]["node"]["rating"]
        return value

    rated = await rate(cinema.worker)
    assert HEADER in rated.headers
    assert await rating(cinema.neighbour, cinema.stranger) == 5
    assert await rating(cinema.neighbour, cinema.staff) is None
    assert await rating(cinema.other_server, cinema.stranger) is None
    # The answer was lost, and the load balancer sends the second attempt to another server.
    repeated = await rate(cinema.other_server)
    assert repeated.headers["Idempotent-Replayed"] == "true"
    assert await rating(cinema.other_server, cinema.stranger) == 5


async def test_shows_change_made_over_a_websocket_or_a_stream(cinema: Cinema, settings: Settings) -> None:
    movie = f"mov_{cinema.movie.id}"
    async with served(settings) as address:
        async with opened(address) as socket:
            await socket.begin(cinema.staff)
            await socket.subscribe(RENAME, id=movie)
            assert await socket.next() == {"updateMovie": {"errors": []}}
            await socket.receive()
            await socket.subscribe(NODE, "2", id=movie)
            assert (await socket.next("2"))["node"]["title"] == "New"
        async with streamed(address, NODE, user=cinema.colleague, id=movie) as events:
            assert (await events.next())["node"]["title"] == "Old"
        async with streamed(address, RENAME, user=cinema.colleague, id=movie) as events:
            assert await events.next() == {"updateMovie": {"errors": []}}
        async with streamed(address, NODE, user=cinema.colleague, id=movie) as events:
            assert (await events.next())["node"]["title"] == "New"


async def test_sends_position_only_with_changes_of_the_programme(cinema: Cinema) -> None:
    refused = await cinema.graphql(cinema.worker, RENAME, cinema.stranger)
    read = await cinema.graphql(cinema.worker, LIST, cinema.staff)
    assert HEADER not in {**refused.headers, **read.headers}


@pytest.mark.usefixtures("cinema")
async def test_sends_no_position_without_a_standby(settings: Settings, cinema: Cinema) -> None:
    async with running(create_app(replace(settings, database_read_url=None), with_jobs=False)) as client:
        changed = await cinema.graphql(client, RENAME, cinema.staff)
    assert changed.json()["data"]["updateMovie"]["errors"] == []
    assert HEADER not in changed.headers
    assert "set-cookie" not in changed.headers
