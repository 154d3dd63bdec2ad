"""Page views are taken without a task, in every way as by the application."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import psycopg
import pytest
from structlog.testing import capture_logs

from db.engine import Database
from db.statement_batching import StatementBatcher
from edge.middleware import Edge
from edge.services import Services
from errors import InvalidInput, OutcomeUnknown, Unavailable
from rest import begun_answers
from rest.endpoint import Caller
from rest.endpoints import ENDPOINTS
from tests.support.factories import bearer, make_user
from tests.support.live import PATIENCE
from tests.support.rivals import holding, until_waiting
from tests.support.whole_server import Cinema, Told, without_varying

LOCK: Final = "LOCK TABLE page_views IN SHARE MODE"
COUNT: Final = "SELECT count(*) FROM page_views"
KEPT: Final = "SELECT tracking_id, user_id, type, scheme, path, query FROM page_views ORDER BY id"
VIEW: Final = {"tracking_id": "t1", "type": "page_enter", "page": {"scheme": "https", "path": "/films"}}
FITTING: Final = {
    "plain": VIEW,
    "exit": VIEW | {"type": "page_exit"},
    "empty path": VIEW | {"page": {"scheme": "https", "path": ""}},
    "query": VIEW | {"page": {"scheme": "https", "path": "/", "query": {"a": "x", "b": [1, 2.5, True, None], "c": []}}},
    "not only ASCII": VIEW
    | {"tracking_id": "ä\U0001f3a5", "page": {"scheme": "h", "path": "/é", "query": {"ü": "\n"}}},
    "longest": VIEW | {"tracking_id": "x" * 255, "page": {"scheme": "s" * 32, "path": "p" * 2048}},
}
# With the statuses of their answers.
UNFIT: Final[dict[str, tuple[bytes, int]]] = {
    "no object": (b"[]", 422),
    "nothing in it": (b"{}", 422),
    "many faults": (b'{"tracking_id": "", "type": 1, "page": {"scheme": 1, "host": "x"}, "a": 1, "b": 2}', 422),
    "unknown type": (json.dumps(VIEW | {"type": "page_open"}).encode(), 422),
    "too long": (json.dumps(VIEW | {"tracking_id": "x" * 256}).encode(), 422),
    "NUL": (json.dumps(VIEW | {"tracking_id": "x\0"}).encode(), 422),
    "nested query": (json.dumps(VIEW | {"page": {"scheme": "h", "path": "", "query": {"a": {}}}}).encode(), 422),
    "too many values": (json.dumps(VIEW | {"page": VIEW["page"] | {"query": {"a": ["x"] * 101}}}).encode(), 422),  # type: ignore[operator]
    "number beyond a float": (b'{"tracking_id": 1e400}', 422),
    "no JSON": (b"{", 400),
    "spaces": (b"  ", 400),
    "not UTF-8": (b'{"tracking_id": "\xff"}', 400),
    "lone surrogate": (b'{"tracking_id": "\\ud800"}', 400),
    "too deep": (b"[" * 200 + b"]" * 200, 400),
}


def make_request(body: bytes, *headers: str) -> bytes:
    lines = ["POST /v1/analytics/track HTTP/1.1", "Host: cinema.local", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *(headers or ["Content-Type: application/json"])]).encode() + b"\r\n\r\n" + body


def make_view(body: object = VIEW, *headers: str) -> bytes:
    return make_request(json.dumps(body).encode(), "Content-Type: application/json", *headers)


async def ask_both_ways(cinema: Cinema, request: bytes) -> tuple[Told, list[Told], list[str]]:
    """Return the answer of the application, the two of the short way, and the ways that those have taken."""
    found: list[Told] = []
    # The head is known the second time.
    for is_open in (False, True, True):
        cinema.ways.are_open = is_open
        async with cinema.wire() as wire:
            found.append(without_varying(await wire.ask(request)))
    return found[0], found[1:], cinema.ways.taken[-2:]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - nothing tells when it holds
            await asyncio.sleep(0.01)


def services_of(cinema: Cinema) -> Services:
    found: Services = cinema.server.lifespan.state["services"]
    return found


def find_code(told: Told) -> str:
    code: str = json.loads(told[2])["errors"][0]["code"]
    return code


@pytest.mark.parametrize("name", FITTING)
async def test_takes_what_the_application_takes(cinema: Cinema, database: Database, name: str) -> None:
    ordinary, found, ways = await ask_both_ways(cinema, make_view(FITTING[name]))
    assert (ordinary[0], ordinary[2], found, ways) == (204, b"", [ordinary] * 2, ["pending"] * 2)
    assert cinema.ways.by_head[-2:] == [False, True]
    kept = await database.primary.tuples(KEPT)
    assert (len(kept), kept[1:]) == (3, kept[:1] * 2)


@pytest.mark.parametrize("name", UNFIT)
async def test_refuses_what_the_application_refuses(cinema: Cinema, database: Database, name: str) -> None:
    body, status = UNFIT[name]
    ordinary, found, ways = await ask_both_ways(cinema, make_request(body))
    assert (ordinary[0], found, ways) == (status, [ordinary] * 2, ["at once"] * 2)
    assert await database.primary.value(COUNT) == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["Content-Type: application/json; charset=utf-8"], 204),
        (["Content-Type: application/json", "Content-Type: text/plain"], 204),
        (["Content-Type: text/plain", "Content-Type: application/json"], 415),
        (["Content-Type: application/json; charset=utf-16"], 415),
        (["Content-Type: "], 415),
        (["Accept: */*"], 415),
    ],
    ids=str,
)
async def test_reads_media_type_as_the_application_does(cinema: Cinema, headers: list[str], status: int) -> None:
    ordinary, found, ways = await ask_both_ways(cinema, make_request(json.dumps(VIEW).encode(), *headers))
    assert (ordinary[0], found) == (status, [ordinary] * 2)
    assert "task" not in ways


@pytest.mark.parametrize(
    ("named", "status"),
    [
        ("Authorization: Bearer x", 401),
        ("Authorization: Basic abc", 401),
        ("Idempotency-Key: k", 204),
        ("Cookie: theme=dark", 204),
        ("Matinee-Position: x", 204),
        ("Connection: close", 204),
        ("Content-Encoding: gzip", 415),
    ],
)
async def test_leaves_requests_with_more_in_their_heads_to_the_application(
    cinema: Cinema, named: str, status: int
) -> None:
    ordinary, found, ways = await ask_both_ways(cinema, make_view(VIEW, named))
    assert (ordinary[0], [each[0] for each in found]) == (status, [status] * 2)
    assert named == "Connection: close" or ways == ["task"] * 2


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a busy machine took longer to read of ended tokens is asked of the application, which the tests are not about."""
    monkeypatch.setattr("identity.tokens.REFRESH_SECONDS", PATIENCE)
    monkeypatch.setattr("identity.tokens.MAX_AGE_SECONDS", PATIENCE)


@pytest.mark.usefixtures("patient")
async def test_records_the_tokens_user(cinema: Cinema, database: Database) -> None:
    user = await make_user(database)
    token = f"Authorization: {bearer(user)['Authorization']}"
    cinema.logged.clear()
    ordinary, found, ways = await ask_both_ways(cinema, make_view(VIEW, token))
    assert (ordinary[0], found, ways) == (204, [ordinary] * 2, ["pending"] * 2)
    assert [user_id for _, user_id, *_ in await database.primary.tuples(KEPT)] == [user.id] * 3
    lines = [{**line, "seconds": 0, "request_id": ""} for line in cinema.logged]
    assert lines == lines[:1] * 3
    assert "user" in lines[0]
    ordinary, found, ways = await ask_both_ways(cinema, make_view({}, token))
    assert (ordinary[0], found, ways) == (422, [ordinary] * 2, ["at once"] * 2)


async def test_leaves_ended_token_to_the_application(
    cinema: Cinema, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await make_user(database)
    request = make_view(VIEW, f"Authorization: {bearer(user)['Authorization']}")
    async with database.transaction() as tx:
        await tx.execute("UPDATE users SET token_generation = 1, signed_out_at = clock_timestamp()")
    # Nothing is known of ended tokens yet, and what the application then reads tells the next one.
    for refresh in (0.0, PATIENCE):
        monkeypatch.setattr("identity.tokens.REFRESH_SECONDS", refresh)
        monkeypatch.setattr("identity.tokens.MAX_AGE_SECONDS", refresh)
        async with cinema.wire() as wire:
            assert (await wire.ask(request))[0] == 401
    assert cinema.ways.taken == ["task"] * 2
    assert await database.primary.value(COUNT) == 0


async def test_logs_and_counts_as_the_application_does(cinema: Cinema) -> None:
    lines, counted = [], []
    series = 'matinee_http_requests_total{method="POST",route="/v1/analytics/track",status="%d"} '
    async with cinema.wire() as wire:
        for is_open in (False, True):
            cinema.ways.are_open = is_open
            before = services_of(cinema).request_counter.count_live()
            cinema.logged.clear()
            cinema.server.server_state.total_requests = 0
            for request in (make_view(), make_view(), make_view({})):
                await wire.ask(request)
            found = [{**line, "seconds": 0, "request_id": ""} for line in cinema.logged]
            total = cinema.server.server_state.total_requests
            lines.append((found, total, services_of(cinema).request_counter.count_live() - before))
            text = (await wire.ask(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"))[2].decode()
            counted.append([float(text.partition(series % status)[2].split()[0]) for status in (204, 422)])
    assert lines[0] == lines[1]
    assert (len(lines[0][0]), lines[0][1:], counted) == (3, (3, 3), [[2, 1], [4, 2]])


async def test_answers_once_page_view_is_durable(cinema: Cinema, database: Database) -> None:
    async with cinema.wire() as first, cinema.wire() as second:
        async with holding(database, LOCK):
            first.send(make_view())
            await until_waiting(database, 1)
            second.send(make_view())
            await until(lambda: len(cinema.server.server_state.tasks) == 2)
            reading = [asyncio.create_task(each.read()) for each in (first, second)]
            assert not (await asyncio.wait(reading, timeout=0.2))[0]
            assert await database.primary.value(COUNT) == 0
        assert [each[0] for each in await asyncio.gather(*reading)] == [204, 204]
    assert await database.primary.value(COUNT) == 2
    assert cinema.ways.taken == ["pending"] * 2


async def test_keeps_page_view_of_a_client_that_has_gone(cinema: Cinema, database: Database) -> None:
    edge = cinema.server.config.loaded_app.middleware_stack
    assert isinstance(edge, Edge)
    free = edge._slots.free  # noqa: SLF001 - what must be free again
    with capture_logs() as lines:
        async with holding(database, LOCK):
            async with cinema.wire() as wire:
                wire.send(make_view())
                await until_waiting(database, 1)
                assert edge._slots.free == free - 1  # noqa: SLF001
            await until(lambda: not cinema.server.server_state.connections)
            cinema.logged.clear()
        await until(lambda: not cinema.server.server_state.tasks)
    assert await database.primary.value(COUNT) == 1
    assert edge._slots.free == free  # noqa: SLF001
    assert [line["status"] for line in cinema.logged] == [204]
    assert not [line for line in lines if line["log_level"] == "error"]


async def test_answers_in_order_of_requests_that_come_together(cinema: Cinema, database: Database) -> None:
    requests = [make_view(VIEW | {"tracking_id": f"t{n}"}, f"X-Request-Id: r{n}") for n in range(6)]
    requests[3] = make_view({}, "X-Request-Id: r3")
    async with cinema.wire() as wire:
        wire.send(b"".join(requests))
        answers = [await wire.read() for _ in requests]
    assert [headers["x-request-id"] for _, headers, _ in answers] == [f"r{n}" for n in range(6)]
    assert [status for status, _, _ in answers] == [204, 204, 204, 422, 204, 204]
    assert await database.primary.value(COUNT) == 5


async def test_says_of_page_view_that_the_end_cannot_wait_for_that_its_outcome_is_unknown(
    cinema: Cinema, database: Database
) -> None:
    cinema.server.config.timeout_graceful_shutdown = 1
    async with cinema.wire() as wire, holding(database, LOCK):
        wire.send(make_view())
        await until_waiting(database, 1)
        cinema.server.should_exit = True
        told = await wire.read()
    assert (told[0], find_code(told), told[1]["connection"]) == (503, "outcome_unknown", "close")
    assert cinema.logged[-1]["status"] == 503


@pytest.fixture
def full(cinema: Cinema) -> Iterator[None]:
    """A server that has as many page views to write as it takes."""
    batcher = services_of(cinema).page_views
    batcher._most_waiting = 0  # noqa: SLF001 - what ten thousand page views would do
    yield
    assert not batcher._waiting  # noqa: SLF001


@pytest.mark.usefixtures("full")
async def test_refuses_page_view_where_too_many_wait(cinema: Cinema, database: Database) -> None:
    ordinary, found, ways = await ask_both_ways(cinema, make_view())
    assert (ordinary[0], find_code(ordinary), found, ways) == (503, "unavailable", [ordinary] * 2, ["at once"] * 2)
    assert await database.primary.value(COUNT) == 0


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (Unavailable(), 503),
        (OutcomeUnknown(), 503),
        (psycopg.OperationalError("gone"), 503),
        (InvalidInput(field="body", problem="does not fit"), 422),
        (RuntimeError("a bug"), 500),
    ],
    ids=repr,
)
async def test_failed_batch_is_answered_as_by_the_application(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch, raised: Exception, status: int
) -> None:
    async def fail(_: Any) -> None:  # noqa: ANN401 - page views, which are not looked at
        raise raised

    monkeypatch.setattr(services_of(cinema).page_views, "_write", fail)
    ordinary, found, ways = await ask_both_ways(cinema, make_view())
    assert (ordinary[0], [each[0] for each in found], ways) == (status, [status] * 2, ["pending"] * 2)
    assert [each[1] for each in found] == [ordinary[1]] * 2
    # A bug's message names the request.
    assert status == 500 or [each[2] for each in found] == [ordinary[2]] * 2


async def test_bug_before_the_batch_is_answered_as_by_the_application(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(StatementBatcher, "put", fail)
    ordinary, found, ways = await ask_both_ways(cinema, make_view())
    assert (ordinary[0], [each[0] for each in found], ways) == (500, [500] * 2, ["task"] * 2)


def test_what_starts_a_change_answers_204_to_anybody() -> None:
    starting = [each for each in ENDPOINTS if each.start is not None]
    assert [each.path for each in starting] == ["/v1/analytics/track"]
    assert {each.caller for each in starting} == {Caller.KNOWN_OR_NOT}
    assert [dict(each.answers) for each in starting] == [{204: None}]


async def test_comparison_notices_another_answer(cinema: Cinema, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(begun_answers, "DURABLE", begun_answers.DURABLE._replace(status=202))
    ordinary, found, _ = await ask_both_ways(cinema, make_view())
    assert (ordinary[0], [each[0] for each in found]) == (204, [202] * 2)
