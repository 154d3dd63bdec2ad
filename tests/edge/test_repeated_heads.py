"""Requests with a known head run anew, and are answered as those that are parsed."""

import asyncio
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import psycopg
import pytest

from config.settings import Settings
from db import ids
from db.engine import Database
from edge.repeated_heads import ANONYMOUS_READ, KEY, KNOWN, RepeatedHead, remember_head
from runtime.rate_limits import Rate
from runtime.sized_store import SizedStore
from tests.support.factories import bearer, make_movie, make_session, make_user
from tests.support.live import PATIENCE
from tests.support.whole_server import Cinema, Ways, Wire, post, serving, without_varying

TITLES: Final = "query Titles($n: Int = 9) { movies(first: $n) { nodes { title } } }"
OPEN: Final = "mutation Open($id: ID!) { openBooking(input: {sessionId: $id}) { booking { id } errors { code } } }"
SECRET: Final = "correct horse battery"


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: cinema.local", *headers]).encode() + b"\r\n\r\n"


def post_json(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def until_answered(wire: Wire, ways: Ways, request: bytes) -> None:
    async with asyncio.timeout(PATIENCE):
        while not (ways.by_head and ways.by_head[-1]):
            await wire.ask(request)


async def make_known(wire: Wire, ways: Ways, request: bytes) -> None:
    for _ in range(3):
        await wire.ask(request)
    assert ways.by_head[-1]


@pytest.mark.parametrize("request_", [post(TITLES), get("/v1/movies?limit=5"), get("/v1/movies/mov_1")])
async def test_answers_logs_and_counts_known_heads_as_the_application_does(
    cinema: Cinema, database: Database, request_: bytes
) -> None:
    await make_movie(database, title="Ran")
    found, requests = [], []
    async with cinema.wire() as wire:
        for is_open in (False, False, True, True, True):
            cinema.ways.are_open = is_open
            found.append(without_varying(await wire.ask(request_)))
        requests = [{**line, "seconds": 0, "request_id": ""} for line in cinema.logged]
        _, _, metrics = await wire.ask(get("/metrics"))
    assert cinema.ways.by_head[2:5] == [False, True, True]
    assert found == [found[1]] * 5
    assert requests == [requests[0]] * 5
    assert cinema.server.server_state.total_requests == 6
    route = cinema.logged[0]["path"]
    assert route in metrics.decode() or "mov_1" in route


async def test_shows_what_has_changed_since(cinema: Cinema, database: Database) -> None:
    async with cinema.wire() as wire:
        for request in (post(TITLES), get("/v1/movies")):
            await make_known(wire, cinema.ways, request)
            title = f"Seen by {request[:4].decode()}"
            await make_movie(database, title=title)
            _, _, body = await wire.ask(request)
            assert (cinema.ways.by_head[-1], title.encode() in body) == (True, True)


async def test_charges_known_heads_each_time(settings: Settings, ways: Ways) -> None:
    limits = replace(settings.limits, cost=Rate(14, 3600))
    async with serving(replace(settings, limits=limits), ways, []) as cinema, cinema.wire() as wire:
        asked = [await wire.ask(post(TITLES, n=1)) for _ in range(4)]
        left = [json.loads(body)["extensions"]["cost"]["remaining"] for _, _, body in asked]
        assert ways.by_head == [False, False, True, True]
        assert {before - after for before, after in itertools.pairwise(left)} == {left[0] - left[1]}
        while (told := await wire.ask(post(TITLES, n=1)))[0] == 200:
            pass
        # The application refuses, as ever.
        assert (told[0], ways.taken[-1], "retry-after" in told[1]) == (429, "task", True)


async def test_gives_each_request_an_id_of_its_own(cinema: Cinema) -> None:
    async with cinema.wire() as wire:
        await make_known(wire, cinema.ways, post(TITLES))
        assert len({(await wire.ask(post(TITLES)))[1]["x-request-id"] for _ in range(5)}) == 5
        for _ in range(3):
            _, headers, _ = await wire.ask(post(TITLES, "X-Request-Id: mine"))
            assert (headers["x-request-id"], cinema.ways.by_head[-1]) == ("mine", False)


async def test_runs_what_comes_with_known_head(cinema: Cinema, database: Database) -> None:
    for number in range(9):
        await make_movie(database, title=f"Part {number}")
    async with cinema.wire() as wire:
        await make_known(wire, cinema.ways, post(TITLES, n=9))
        for number in (1, 5, 9, 2):
            _, _, body = await wire.ask(post(TITLES, n=number))
            assert (cinema.ways.by_head[-1], body.count(b'"title"')) == (True, number)
        for body, status in ((b"{", 400), (b"[]", 400), (b'{"query": "{ nope }"}', 200)):
            request = post_json("/graphql", body.ljust(len(post(TITLES, n=1).partition(b"\r\n\r\n")[2])))
            assert (await wire.ask(request))[0] == status
            assert cinema.ways.taken[-1] == "task"


async def test_judges_token_in_known_head_each_time(cinema: Cinema, database: Database) -> None:
    user = await make_user(database)
    token = f"Authorization: {bearer(user)['Authorization']}"
    opened = post(OPEN, token, id=ids.encode("ses", (await make_session(database)).id))
    async with cinema.wire() as wire:
        # Whether the token was ended is read first.
        await until_answered(wire, cinema.ways, opened)
        found = [json.loads((await wire.ask(opened))[2])["data"]["openBooking"]["booking"]["id"] for _ in range(3)]
        assert (len(set(found)), cinema.ways.by_head[-3:]) == (3, [True] * 3)
        await wire.ask(post("mutation { signOutEverywhere { user { id } } }", token))
        # The promise is a second.
        async with asyncio.timeout(PATIENCE):
            while (status := (await wire.ask(opened))[0]) == 200:
                pass
        assert status == 401


@pytest.mark.parametrize(
    "request_",
    [
        post(TITLES, "Authorization: Bearer x"),
        post(TITLES, "Cookie: theme=dark"),
        post(TITLES, "Idempotency-Key: k-1"),
        post(TITLES, "Connection: close"),
        get("/v1/movies", "Content-Length: 0").replace(b"HTTP/1.1", b"HTTP/1.0"),
        get("/healthz"),
    ],
)
async def test_remembers_no_head_of_what_the_application_answers(cinema: Cinema, request_: bytes) -> None:
    for _ in range(4):
        async with cinema.wire() as wire:
            await wire.ask(request_)
    assert not any(cinema.ways.by_head)
    assert len(cinema.server.lifespan.state["services"].repeated_heads) == 0


async def test_keeps_no_body_that_may_hold_a_secret(cinema: Cinema) -> None:
    variables = {"email": "ana@example.com", "password": SECRET}
    mutation = "mutation ($email: String!, $password: String!) { signIn(input: {identity: {email: $email}, password: $password}) { errors { code } } }"
    body = json.dumps({"email": "ana@example.com", "password": SECRET}).encode()
    async with cinema.wire() as wire:
        for request in (post(mutation, **variables), post_json("/v1/auth/signin", body), post(TITLES)):
            await make_known(wire, cinema.ways, request)
    services = cinema.server.lifespan.state["services"]
    kept = repr(services.repeated_heads._values)  # noqa: SLF001 - what is in memory
    assert len(services.repeated_heads) == 3
    assert ("Titles" in kept, SECRET in kept) == (True, False)


async def test_answers_in_order_behind_known_heads(cinema: Cinema, database: Database, empty_database_url: str) -> None:
    await make_movie(database, title="Ran")
    async with cinema.wire() as wire:
        await make_known(wire, cinema.ways, post(TITLES))
        with psycopg.connect(empty_database_url) as connection:
            connection.execute("LOCK TABLE movies IN ACCESS EXCLUSIVE MODE")
            wire.send(post(TITLES))
            await until(lambda: len(cinema.server.server_state.tasks) == 1)
            assert cinema.ways.by_head[-1]
            wire.send(post("{ __typename }"))
            wire.send(get("/v1/movies?limit=1"))
            await asyncio.sleep(0.05)
            connection.rollback()
        bodies = [(await wire.read())[2] for _ in range(3)]
    assert [b"Ran" in bodies[0], b"__typename" in bodies[1], b"Ran" in bodies[2]] == [True] * 3


async def test_forgets_known_heads_of_a_client_that_has_left(
    cinema: Cinema, database: Database, empty_database_url: str
) -> None:
    await make_movie(database, title="Ran")
    state = cinema.server.server_state
    async with cinema.wire() as wire:
        await make_known(wire, cinema.ways, post(TITLES))
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("LOCK TABLE movies IN ACCESS EXCLUSIVE MODE")
        async with cinema.wire() as wire:
            wire.send(post(TITLES))
            await until(lambda: len(state.tasks) == 1)
        await until(lambda: not state.connections)
        connection.rollback()
    await until(lambda: not state.tasks)
    async with cinema.wire() as wire:
        assert (await wire.ask(post(TITLES)))[0] == 200


async def test_answers_known_heads_again_after_their_run_failed(cinema: Cinema, empty_database_url: str) -> None:
    async with cinema.wire() as wire:
        for request in (post(TITLES), get("/v1/movies")):
            await make_known(wire, cinema.ways, request)
        with psycopg.connect(empty_database_url, autocommit=True) as connection:
            connection.execute("ALTER TABLE movies RENAME TO films")
            statuses = [(await wire.ask(request))[0] for request in (post(TITLES), get("/v1/movies"))]
            connection.execute("ALTER TABLE films RENAME TO movies")
        assert (statuses, cinema.ways.by_head[-2:]) == ([500, 500], [True, True])
        assert [(await wire.ask(request))[0] for request in (post(TITLES), get("/v1/movies"))] == [200, 200]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - nothing tells when it holds
            await asyncio.sleep(0.01)


HEAD: Final = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def test_knows_head_from_its_address_alone_and_without_an_id() -> None:
    store: SizedStore[RepeatedHead] = SizedStore(256 * 1024)
    scope = {"state": {}, KEY: "key", KNOWN: True, "method": "GET", "path": "/", "client": ("a", 1)}
    remember_head(store, {**scope, "head": {}}, "192.0.2.1", HEAD, b"")
    with_id = HEAD.replace(b"Host", b"X-Request-Id: 1\r\nHost")
    remember_head(store, {**scope, "head": {b"x-request-id": b"1"}}, "192.0.2.1", with_id, b"")

    found = store.find(("192.0.2.1", HEAD))
    assert found is not None
    assert (found.make_scope(b"")[KEY], found.make_scope(b"")["client"]) == ("key", ("a", 1))
    assert KEY not in found.make_scope(b"other")
    assert store.find(("192.0.2.2", HEAD)) is None
    assert store.find(("192.0.2.1", with_id)) is None


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (HEAD.replace(b"\r\n", b"\n") + b"1\r\n\r\n2", b"1\r\n\r\n2"),
        (HEAD + b"12", b"1"),
        (HEAD + b"1", b"2"),
        (HEAD[:-2], b""),
        (HEAD + b"1", b"1"),
        (HEAD[:-2] + b"X: " + b"x" * 20_000 + b"\r\n\r\n", b""),
    ],
    ids=["other ends of lines", "more bytes", "another body", "no end", "no length", "too long"],
)
def test_remembers_no_head_whose_end_is_doubtful(data: bytes, body: bytes) -> None:
    store: SizedStore[RepeatedHead] = SizedStore(256 * 1024)
    length = {b"content-length": b"7"} if data.startswith(b"GET / HTTP/1.1\n") else {}
    scope = {"state": {}, "head": length, ANONYMOUS_READ: True}
    remember_head(store, scope, "192.0.2.1", data, body)
    assert len(store) == 0


def test_keeps_nothing_of_one_request_for_another() -> None:
    store: SizedStore[RepeatedHead] = SizedStore(256 * 1024)
    own = {"visitor": object(), "actor": object(), "request_id": "r-1", "slot": object(), "is_counted": True}
    scope = {"state": {"services": 1}, "head": {}, "method": "GET", ANONYMOUS_READ: True, **own}
    remember_head(store, scope, "192.0.2.1", HEAD, b"")
    found = store.find(("192.0.2.1", HEAD))
    assert found is not None
    first, second = found.make_scope(b""), found.make_scope(b"")
    assert not own.keys() & first.keys()
    first["state"]["services"], first["route"] = 2, object()
    assert second == found.make_scope(b"") == {"state": {"services": 1}, "head": {}, "method": "GET"}
