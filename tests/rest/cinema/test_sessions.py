"""GET /v1/movies/{id}/places/{id}/sessions."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from httpx import AsyncClient

from db import ids
from db.engine import Database
from db.models import Session
from tests.support.answers import codes, message
from tests.support.factories import make_movie, make_place, make_session

PARIS = ZoneInfo("Europe/Paris")


def path_of(session: Session) -> str:
    movie, place = ids.encode("mov", session.movie_id), ids.encode("plc", session.place_id)
    return f"/v1/movies/{movie}/places/{place}/sessions"


@pytest.fixture
async def path(database: Database) -> str:
    """The sessions of one movie in one place: first and last moment of a day in Paris, and the moments around it."""
    movie, place = await make_movie(database), await make_place(database)
    midnight = datetime(2031, 7, 14, tzinfo=PARIS)
    microsecond, day = timedelta(microseconds=1), timedelta(days=1)
    for starts_at in (midnight - microsecond, midnight, midnight + day - microsecond, midnight + day):
        session = await make_session(database, movie=movie, place=place, starts_at=starts_at)
    await make_session(database, movie=movie)
    await make_session(database, place=place)
    return path_of(session)


BEFORE, FIRST, LAST, AFTER = (
    "2031-07-13T21:59:59.999999Z",
    "2031-07-13T22:00:00Z",
    "2031-07-14T21:59:59.999999Z",
    "2031-07-14T22:00:00Z",
)


async def starts(client: AsyncClient, path: str, **parameters: Any) -> list[str]:
    response = await client.get(path, params=parameters)
    assert response.status_code == 200, response.text
    return [session["starts_at"] for session in response.json()["sessions"]]


async def test_session_has_exactly_the_contract_fields(client: AsyncClient, database: Database) -> None:
    session = await make_session(database, starts_at=datetime(2031, 1, 1, 20, tzinfo=PARIS))
    response = await client.get(path_of(session))

    assert response.status_code == 200
    assert response.json() == {
        "sessions": [{"id": ids.encode("ses", session.id), "starts_at": "2031-01-01T19:00:00Z"}],
        "metadata": {"has_more": False, "end_cursor": response.json()["metadata"]["end_cursor"]},
    }


async def test_lists_latest_start_first(client: AsyncClient, path: str) -> None:
    assert await starts(client, path) == [AFTER, LAST, FIRST, BEFORE]


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"from": "2031-07-14", "to": "2031-07-14"}, [LAST, FIRST]),
        ({"from": "2031-07-14"}, [AFTER, LAST, FIRST]),
        ({"to": "2031-07-13"}, [BEFORE]),
        ({"from": "2031-07-14T00:00:00+02:00", "to": "2031-07-14T23:59:59.999999+02:00"}, [LAST, FIRST]),
        ({"from": "2031-07-13T22:00:00.000001Z", "to": "2031-07-14T22:00Z"}, [AFTER, LAST]),
        ({"from": FIRST, "to": FIRST}, [FIRST]),
        ({"from": "2031-07-14", "to": "2031-07-14T08:00:00+0200"}, [FIRST]),
        ({"from": "2031-07-15", "to": "2031-07-15"}, [AFTER]),
        ({"from": "0001-01-01", "to": "9999-12-31"}, [AFTER, LAST, FIRST, BEFORE]),
        ({"from": "0001-01-01T00:00:00+14:00", "to": "9999-12-31T23:59:59-14:00"}, [AFTER, LAST, FIRST, BEFORE]),
    ],
)
async def test_includes_both_bounds(
    client: AsyncClient, path: str, bounds: dict[str, str], expected: list[str]
) -> None:
    assert await starts(client, path, **bounds) == expected


async def test_accepts_unescaped_plus_sign(client: AsyncClient, path: str) -> None:
    response = await client.get(f"{path}?from=2031-07-15T00:00:00+02:00")

    assert [session["starts_at"] for session in response.json()["sessions"]] == [AFTER]


@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize(
    "value",
    [
        "",
        "tomorrow",
        "20310714",
        "2031-W29-1",
        "2031-07-14T10:00:00",
        "2031-07-14 10:00:00",
        "1910448000",
        "10000-01-01",
        "٢٠٣١-٠٧-١٤",
        "2031-07-14\0",
        ["2031-07-14", "2031-07-14"],
    ],
)
async def test_refuses_invalid_date(client: AsyncClient, path: str, name: str, value: str | list[str]) -> None:
    response = await client.get(path, params={name: value})

    assert response.status_code == 422
    assert codes(response) == ["invalid_date"]
    assert message(response).startswith(f"`{name}` must be a date such as")


@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize(
    "value", ["2031-13-01", "2031-02-29", "2031-07-14T10:00:00+25:00", "2031-07-14T25:00:00Z", "0000-01-01"]
)
async def test_says_of_a_date_that_does_not_exist_that_it_does_not(
    client: AsyncClient, path: str, name: str, value: str
) -> None:
    response = await client.get(path, params={name: value})

    assert (response.status_code, codes(response)) == (422, ["invalid_date"])
    assert message(response).startswith(f"`{name}` names a date, a time of day or an offset that does not exist")


@pytest.mark.parametrize(
    ("first", "last"),
    [("2031-07-15", "2031-07-14"), ("2031-07-14T00:00:00Z", "2031-07-13T23:59:59Z"), ("2031-07-15", FIRST)],
)
async def test_refuses_from_after_to(client: AsyncClient, path: str, first: str, last: str) -> None:
    response = await client.get(path, params={"from": first, "to": last})

    assert response.status_code == 422
    assert codes(response) == ["invalid_date"]
    assert message(response) == "`from` must not be after `to`."


async def test_pages_of_sessions_stay_within_bounds(client: AsyncClient, path: str) -> None:
    bounds = {"from": "2031-07-13", "to": "2031-07-14", "limit": "2"}
    first = (await client.get(path, params=bounds)).json()
    second = (await client.get(path, params=bounds | {"cursor": first["metadata"]["end_cursor"]})).json()

    assert [session["starts_at"] for session in first["sessions"] + second["sessions"]] == [LAST, FIRST, BEFORE]
    assert (first["metadata"]["has_more"], second["metadata"]["has_more"]) == (True, False)


async def test_refuses_cursor_of_other_bounds(client: AsyncClient, path: str) -> None:
    page = (await client.get(path, params={"limit": 1})).json()
    response = await client.get(path, params={"from": "2031-07-14", "cursor": page["metadata"]["end_cursor"]})

    assert response.status_code == 422
    assert codes(response) == ["invalid_cursor"]


async def test_lists_no_sessions_of_movie_that_place_does_not_show(client: AsyncClient, database: Database) -> None:
    movie, place = await make_movie(database), await make_place(database)
    response = await client.get(path_of(Session.model_construct(movie_id=movie.id, place_id=place.id)))

    assert response.status_code == 200
    assert response.json() == {"sessions": [], "metadata": {"has_more": False, "end_cursor": None}}


@pytest.mark.parametrize("public_id", ["plc_1", "plc_x", "mov_1", "1", "%00"])
async def test_answers_404_for_unknown_place(client: AsyncClient, database: Database, public_id: str) -> None:
    movie = await make_movie(database)
    response = await client.get(f"/v1/movies/{ids.encode('mov', movie.id)}/places/{public_id}/sessions")

    assert response.status_code == 404
    assert codes(response) == ["place_not_found"]


async def test_reports_missing_movie_before_missing_place(client: AsyncClient) -> None:
    response = await client.get("/v1/movies/mov_1/places/plc_1/sessions")

    assert codes(response) == ["movie_not_found"]
