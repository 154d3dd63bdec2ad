"""Queries that are planned are answered without a task, in every way as by the application."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

import psycopg
import pytest
from structlog.testing import capture_logs

from config.settings import Settings
from db import ids, migrate
from db.engine import Database
from db.models import Movie, Session
from edge.middleware import Edge
from graphql_server import begun_answers
from runtime.rate_limits import Rate
from tests.support.factories import make_movie, make_session
from tests.support.frozen_server import frozen, own_cluster
from tests.support.live import PATIENCE
from tests.support.lived import lived
from tests.support.statements import recorded
from tests.support.whole_server import (
    Cinema,
    Told,
    Ways,
    Wire,
    post,
    post_body,
    serving,
    without_varying,
)

MOVIES: Final = "query Titles($n: Int = 3, $after: String) { movies(first: $n, after: $after) { nodes { id title } pageInfo { endCursor } } }"
NODE: Final = "query ($id: ID!) { node(id: $id) { __typename id ... on Movie { title rating } } }"
SESSIONS: Final = "{ sessions(first: 5) { nodes { id startsAt place { name } } } }"


@pytest.fixture
async def movies(database: Database) -> list[Movie]:
    return [await make_movie(database, title=title) for title in ("Ran", "Ikiru", 'Amélie "à"', "Yojimbo", "Kagemusha")]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - nothing tells when it holds
            await asyncio.sleep(0.01)


def list_requests(movies: list[Movie], session: Session) -> dict[str, tuple[bytes, str]]:
    """Return requests by name, each with the way that it takes once its document is known."""
    of_own = json.dumps(
        {"query": NODE, "variables": {"id": ids.encode("mov", movies[0].id)}, "extensions": {"x": 1}}
    ).encode()
    return {
        "constant": (post("{ __typename }"), "at once"),
        "list": (post(MOVIES), "pending"),
        "list with variables": (post(MOVIES, n=2), "pending"),
        "list with a null": (post(MOVIES, after=None), "pending"),
        "node": (post(NODE, id=ids.encode("mov", movies[0].id)), "pending"),
        "node of nothing": (post(NODE, id="mov_1"), "pending"),
        "node of another kind": (post(NODE, id=ids.encode("ses", session.id)), "pending"),
        "named operation": (post(MOVIES, operation="Titles", n=1), "pending"),
        "graphql's own media type": (post(MOVIES, "Accept: application/graphql-response+json", n=1), "pending"),
        "nobody's viewer": (post("{ viewer { id } __typename }"), "at once"),
        "own id of the request": (post(MOVIES, "X-Request-Id: r-1"), "pending"),
        "no such operation": (post(MOVIES, operation="Other"), "task"),
        "bad id": (post(NODE, id="nonsense"), "task"),
        "bad cursor": (post(MOVIES, after="nonsense"), "task"),
        "bad variable": (post(MOVIES, n="three"), "task"),
        "page too large": (post(MOVIES, n=100_000), "task"),
        "no variable": (post(NODE), "task"),
        "invalid document": (post("{ movies { nope } }"), "task"),
        "introspection": (post("{ __schema { queryType { name } } }"), "task"),
        "mutation": (post('mutation { openBooking(input: {sessionId: "ses_1"}) { errors { code } } }'), "pending"),
        "no JSON": (post_body(b"{"), "task"),
        "no object": (post_body(b"[]"), "task"),
        "no query": (post_body(b'{"variables": {}}'), "task"),
        "hash that is not known": (post_body(b'{"documentId": "sha256:' + b"0" * 64 + b'"}'), "task"),
        "extensions": (post_body(of_own), "pending"),
        "bad token": (post(MOVIES, "Authorization: Bearer x"), "task"),
        "cookie": (post(MOVIES, "Cookie: theme=dark"), "task"),
        "events": (post(MOVIES, "Accept: text/event-stream"), "task"),
        "other content type": (post(MOVIES).replace(b"application/json", b"text/plain"), "task"),
        "slash at the end": (post(MOVIES).replace(b"/graphql", b"/graphql/"), "task"),
        "ending": (post(MOVIES, "Connection: close"), "task"),
    }


async def test_answers_as_the_application_does(cinema: Cinema, database: Database, movies: list[Movie]) -> None:
    requests = list_requests(movies, await make_session(database))
    for name, (request, way) in requests.items():
        found: list[Told] = []
        # Twice by the application: the first request of a document prepares it.
        for is_open in (False, False, True, True):
            cinema.ways.are_open = is_open
            async with cinema.wire() as wire:
                found.append(without_varying(await wire.ask(request)))
        last = ["task", "task"] if name == "ending" else cinema.ways.taken[-2:]
        assert (name, *found[2:], last) == (name, found[1], found[1], [way, way])
        is_known = way != "task" and name != "own id of the request"
        assert (name, cinema.ways.by_head[-1]) == (name, is_known)
        assert found[2][0] in (200, 400, 401, 415), name


async def test_logs_and_counts_as_the_application_does(cinema: Cinema, movies: list[Movie]) -> None:
    asked = [post(MOVIES, operation="Titles"), post(NODE, id=ids.encode("mov", movies[0].id)), post("{ __typename }")]

    async def count(wire: Wire) -> dict[str, float]:
        # Counts of fields are published once a second.
        await asyncio.sleep(1.1)
        await wire.ask(post("{ __typename }"))
        _, _, text = await wire.ask(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        lines = [line.rpartition(" ") for line in text.decode().splitlines() if line.startswith("matinee_")]
        kinds = ("matinee_http_requests_total", "matinee_graphql_field_requests_total")
        return {name: float(number) for name, _, number in lines if name.startswith(kinds) and "/metrics" not in name}

    async with cinema.wire() as wire:
        for request in asked:
            await wire.ask(request)
        changes = []
        for is_open in (False, True):
            before = await count(wire)
            cinema.ways.are_open = is_open
            cinema.logged.clear()
            cinema.server.server_state.total_requests = 0
            for request in asked:
                await wire.ask(request)
            lines = [{**line, "seconds": 0, "request_id": ""} for line in cinema.logged]
            total = cinema.server.server_state.total_requests
            after = await count(wire)
            changes.append((lines, total, {name: after[name] - before.get(name, 0) for name in after}))
    assert changes[0] == changes[1]
    assert changes[1][1] == len(asked)
    assert cinema.logged[-1]["status"] == 200


@pytest.mark.usefixtures("movies")
async def test_charges_each_request_once(settings: Settings, ways: Ways) -> None:
    limits = replace(settings.limits, cost=Rate(12, 3600))
    async with serving(replace(settings, limits=limits), ways, []) as cinema, cinema.wire() as wire:
        left = []
        for _ in range(3):
            _, headers, body = await wire.ask(post(MOVIES, n=1))
            left.append(json.loads(body)["extensions"]["cost"]["remaining"])
            assert f"r={left[-1]}" in headers["ratelimit"]
        cost = left[0] - left[1]
        assert (cinema.ways.taken, left[1] - left[2]) == (["task", "pending", "pending"], cost)
        # More than is left is refused by the application, as ever.
        status, headers, _ = await wire.ask(post(MOVIES, n=10))
        assert (status, cinema.ways.taken[-1], "retry-after" in headers) == (429, "task", True)


@pytest.mark.usefixtures("movies")
async def test_answers_in_order_of_requests_that_come_together(cinema: Cinema) -> None:
    async with cinema.wire() as wire:
        for request in (post(MOVIES), post("{ __typename }")):
            await wire.ask(request)
        cinema.ways.taken.clear()
        documents = [MOVIES, "{ __typename }", MOVIES, MOVIES, "{ __typename }", "{ movies { nope } }", MOVIES]
        wire.send(b"".join(post(each, f"X-Request-Id: r{number}") for number, each in enumerate(documents)))
        answers = [await wire.read() for _ in documents]
        assert [headers["x-request-id"] for _, headers, _ in answers] == [f"r{number}" for number in range(7)]
        assert [b'"title"' in body for _, _, body in answers] == [each == MOVIES for each in documents]
        assert cinema.ways.taken[0] == "pending"
        # The connection goes on.
        await wire.ask(post(MOVIES))
        assert cinema.ways.taken[-1] == "pending"


@pytest.fixture
async def prepared(cinema: Cinema, movies: list[Movie]) -> Cinema:
    """A server that knows the document."""
    assert movies
    async with cinema.wire() as wire:
        await wire.ask(post(MOVIES))
        await wire.ask(post(MOVIES))
    assert cinema.ways.taken == ["task", "pending"]
    return cinema


@pytest.fixture
def release(prepared: Cinema, empty_database_url: str) -> Iterator[Callable[[], None]]:
    """What ends a lock that keeps everybody from reading movies, and that is taken once the document is known."""
    assert prepared.ways.taken
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("LOCK TABLE movies IN ACCESS EXCLUSIVE MODE")
        yield connection.rollback


def edge_of(cinema: Cinema) -> Edge:
    edge = cinema.server.config.loaded_app.middleware_stack
    assert isinstance(edge, Edge)
    return edge


async def test_refuses_garbage_behind_a_pending_answer_after_it(prepared: Cinema, release: Callable[[], None]) -> None:
    async with prepared.wire() as wire:
        wire.send(post(MOVIES) + b"garbage\r\n\r\n")
        await until(lambda: prepared.ways.taken[-1] == "pending" and len(prepared.ways.taken) == 3)
        release()
        assert [(await wire.read())[0] for _ in range(2)] == [200, 400]
        assert await asyncio.wait_for(wire.reader.read(), PATIENCE) == b""


async def test_ends_what_a_client_has_left(prepared: Cinema, release: Callable[[], None]) -> None:
    slots = edge_of(prepared)._slots  # noqa: SLF001 - what must be free again
    admission = prepared.server.lifespan.state["services"].admission
    free = slots.free, admission._free, admission._left  # noqa: SLF001
    with capture_logs() as lines:
        async with prepared.wire() as wire:
            wire.send(post(MOVIES))
            await until(lambda: len(prepared.server.server_state.tasks) == 1)
            assert (slots.free, prepared.ways.taken[-1]) == (free[0] - 1, "pending")
        await until(lambda: not prepared.server.server_state.connections)
        prepared.logged.clear()
        release()
        await until(lambda: not prepared.server.server_state.tasks)
    assert (slots.free, admission._free, admission._left) == free  # noqa: SLF001
    assert len(prepared.logged) == 1
    assert not [line for line in lines if line["log_level"] == "error"]
    async with prepared.wire() as wire:
        assert (await wire.ask(post(MOVIES)))[0] == 200


async def test_answers_what_is_pending_before_the_server_ends(prepared: Cinema, release: Callable[[], None]) -> None:
    async with prepared.wire() as wire:
        wire.send(post(MOVIES))
        await until(lambda: len(prepared.server.server_state.tasks) == 1)
        prepared.server.should_exit = True
        await until(lambda: not prepared.server.servers or not prepared.server.servers[0].is_serving())
        await asyncio.sleep(0.2)
        release()
        status, headers, body = await wire.read()
        assert (status, headers["connection"], b'"title"' in body) == (200, "close", True)
        assert await asyncio.wait_for(wire.reader.read(), PATIENCE) == b""


@pytest.mark.usefixtures("release")
async def test_answers_503_where_the_end_cannot_wait(prepared: Cinema) -> None:
    prepared.server.config.timeout_graceful_shutdown = 1
    async with prepared.wire() as wire:
        wire.send(post(MOVIES))
        await until(lambda: len(prepared.server.server_state.tasks) == 1)
        prepared.server.should_exit = True
        status, headers, _ = await wire.read()
        assert (status, headers["connection"]) == (503, "close")
    assert prepared.logged[-1]["status"] == 503


async def test_answers_500_with_a_reference_where_there_is_a_bug(
    prepared: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(begun_answers.BegunRequest, "finish", fail)
    async with prepared.wire() as wire:
        with capture_logs() as lines:
            status, headers, body = await wire.ask(post(MOVIES))
        assert status == 500
        assert headers["x-request-id"] in body.decode()
        (line,) = [line for line in lines if line["log_level"] == "error"]
        assert (line["event"], line["request_id"]) == ("unexpected error", headers["x-request-id"])
        assert prepared.logged[-1]["status"] == 500
        # The connection goes on.
        assert (await wire.ask(post("{ __typename }")))[0] == 200


async def test_leaves_to_the_executor_what_a_statement_cannot_spell(
    settings: Settings, ways: Ways, database: Database
) -> None:
    await make_session(database)
    limits = replace(settings.limits, cost=Rate(1_000, 3600))
    async with serving(replace(settings, limits=limits), ways, []) as cinema, cinema.wire() as wire:
        for _ in range(2):
            _, _, body = await wire.ask(post(SESSIONS))
        before = json.loads(body)["extensions"]["cost"]["remaining"]
        async with database.transaction() as tx:
            await tx.execute("UPDATE sessions SET starts_at = '10000-01-01T00:00:00Z'")
        counted = cinema.server.lifespan.state["services"].request_counter.count_live()
        told = await wire.ask(post(SESSIONS))
        assert cinema.ways.taken[-1] == "pending"
        assert cinema.server.lifespan.state["services"].request_counter.count_live() == counted + 1
        after = json.loads(told[2])["extensions"]["cost"]
        # Charged once.
        assert before - after["remaining"] == after["requested"]
        cinema.ways.are_open = False
        again = await wire.ask(post(SESSIONS))
        assert (
            json.loads(told[2]).get("errors") is not None or json.loads(told[2])["data"] == json.loads(again[2])["data"]
        )
        assert told[0] == again[0]


async def test_takes_the_ordinary_way_without_room(prepared: Cinema) -> None:
    admission = prepared.server.lifespan.state["services"].admission
    async with prepared.wire() as wire, admission.take_room(2_000):
        wire.send(post(MOVIES))
        await until(lambda: prepared.ways.taken[-1] == "task")
    async with prepared.wire() as wire:
        slots = edge_of(prepared)._slots  # noqa: SLF001
        free, slots.free = slots.free, 0
        assert (await wire.ask(post(MOVIES)))[0] == 503
        slots.free = free
    assert prepared.ways.taken[-1] == "task"


async def test_keeps_no_more_than_one_answer_for_a_client_that_does_not_read(prepared: Cinema) -> None:
    many = 400
    async with prepared.wire() as wire:
        for number in range(many):
            wire.send(post(MOVIES, f"X-Request-Id: r{number}"))
        await asyncio.sleep(0.5)
        found = [(await wire.read())[1]["x-request-id"] for _ in range(many)]
    assert found == [f"r{number}" for number in range(many)]


@pytest.mark.usefixtures("movies")
async def test_joins_the_read_for_the_response_cache(settings: Settings, ways: Ways, empty_database_url: str) -> None:
    async with serving(replace(settings, response_cache=1024 * 1024), ways, []) as cinema:
        changes = cinema.server.lifespan.state["services"].response_cache.changes
        async with cinema.wire() as wire, cinema.wire() as other:
            await wire.ask(post(MOVIES))
            await until(lambda: changes.is_current)
            with recorded() as statements, psycopg.connect(empty_database_url) as connection:
                connection.execute("LOCK TABLE movies IN ACCESS EXCLUSIVE MODE")
                for each in (wire, other):
                    each.send(post(MOVIES, n=2))
                await until(lambda: ways.taken[-2:] == ["pending", "pending"])
                connection.rollback()
                answers = [without_varying(await each.read()) for each in (wire, other)]
            assert (answers[0], len(statements)) == (answers[1], 1)
            # Other bytes, the same data.
            again = without_varying(await wire.ask(post(MOVIES, n=2, unused=None)))
            assert (again[2], ways.taken[-1]) == (answers[0][2], "at once")


@pytest.mark.alone
async def test_answers_503_in_time_while_the_database_is_frozen(settings: Settings, ways: Ways) -> None:
    with own_cluster() as (data_dir, url):
        migrate.upgrade(url)
        async with (
            serving(replace(settings, database_url=url), ways, []) as cinema,
            cinema.wire() as wire,
        ):
            for _ in range(2):
                assert (await wire.ask(post(MOVIES)))[0] == 200
            with frozen(data_dir):
                with lived() as spent:
                    status, headers, body = await wire.ask(post(MOVIES))
                assert (status, headers["retry-after"], ways.taken[-1]) == (503, "1", "pending")
                assert spent.seconds < 4
            assert json.loads(body)["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
            async with asyncio.timeout(PATIENCE):
                while (await wire.ask(post(MOVIES)))[0] != 200:  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.1)
