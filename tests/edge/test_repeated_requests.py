"""Requests that are known are answered without a task, and as all others are."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, Final

import pytest

from config.settings import Settings
from db.engine import Database
from edge.middleware import Edge
from edge.repeated_heads import KEY, KNOWN
from edge.repeated_requests import remember_request
from edge.services import Services
from rest.programme_answers import KnownPage
from runtime.pending_answers import Answer, BegunRequest, PendingAnswer
from runtime.rate_limits import Rate
from runtime.sized_store import SizedStore
from tests.support import whole_server
from tests.support.factories import bearer, make_movie, make_user
from tests.support.live import PATIENCE, served
from tests.support.whole_server import Told
from tests.support.whole_server import post_body as post

QUERY: Final = b'{"query": "query Titles { movies { nodes { title } } }"}'
EMPTY: Final = b'{"query": "{ __typename }"}'
# What differs between two answers to the same request.
VARYING: Final = ("date", "age", "x-request-id", "ratelimit")


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: cinema.local", *headers]).encode() + b"\r\n\r\n"


@dataclass
class Wire(whole_server.Wire):
    """A connection to the server, and which of its answers were given at once."""

    at_once: list[bool]
    logged: list[dict[str, Any]]
    # Which of those that were given at once were known by their bytes.
    by_head: list[bool]

    async def ask_until_known(self, request: bytes) -> Told:
        """Return the first answer that was given at once."""
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await self.ask(request)
                if self.at_once[-1]:
                    return answer


@pytest.fixture
def settings(settings: Settings) -> Settings:
    limits = replace(settings.limits, cost=Rate(1_000_000, 3600))
    return replace(settings, response_cache=1024 * 1024, limits=limits)


@pytest.fixture
async def wire(
    settings: Settings, logged: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Wire]:
    """A connection to a server that listens to changes."""
    at_once: list[bool] = []
    by_head: list[bool] = []
    answer, answer_bytes = Edge.answer_at_once, Edge.answer_bytes

    def record(edge: Edge, scope: Any, body: bytes) -> Answer | PendingAnswer | None:  # noqa: ANN401 - as ASGI has it
        found = answer(edge, scope, body)
        at_once.append(KNOWN in scope)
        by_head.append(False)
        return found

    def record_bytes(edge: Edge, services: Services, address: str, data: bytes) -> Answer | BegunRequest | None:
        found = answer_bytes(edge, services, address, data)
        if found is not None:
            at_once.append(not isinstance(found, BegunRequest))
            by_head.append(True)
        return found

    monkeypatch.setattr(Edge, "answer_at_once", record)
    monkeypatch.setattr(Edge, "answer_bytes", record_bytes)
    async with served(settings) as address:
        host, port = address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        yield Wire(reader, writer, at_once, logged, by_head)
        writer.close()


def without_varying(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in VARYING}


@pytest.mark.parametrize(
    ("request_", "route"),
    [(post(QUERY), "/graphql"), (get("/v1/movies?limit=2"), "/v1/movies")],
    ids=["graphql", "rest"],
)
async def test_answers_known_request_at_once_as_before(
    wire: Wire, database: Database, request_: bytes, route: str
) -> None:
    await make_movie(database, title="Ran")
    first = await wire.ask(request_)
    await wire.ask_until_known(request_)
    # A header that nothing depends on makes other bytes of it.
    parsed = await wire.ask(request_.replace(b"Host", b"X-Other: 1\r\nHost", 1))
    known = await wire.ask(request_)

    assert not wire.at_once[0]
    assert wire.by_head[-2:] == [False, True]
    assert [without_varying(each[1]) for each in (parsed, known)] == [without_varying(first[1])] * 2
    if not request_.startswith(b"POST"):
        assert first[2] == parsed[2] == known[2]
    assert set(parsed[1]) == set(known[1])
    assert known[0] == first[0] == 200
    assert without_varying(known[1]) == without_varying(first[1])
    assert b"Ran" in known[2]
    assert ("date" in known[1], "ratelimit" in known[1]) == ("date" in first[1], "ratelimit" in first[1])
    # Each of them is counted and logged once.
    asked = len(wire.at_once)
    _, _, metrics = await wire.ask(get("/metrics"))
    method = request_.split()[0].decode()
    assert (
        f'matinee_http_requests_total{{method="{method}",route="{route}",status="200"}} {asked}.0' in metrics.decode()
    )
    lines = wire.logged[:asked]
    assert [each["request_id"] for each in lines][-1] == known[1]["x-request-id"]
    assert [set(each) for each in lines] == [set(lines[0])] * asked
    assert len({each["request_id"] for each in lines}) == asked


async def test_answers_keep_order_of_requests_that_come_together(wire: Wire, database: Database) -> None:
    await make_movie(database, title="Ran")
    await wire.ask_until_known(post(QUERY))
    bodies = [QUERY, EMPTY, QUERY, QUERY, EMPTY]
    wire.writer.write(b"".join(post(body, f"X-Request-Id: r{number}") for number, body in enumerate(bodies)))

    answers = [await wire.read() for _ in bodies]

    assert [headers["x-request-id"] for _, headers, _ in answers] == [f"r{number}" for number in range(len(bodies))]
    assert [b"Ran" in body for _, _, body in answers] == [body == QUERY for body in bodies]


async def test_takes_bytes_for_a_request_only_where_they_are_nothing_else(wire: Wire, database: Database) -> None:
    await make_movie(database, title="Ran")
    await wire.ask_until_known(post(QUERY))
    for more in (post(EMPTY), post(QUERY)):
        for _ in range(2):
            _, _, body = await wire.ask(post(QUERY) + more)
            _, _, other = await wire.read()
            assert (b"Ran" in body, b"Ran" in other) == (True, more == post(QUERY))
            assert not wire.by_head[-1]
    # The end of a request that arrived before, though it looks like one: it is the body of that.
    inner = post(QUERY)
    head = f"POST /graphql HTTP/1.1\r\nHost: cinema.local\r\nContent-Length: {len(inner)}\r\n\r\n".encode()
    status, _, _ = await wire.ask(head, inner)
    assert status == 415
    for _ in range(2):
        _, _, body = await wire.ask(post(QUERY))
        assert b"Ran" in body
    assert wire.by_head[-1]
    # What follows is no request: the first is answered, and the connection ended, each time.
    for _ in range(2):
        reader, writer = await asyncio.open_connection(*wire.writer.get_extra_info("peername"))
        writer.write(post(QUERY) + b"\x01 nothing")
        answered = await asyncio.wait_for(reader.read(), PATIENCE)
        assert (answered.count(b"HTTP/1.1 200"), answered.count(b"HTTP/1.1 400")) == (1, 1)
        writer.close()


async def test_answers_bytes_that_are_known_after_the_request_before_them(wire: Wire, database: Database) -> None:
    await make_movie(database, title="Ran")
    await wire.ask_until_known(post(QUERY))
    for _ in range(30):
        wire.writer.write(post(EMPTY))
        # So that they arrive one by one.
        await asyncio.sleep(0.001)
        wire.writer.write(post(QUERY))
        bodies = [(await wire.read())[2] for _ in range(2)]
        assert [b"Ran" in body for body in bodies] == [False, True]


async def test_gives_each_request_an_id_of_its_own(wire: Wire, database: Database) -> None:
    await make_movie(database, title="Ran")
    await wire.ask_until_known(post(QUERY))
    asked = [await wire.ask(post(QUERY)) for _ in range(5)]
    assert len({headers["x-request-id"] for _, headers, _ in asked}) == 5
    for _ in range(3):
        _, headers, _ = await wire.ask(post(QUERY, "X-Request-Id: mine"))
        assert (headers["x-request-id"], wire.by_head[-1]) == ("mine", False)


async def test_shows_changes_to_bytes_that_are_known(wire: Wire, database: Database) -> None:
    movie = await make_movie(database, title="Old")
    await wire.ask_until_known(post(QUERY))
    await wire.ask(post(QUERY))
    assert wire.by_head[-1]
    async with database.transaction() as tx:
        await tx.execute("UPDATE movies SET title = 'New' WHERE id = %(id)s", id=movie.id)
    async with asyncio.timeout(PATIENCE):
        while b"New" not in (await wire.ask(post(QUERY)))[2]:
            pass


async def test_answers_known_request_that_comes_in_pieces(wire: Wire, database: Database) -> None:
    await make_movie(database, title="Ran")
    await wire.ask_until_known(post(QUERY))
    whole = post(QUERY)
    for cut in (20, len(whole) - len(QUERY), len(whole) - 3):
        _, _, body = await wire.ask(whole[:cut], whole[cut:])
        assert b"Ran" in body


async def test_answers_whoever_says_who_they_are_anew(wire: Wire, database: Database) -> None:
    await make_movie(database, title="Ran")
    await wire.ask_until_known(post(QUERY))
    token = bearer(await make_user(database))["Authorization"]
    for header in (f"Authorization: {token}", "Cookie: theme=dark", "Idempotency-Key: k-1"):
        status, _, body = await wire.ask(post(QUERY, header))
        assert (status, b"Ran" in body, wire.at_once[-1]) == (200, True, False)
    status, _, _ = await wire.ask(post(QUERY, "Authorization: Bearer x"))
    assert (status, wire.at_once[-1]) == (401, False)


async def test_closes_connection_after_known_request_that_says_so(wire: Wire, database: Database) -> None:
    await make_movie(database, title="Ran")
    await wire.ask_until_known(post(QUERY))
    _, headers, body = await wire.ask(post(QUERY, "Connection: close"))
    assert (headers["connection"], b"Ran" in body) == ("close", True)
    assert await asyncio.wait_for(wire.reader.read(), PATIENCE) == b""


async def test_answers_304_at_once_while_nothing_changes(wire: Wire, database: Database) -> None:
    movie = await make_movie(database, title="Old")
    path = "/v1/movies?limit=3"
    _, headers, _ = await wire.ask_until_known(get(path))
    unchanged = get(path, f"If-None-Match: {headers['etag']}")
    status, _, body = await wire.ask_until_known(unchanged)
    assert (status, body) == (304, b"")
    async with database.transaction() as tx:
        await tx.execute("UPDATE movies SET title = 'New' WHERE id = %(id)s", id=movie.id)

    async def poll(ask: Callable[[], Awaitable[Told]]) -> Told:
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await ask()
                if answer[0] == 200:
                    return answer

    _, _, body = await poll(lambda: wire.ask(unchanged))
    assert json.loads(body)["movies"][0]["title"] == "New"


async def test_counts_known_requests_against_rate(wire: Wire, database: Database) -> None:
    await make_movie(database, title="Ran")
    known = await wire.ask_until_known(post(QUERY))
    again = await wire.ask_until_known(post(QUERY))
    costs = [json.loads(body)["extensions"]["cost"] for _, _, body in (known, again)]
    assert costs[0]["remaining"] - costs[1]["remaining"] == costs[0]["requested"] > 0


async def test_answers_known_get_with_body_as_any_other(wire: Wire, database: Database) -> None:
    # Nobody would read the rest of a large body, and so nothing after it.
    await make_movie(database, title="Ran")
    path = "/v1/movies?limit=4"
    await wire.ask_until_known(get(path))
    status, _, body = await wire.ask(get(path, "Content-Length: 5") + b"12345")
    assert (status, b"Ran" in body, wire.at_once[-1]) == (200, True, False)


def test_counts_bodies_that_known_requests_hold() -> None:
    store: SizedStore[KnownPage] = SizedStore(256 * 1024)
    services = SimpleNamespace(response_cache=SimpleNamespace(requests=store))
    body = b"x" * 20_000
    for number in range(100):
        scope = {"state": {"services": services}, KEY: ("GET", number)}
        remember_request(scope, KnownPage(number, body, 200, [], None), body_bytes=len(body))
    assert 0 < len(store) * len(body) < 256 * 1024
