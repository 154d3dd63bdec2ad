"""Endpoints answer anonymous requests by a task of their own, in every way as by the application."""

import asyncio
from dataclasses import replace
from typing import Final

import pytest

from config.settings import Settings
from db import ids
from db.engine import Database
from errors import Unavailable
from rest import programme_answers
from tests.support.factories import make_movie, make_session
from tests.support.live import PATIENCE
from tests.support.ticketing import make_event
from tests.support.whole_server import Cinema, Told, Ways, serving, without_varying

PAGE_VIEW: Final = (
    '{"tracking_id": "t1", "type": "page_enter", "page": {"scheme": "https", "path": "/films", "query": {"a": ["1"]}}}'
)
WRONG: Final = '{"email": "nobody@example.org", "password": "correct horse"}'


def make_request(path: str, *headers: str, method: str = "GET", body: str = "") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: cinema.local", *headers]
    lines += [f"Content-Length: {len(body)}"] if body else []
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def make_change(path: str, body: str, *headers: str) -> bytes:
    return make_request(path, "Content-Type: application/json", *headers, method="POST", body=body)


async def ask_both_ways(cinema: Cinema, request: bytes) -> tuple[Told, Told, str]:
    """Return the answer of the application, that of the short way, and the way that was taken."""
    found: list[Told] = []
    for is_open in (False, True):
        cinema.ways.are_open = is_open
        async with cinema.wire() as wire:
            found.append(without_varying(await wire.ask(request)))
    return found[0], found[1], cinema.ways.taken[-1]


async def test_answers_as_the_application_does(cinema: Cinema, database: Database) -> None:
    movie = ids.encode("mov", (await make_movie(database, title="Ran")).id)
    session = ids.encode("ses", (await make_session(database)).id)
    event = ids.to_uuid("evt", (await make_event(database)).id)
    tag = (await ask_both_ways(cinema, make_request("/v1/movies")))[1][1]["etag"]
    requests: dict[str, tuple[bytes, str, int]] = {
        "list": (make_request("/v1/movies?limit=2&sort=new"), "pending", 200),
        "one": (make_request(f"/v1/movies/{movie}"), "pending", 200),
        "places": (make_request(f"/v1/movies/{movie}/places"), "pending", 200),
        "session": (make_request(f"/v1/sessions/{session}"), "pending", 200),
        "own id of the request": (make_request("/v1/movies", "X-Request-Id: r-1"), "pending", 200),
        "not modified": (make_request("/v1/movies", f"If-None-Match: {tag}"), "pending", 304),
        "not there": (make_request("/v1/movies/mov_1"), "pending", 404),
        "bad id": (make_request("/v1/movies/nonsense"), "pending", 404),
        "bad limit": (make_request("/v1/movies?limit=0"), "pending", 422),
        "bad cursor": (make_request("/v1/movies?cursor=nonsense"), "pending", 422),
        "twice the same parameter": (make_request("/v1/movies?limit=1&limit=2"), "pending", 422),
        "events": (make_request("/events"), "pending", 200),
        "an event": (make_request(f"/events/{event}"), "pending", 200),
        "slash at the end": (make_request("/v1/movies/"), "task", 200),
        "other method": (make_request("/v1/movies", method="DELETE"), "task", 405),
        "no such path": (make_request("/v1/nothing"), "task", 404),
        "sign-in needed": (make_request("/v1/bookings"), "task", 401),
        "bad token": (make_request("/v1/movies", "Authorization: Bearer x"), "task", 401),
        "cookie": (make_request("/v1/movies", "Cookie: theme=dark"), "task", 200),
        "body": (make_request("/v1/movies", body="{}"), "task", 200),
        "bad change": (make_change("/v1/auth/signup", "{}"), "pending", 422),
        "no JSON": (make_change("/v1/auth/signup", "{"), "pending", 400),
        "no content type": (make_request("/v1/auth/signup", method="POST", body="{}"), "pending", 415),
        "page view": (make_change("/v1/analytics/track", PAGE_VIEW), "pending", 204),
        "wrong password": (make_change("/v1/auth/signin", WRONG), "pending", 401),
        "counter": (make_change("/events", "{}"), "task", 422),
    }
    for name, (request, way, status) in requests.items():
        by_application, found, taken = await ask_both_ways(cinema, request)
        assert (name, found, taken) == (name, by_application, way)
        assert (name, found[0]) == (name, status)


async def test_logs_and_counts_as_the_application_does(cinema: Cinema, database: Database) -> None:
    await make_movie(database, title="Ran")
    lines, counted = [], []
    for is_open in (False, True):
        cinema.ways.are_open = is_open
        cinema.logged.clear()
        async with cinema.wire() as wire:
            await wire.ask(make_request("/v1/movies"))
            await wire.ask(make_request("/v1/movies/mov_1"))
            lines.append([{**line, "seconds": 0, "request_id": ""} for line in cinema.logged])
            _, _, text = await wire.ask(make_request("/metrics"))
        series = 'matinee_http_requests_total{method="GET",route="/v1/movies/{movie_id}",status="404"}'
        counted.append(float(text.decode().partition(series)[2].split()[0]))
    assert lines[0] == lines[1]
    assert counted == [1, 2]


async def test_cached_answer_is_the_one_that_was_read(settings: Settings, ways: Ways, database: Database) -> None:
    await make_movie(database, title="Ran")
    told: list[Told] = []
    async with serving(replace(settings, response_cache=2**20), ways, []) as cinema, cinema.wire() as wire:
        # Nothing is kept before the server hears of changes.
        async with asyncio.timeout(PATIENCE):
            while not told or "age" not in told[-1][1]:
                told.append(without_varying(await wire.ask(make_request("/v1/movies"))))
        told += [without_varying(await wire.ask(make_request("/v1/movies"))) for _ in range(3)]
    assert {body for _, _, body in told} == {told[0][2]}
    assert ways.taken[0] == "pending"
    assert "age" not in told[0][1]
    assert [headers for _, headers, _ in told[-3:]] == [told[-4][1]] * 3


@pytest.mark.parametrize(
    ("raised", "status"), [(Unavailable(), 503), (RuntimeError("a bug"), 500)], ids=["unavailable", "bug"]
)
async def test_failed_read_is_answered_in_shape_of_surface(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch, raised: Exception, status: int
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(programme_answers, "plan_page_of", fail)
    by_application, found, way = await ask_both_ways(cinema, make_request("/v1/movies"))
    assert (way, found[0], by_application[0]) == ("pending", status, status)
    assert found[1].keys() == by_application[1].keys()
    async with cinema.wire() as wire:
        assert (await wire.ask(make_request("/livez")))[0] == 200
