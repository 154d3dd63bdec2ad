"""Which responses are cached, and that limits and counts hold for them as for all others."""

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar

import pytest
from httpx import AsyncClient, Response

from app import create_app
from config.settings import Settings
from config.variables import PlannerMode
from db.engine import Database
from db.models import Movie
from runtime.rate_limits import Rate
from tests.conftest import running
from tests.support.factories import bearer, make_movie, make_rating, make_session, make_user, soon
from tests.support.live import PATIENCE

T = TypeVar("T")

MEGABYTE: Final = 1024 * 1024
TITLES: Final = "query Titles($sort: MovieSort = NEW) { movies(sort: $sort) { nodes { title poster } } }"
TWO: Final = "query One { movies(sort: NEW) { nodes { title } } } query Two { places { nodes { name } } }"
# Headers of one request.
VARYING: Final = {"x-request-id": "", "ratelimit": "", "content-length": "", "age": ""}
RATE: Final = Rate(1_000_000, 3600)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, response_cache=MEGABYTE, limits=replace(settings.limits, cost=RATE), public_url=None)


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[AsyncClient]:
    """A client of a server that listens to changes."""
    async with running(create_app(settings, with_jobs=False)) as opened:
        await until_cached(opened)
        yield opened


async def until_cached(client: AsyncClient) -> None:
    """Return once the server keeps answers: it begins to listen with the first that it could keep."""
    async with asyncio.timeout(PATIENCE):
        while True:
            await client.get("/v1/movies")
            if (await look_ups(client))["hit"]:
                return
            await asyncio.sleep(0.01)


async def look_ups(client: AsyncClient) -> dict[str, float]:
    """Return how many look-ups came to what."""
    found = {}
    for line in (await client.get("/metrics")).text.splitlines():
        name, _, value = line.rpartition(" ")
        if name.startswith("matinee_response_cache_lookups_total"):
            found[name.partition('"')[2].rstrip('"}')] = float(value)
    return found


async def hits(client: AsyncClient) -> float:
    """Return how many answers came from memory."""
    return (await look_ups(client))["hit"]


async def until_hits(client: AsyncClient, number: int, run: Callable[[], Awaitable[T]]) -> T:
    """Return what `run` returns once so many of its answers came from memory: a slow machine may not hear for a moment."""
    async with asyncio.timeout(PATIENCE):
        while True:
            before = await hits(client)
            found = await run()
            if await hits(client) >= before + number:
                return found


async def ask(
    client: AsyncClient,
    query: str,
    variables: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    return await client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)


async def test_shows_change_to_all_who_ask_from_then_on(client: AsyncClient, database: Database) -> None:
    movie = await make_movie(database, title="Old")
    await make_session(database, movie=movie, starts_at=soon())
    rest = ["/v1/movies", f"/v1/movies/mov_{movie.id}"]

    async def titles() -> list[bool]:
        answers = [await ask(client, TITLES), await client.get("/graphql", params={"query": TITLES})]
        return ["New" in each.text for each in [*answers, *[await client.get(path) for path in rest]]]

    assert await until_hits(client, 4, titles) == [False] * 4
    cached = await until_hits(client, 1, lambda: client.get(rest[0]))
    assert cached.headers["age"] == "0"
    unchanged = await client.get(rest[0], headers={"If-None-Match": cached.headers["etag"]})
    assert unchanged.status_code == 304
    async with database.transaction() as tx:
        await tx.tuples("UPDATE movies SET title = 'New' RETURNING id")
    async with asyncio.timeout(PATIENCE):
        while True:
            if await titles() == [True] * 4:
                break
            await asyncio.sleep(0.01)
    assert await titles() == [True] * 4


async def test_shows_change_of_this_server_to_the_next_request(client: AsyncClient, database: Database) -> None:
    staff = bearer(await make_user(database, is_staff=True))
    movie = await make_movie(database, title="Old")
    # What is asked after each change, and what the answer has then.
    calls = [
        ("updateMovie", f'id: "mov_{movie.id}", title: "New"', "{ movies { nodes { title } } }", "New"),
        ("rateMovie", f'movieId: "mov_{movie.id}", value: 5', "{ movies { nodes { rating } } }", "5.0"),
        ("createPlace", 'name: "Eden", address: "1 quai", capacity: 9', "{ places { nodes { name } } }", "Eden"),
        ("deleteMovie", f'id: "mov_{movie.id}"', "{ movies { totalCount } }", '"totalCount":0'),
    ]
    # Nobody else announces anything, so what is shown is what this server knows of its own changes.
    async with announcing_nothing(database):
        for mutation, arguments, query, shown in calls:
            await until_hits(client, 2, partial(twice, client, query))
            done = await ask(
                client, f"mutation {{ {mutation}(input: {{{arguments}}}) {{ errors {{ code }} }} }}", None, staff
            )
            assert done.json()["data"] == {mutation: {"errors": []}}
            assert shown in (await ask(client, query)).text


@asynccontextmanager
async def announcing_nothing(database: Database) -> AsyncIterator[None]:
    """Silence the triggers that announce changes of movies and places."""
    triggers = [("movies", name) for name in ("rows", "movies", "ratings")]
    triggers += [("places", name) for name in ("rows", "places")]

    async def set_triggers(mode: str) -> None:
        async with database.transaction() as tx:
            for table, name in triggers:
                await tx.execute(f"ALTER TABLE {table} {mode} TRIGGER catalogue_{name}")

    await set_triggers("DISABLE")
    try:
        yield
    finally:
        await set_triggers("ENABLE ALWAYS")


async def twice(client: AsyncClient, query: str) -> list[Response]:
    return [await ask(client, query) for _ in range(2)]


async def test_keeps_empty_list_until_a_row_matches(client: AsyncClient, database: Database) -> None:
    movie = await make_movie(database)
    session = await make_session(database, movie=movie, starts_at=soon())
    path = f"/v1/movies/mov_{movie.id}/places/plc_{session.place_id}/sessions?from=2999-01-01"
    assert [(await client.get(path)).json()["sessions"] for _ in range(2)] == [[], []]
    async with database.transaction() as tx:
        await tx.tuples("UPDATE sessions SET starts_at = '2999-06-01' RETURNING id")
    async with asyncio.timeout(PATIENCE):
        while True:
            if (await client.get(path)).json()["sessions"]:
                break
            await asyncio.sleep(0.01)


async def test_keys_have_everything_that_an_answer_depends_on(client: AsyncClient, database: Database) -> None:
    await make_session(database, movie=await make_movie(database, title="Ran", poster="/ran.svg"), starts_at=soon())
    for _ in range(2):
        one, two = [
            await client.post("/graphql", json={"query": TWO, "operationName": name}) for name in ("One", "Two")
        ]
        assert (list(one.json()["data"]), list(two.json()["data"])) == (["movies"], ["places"])
        for host in ("a.test", "b.test"):
            for answer in (
                await ask(client, TITLES, headers={"Host": host}),
                await client.get("/v1/movies", headers={"Host": host}),
            ):
                assert f"http://{host}/ran.svg" in answer.text
        assert len((await client.get("/v1/movies?limit=1")).json()["movies"]) == 1
        own = await ask(client, TITLES, headers={"Accept": "application/graphql-response+json"})
        assert own.headers["content-type"].startswith("application/graphql-response+json")


async def test_never_keeps_what_is_not_the_programme_of_everybody(client: AsyncClient, database: Database) -> None:
    user = await make_user(database)
    movie: Movie = await make_movie(database)
    await make_rating(database, user=user, movie=movie, value=4)
    await make_session(database, movie=movie, starts_at=soon())
    before = await hits(client)
    for _ in range(2):
        for headers in (bearer(user), {"Cookie": "theme=dark"}):
            await client.get("/v1/movies", headers=headers)
        mine = await ask(client, "{ movies { nodes { viewerRating { value } } } }", headers=bearer(user))
        assert mine.json()["data"]["movies"]["nodes"] == [{"viewerRating": {"value": 4.0}}]
        await ask(client, "{ sessions { nodes { seatsAvailable } } }")
        await ask(client, '{ movie(id: "x") { title } }')
        assert (await client.get("/v1/movies/mov_1")).status_code == 404
        assert (await client.get("/v1/movies?limit=0")).status_code == 422
        await ask(client, "{ __typename }")
    assert await hits(client) == before
    theirs = await ask(client, "{ movies { nodes { viewerRating { value } } } }")
    assert theirs.json()["data"]["movies"]["nodes"] == [{"viewerRating": None}]


async def test_counts_cached_responses_as_all_others(client: AsyncClient) -> None:
    async def twice() -> list[Response]:
        return [await ask(client, TITLES) for _ in range(2)]

    first, second = await until_hits(client, 2, twice)
    left = [each.json()["extensions"]["cost"]["remaining"] for each in (first, second)]
    assert left[0] - left[1] == first.json()["extensions"]["cost"]["requested"] > 0
    assert f"r={left[1]}" in second.headers["ratelimit"]
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    # The first was no hit.
    metrics = (await client.get("/metrics")).text
    counted = re.search(r'matinee_graphql_field_requests_total{[^}]*field="poster",type="Movie"} (\S+)', metrics)
    assert counted is not None
    assert float(counted[1]) >= 3


async def test_refuses_cached_response_over_rate_limit(settings: Settings) -> None:
    limited = replace(settings, limits=replace(settings.limits, cost=Rate(200, 3600)))
    async with running(create_app(limited, with_jobs=False)) as client:
        await until_cached(client)
        codes = [(await ask(client, TITLES)).json().get("errors", [{}])[0].get("extensions") for _ in range(200)]
    assert codes[0] is None
    assert codes[-1] is not None
    assert codes[-1]["code"] == "RATE_LIMITED"


async def test_compares_with_what_is_read_and_not_with_what_is_kept(settings: Settings, database: Database) -> None:
    await make_movie(database)
    checked = replace(settings, planner=PlannerMode(is_on=True, checked_share=1.0))
    async with running(create_app(checked, with_jobs=False)) as client:
        await until_cached(client)
        before = await hits(client)
        for _ in range(2):
            await ask(client, TITLES)
        assert await hits(client) == before


async def test_keeps_nothing_where_it_is_switched_off(settings: Settings) -> None:
    async with running(create_app(replace(settings, response_cache=0), with_jobs=False)) as client:
        for _ in range(2):
            await ask(client, TITLES)
            await client.get("/v1/movies")
        assert set((await look_ups(client)).values()) == {0.0}


async def test_answers_known_request_as_it_answered_the_first(client: AsyncClient, database: Database) -> None:
    await make_movie(database)
    for headers in ({}, {"Accept": "application/graphql-response+json"}):

        async def every_way(headers: dict[str, str] = headers) -> list[Response]:
            return [
                await client.post("/graphql", json={"query": TWO, "operationName": "One"}, headers=headers),
                await client.get("/graphql", params={"query": TWO, "operationName": "One"}, headers=headers),
            ]

        first = await every_way()
        again = await until_hits(client, 2, every_way)
        for read, kept in zip(first, again, strict=True):
            assert kept.json()["data"] == read.json()["data"]
            assert list(kept.json()) == list(read.json())
            assert kept.json()["extensions"]["cost"].keys() == read.json()["extensions"]["cost"].keys()
            assert {**kept.headers, **VARYING} == {**read.headers, **VARYING}
        assert again[1].headers["age"] == "0"


async def test_every_answer_to_a_get_from_memory_says_its_age(client: AsyncClient) -> None:
    await until_hits(client, 1, lambda: ask(client, TITLES))
    digest = hashlib.sha256(TITLES.encode()).hexdigest()
    extensions = json.dumps({"persistedQuery": {"version": 1, "sha256Hash": digest}})
    by_hash = {"query": TITLES, "extensions": extensions}

    async def ask_both() -> list[Response]:
        return [await client.get("/graphql", params=each) for each in ({"query": TITLES}, by_hash)]

    # The first of these requests, whose data others have asked for before, is answered as the later ones are.
    assert [each.headers.get("age") for each in await until_hits(client, 2, ask_both)] == ["0", "0"]
    fresh = TITLES.replace("title", "title id")
    digest = hashlib.sha256(fresh.encode()).hexdigest()
    read = {"extensions": json.dumps({"persistedQuery": {"version": 1, "sha256Hash": digest}}), "query": fresh}
    assert "age" not in (await client.get("/graphql", params=read)).headers


async def test_looks_for_document_by_hash_each_time(client: AsyncClient) -> None:
    digest = hashlib.sha256(TITLES.encode()).hexdigest()
    extensions = json.dumps({"persistedQuery": {"version": 1, "sha256Hash": digest}})
    await client.get("/graphql", params={"query": TITLES, "extensions": extensions})

    async def ask_by_hash() -> Response:
        return await client.get("/graphql", params={"extensions": extensions})

    kept = await until_hits(client, 1, ask_by_hash)
    assert kept.headers["age"] == "0"
    assert kept.headers["cache-control"].startswith("public")
    known = {"If-None-Match": kept.headers["etag"]}
    unchanged = await client.get("/graphql", params={"extensions": extensions}, headers=known)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
