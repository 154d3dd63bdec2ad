"""Answers from memory against a writer, killed servers, cut and frozen listeners, and a clock that is wrong.

Every answer must be what the database had at some instant of the second before its request began. All instants are those of
the clock of this process: a version is over once its successor's writer was told of the commit, so a stall of this process
makes an answer look newer, and never older.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
import pytest
from psycopg import AsyncConnection

from db.engine import Database
from db.models import Movie, Place, User
from tests.support.factories import bearer, make_movie, make_place, make_session, make_user
from tests.support.frozen_server import stopped
from tests.support.live import PATIENCE
from tests.support.servers import Server, server

STORM_SECONDS: Final = 6.0
BOUND_SECONDS: Final = 1.0
READERS: Final = 3
CACHE: Final = {"MATINEE_RESPONSE_CACHE": "4MB"}
LISTENERS: Final = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE '%last_ends_at > now()%' AND pid <> pg_backend_pid()
"""
TITLE: Final = "query ($id: ID!) { movie(id: $id) { title ratingCount } }"
SESSIONS: Final = "query ($id: ID!) { movie(id: $id) { sessions { totalCount } } }"
RENAME: Final = "mutation ($input: UpdateMovieInput!) { updateMovie(input: $input) { errors { code } } }"
LOST: Final = (httpx.TransportError, OSError)


@dataclass
class History:
    """The versions of one thing, which only grow, and when each of them was over."""

    version: int
    over_at: dict[int, float] = field(default_factory=dict)

    def advance(self) -> None:
        """Note that the next version was acknowledged just now."""
        self.over_at[self.version] = time.monotonic()
        self.version += 1

    def is_stale(self, version: int, asked_at: float) -> bool:
        """Return whether this version was over a second before a request began."""
        return self.over_at.get(version, float("inf")) < asked_at - BOUND_SECONDS


@dataclass
class Stage:
    """What is written and read."""

    movie: Movie
    place: Place
    staff: User
    title: History = field(default_factory=lambda: History(0))
    ratings: History = field(default_factory=lambda: History(0))
    sessions: History = field(default_factory=lambda: History(1))
    addresses: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    answers: int = 0

    @property
    def movie_id(self) -> str:
        """The id of the movie at the doors."""
        return f"mov_{self.movie.id}"

    def judge(self, history: History, version: int, asked_at: float) -> None:
        """Note an answer that is too old."""
        self.answers += 1
        if history.is_stale(version, asked_at):
            late = asked_at - history.over_at[version]
            self.stale.append(f"version {version} after {late:.2f} s")


@pytest.fixture
async def stage(database: Database) -> Stage:
    movie, place = await make_movie(database, title="0"), await make_place(database)
    await make_session(database, movie=movie, place=place)
    return Stage(movie, place, await make_user(database, is_staff=True))


async def read(stage: Stage, client: httpx.AsyncClient, address: str) -> None:
    """Ask for one of the things, by one of the doors."""
    asked_at, variables = time.monotonic(), {"id": stage.movie_id}
    which = random.randrange(3)  # noqa: S311 - a test
    if which == 0:
        answer = await client.get(f"{address}/v1/movies/{stage.movie_id}")
        if answer.status_code == HTTPStatus.OK:
            stage.judge(stage.title, int(answer.json()["movie"]["title"]), asked_at)
        return
    document = TITLE if which == 1 else SESSIONS
    answer = await client.post(f"{address}/graphql", json={"query": document, "variables": variables})
    if answer.status_code != HTTPStatus.OK:
        # A machine that is very busy; no answer is no old answer.
        return
    movie = answer.json()["data"]["movie"]
    if which == 1:
        stage.judge(stage.title, int(movie["title"]), asked_at)
        stage.judge(stage.ratings, movie["ratingCount"], asked_at)
    else:
        stage.judge(stage.sessions, movie["sessions"]["totalCount"], asked_at)


async def read_on(stage: Stage, place: int) -> None:
    """Ask one server again and again, also while it is being replaced."""
    async with httpx.AsyncClient(timeout=30) as client:
        while True:
            try:
                await read(stage, client, stage.addresses[place])
            except LOST:
                await asyncio.sleep(0.05)


async def rename_on(stage: Stage, connection: AsyncConnection[Any]) -> None:
    """Write new titles, by a server or past all of them; a server may be killed while it does."""
    async with httpx.AsyncClient(timeout=30, headers=bearer(stage.staff)) as client:
        while True:
            title = str(stage.title.version + 1)
            if random.random() < 0.5:  # noqa: S311 - a test
                await connection.execute("UPDATE movies SET title = %s", [title])
            else:
                body = {"query": RENAME, "variables": {"input": {"id": stage.movie_id, "title": title}}}
                try:
                    await client.post(f"{random.choice(stage.addresses)}/graphql", json=body)  # noqa: S311 - a test
                except LOST:
                    # A server that was killed may have done it, and what it had sent may still be done.
                    await asyncio.sleep(1)
            found = await (await connection.execute("SELECT title FROM movies FOR UPDATE")).fetchone()
            if found == (title,):
                stage.title.advance()
            await asyncio.sleep(random.uniform(0, 0.3))  # noqa: S311 - a test


async def rate_on(stage: Stage, connection: AsyncConnection[Any]) -> None:
    """Rate the movie again and again."""
    while True:
        await connection.execute(
            "WITH rater AS (INSERT INTO users (username, password_hash) VALUES (gen_random_uuid()::text, '') RETURNING id)"
            " INSERT INTO ratings (user_id, movie_id, value) SELECT id, %s, 3 FROM rater",
            [stage.movie.id],
        )
        stage.ratings.advance()
        await asyncio.sleep(random.uniform(0, 0.5))  # noqa: S311 - a test


async def schedule_on(stage: Stage, connection: AsyncConnection[Any]) -> None:
    """Add session after session."""
    while True:
        await connection.execute(
            "INSERT INTO sessions (movie_id, place_id, starts_at, capacity)"
            " SELECT movie_id, place_id, max(starts_at) + interval '1 day', 9 FROM sessions GROUP BY movie_id, place_id"
        )
        stage.sessions.advance()
        await asyncio.sleep(random.uniform(0, 0.5))  # noqa: S311 - a test


async def trouble_listeners(connection: AsyncConnection[Any]) -> None:
    """Cut listeners, and freeze them for longer than their lease."""
    while True:
        await asyncio.sleep(0.5)
        found = await (await connection.execute(LISTENERS)).fetchall()
        if not found:
            continue
        (pid,) = random.choice(found)  # noqa: S311 - a test
        if random.random() < 0.5:  # noqa: S311 - a test
            await connection.execute("SELECT pg_terminate_backend(%s)", [pid])
        else:
            # The processes of a PostgreSQL elsewhere cannot be frozen.
            with contextlib.suppress(PermissionError), stopped(pid):
                await asyncio.sleep(1.2)


@asynccontextmanager
async def under_way(*endless: Awaitable[None]) -> AsyncIterator[None]:
    """Run these meanwhile; raise what one of them raises."""
    tasks = [asyncio.ensure_future(each) for each in endless]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
    for each in found:
        if isinstance(each, BaseException) and not isinstance(each, asyncio.CancelledError):
            raise each


async def hits(address: str) -> float:
    """Return how many answers of a server came from memory."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{address}/metrics")).text
    return next(
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith('matinee_response_cache_lookups_total{outcome="hit"}')
    )


async def start(stack: ExitStack, module: str, url: str, folder: Path) -> Server:
    """Return a server that is ready."""
    return await asyncio.to_thread(stack.enter_context, server(module, url, folder, workers=1, **CACHE))


async def test_every_answer_is_of_the_last_second(stage: Stage, empty_database_url: str, tmp_path: Path) -> None:
    url = empty_database_url
    with ExitStack() as stack:
        steady, victim = await asyncio.gather(
            start(stack, "tests.support.wrong_clock", url, tmp_path), start(stack, "cli", url, tmp_path)
        )
        stage.addresses = [steady.address, victim.address]
        connections = [await AsyncConnection.connect(url, autocommit=True) for _ in range(4)]
        try:
            async with under_way(
                rename_on(stage, connections[0]),
                rate_on(stage, connections[1]),
                schedule_on(stage, connections[2]),
                trouble_listeners(connections[3]),
                *(read_on(stage, place) for place in (0, 1) for _ in range(READERS)),
            ):
                await asyncio.sleep(STORM_SECONDS / 3)
                victim.kill()
                stage.addresses[1] = (await start(stack, "cli", url, tmp_path)).address
                await asyncio.sleep(STORM_SECONDS / 3)
        finally:
            for connection in connections:
                await connection.close()
        assert stage.stale == []
        assert stage.answers > 0
        assert await hits(steady.address) > 0
        # The judge finds what is too old: without its trigger a change is announced to nobody.
        await asyncio.to_thread(find_stale_answer, stage, url, steady.address)
    assert stage.stale != []


def find_stale_answer(stage: Stage, url: str, address: str) -> None:
    """Change the title unheard, until an answer is found that is too old."""
    with psycopg.connect(url, autocommit=True) as connection, httpx.Client(timeout=30) as client:
        connection.execute("ALTER TABLE movies DISABLE TRIGGER catalogue_movies")
        try:
            deadline = time.monotonic() + PATIENCE
            while not stage.stale and time.monotonic() < deadline:
                for _ in range(2):
                    client.get(f"{address}/v1/movies/{stage.movie_id}")
                connection.execute("UPDATE movies SET title = %s", [str(stage.title.version + 1)])
                stage.title.advance()
                time.sleep(BOUND_SECONDS + 0.2)
                asked_at = time.monotonic()
                found = client.get(f"{address}/v1/movies/{stage.movie_id}").json()["movie"]["title"]
                stage.judge(stage.title, int(found), asked_at)
        finally:
            connection.execute("ALTER TABLE movies ENABLE ALWAYS TRIGGER catalogue_movies")
