"""Lists that PostgreSQL writes as JSON equal what Python makes of the same rows: nulls, ties, unicode, empty lists, pages."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, get_args

import orjson
import pytest
from httpx import AsyncClient

from db import ids, lists, paging, selects
from db.engine import Database
from db.lists import MovieSort
from db.models import Booking, Event, EventReservation, Movie, Place, Session
from db.paging import Listing, Window
from tests.support.factories import (
    bearer,
    make_booking,
    make_movie,
    make_place,
    make_rating,
    make_session,
    make_user,
    soon,
)
from tests.support.ticketing import make_event, make_event_reservation

BASE: Final = "https://cinema.test"
# What JSON escapes, what other languages take for a line break or a parameter, and text from outside the basic plane.
TEXTS: Final = (
    'Le "Doulos" \\ \t\n',
    "100 %(base)s %% $1 '",
    "\u2028\u2029\u200b\u0001\u001f\u007f",
    "東京物語 🎬",
    "e\u0301té",
)
STARTS: Final = (
    datetime(2040, 1, 31, 20, 30, 0, 123456, tzinfo=UTC),
    datetime(2040, 1, 31, 20, 30, 0, 120000, tzinfo=UTC),
    datetime(2041, 7, 1, tzinfo=UTC),
)

Render = Callable[[Any], dict[str, object]]


def render_movie(row: Movie) -> dict[str, object]:
    """Return a movie as the contract has it."""
    dates = {"from": row.airing_from, "to": row.airing_to} if row.airing_from else None
    return {
        "id": ids.encode("mov", row.id),
        "title": row.title,
        "description": row.description,
        "poster": BASE + row.poster if row.poster.startswith("/") else row.poster,
        "duration": row.duration,
        "airing_dates": dates,
        "rating": row.rating,
    }


def render_place(row: Place) -> dict[str, object]:
    """Return a place as the contract has it."""
    return {"id": ids.encode("plc", row.id), "name": row.name, "address": row.address}


def render_session(row: Session) -> dict[str, object]:
    """Return a session as the contract has it."""
    return {"id": ids.encode("ses", row.id), "starts_at": row.starts_at}


def render_event(row: Event) -> dict[str, object]:
    """Return an event as the contract has it."""
    return {
        "id": str(ids.to_uuid("evt", row.id)),
        "name": row.name,
        "description": row.description,
        "date": row.date,
        "availability": row.availability,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def render_reservation(row: EventReservation) -> dict[str, object]:
    """Return a reservation as the contract has it."""
    return {
        "id": str(ids.to_uuid("evr", row.id)),
        "event_id": str(ids.to_uuid("evt", row.event_id)),
        "no_of_tickets": row.tickets,
        "cancelled": row.cancelled,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


async def read_pages(client: AsyncClient, path: str, *, limit: int, headers: Mapping[str, str]) -> list[bytes]:
    """Return the bodies of all pages of a list."""
    bodies, cursor = [], ""
    while True:
        response = await client.get(f"{path}limit={limit}{cursor}", headers=headers)
        assert response.status_code == 200, response.text
        bodies.append(response.content)
        metadata = response.json()["metadata"]
        if not metadata["has_more"]:
            return bodies
        cursor = f"&cursor={metadata['end_cursor']}"


async def render_pages(
    database: Database, listing: Listing[Any], name: str, render: Render, *, limit: int
) -> list[bytes]:
    """Return the same bodies, made of rows."""
    bodies, after = [], None
    while True:
        page = await paging.read_page(database.primary, database.cursors, listing, Window(limit, after=after))
        metadata = {"has_more": page.has_next, "end_cursor": page.end_cursor}
        body = {name: [render(row) for row in page.rows], "metadata": metadata}
        bodies.append(orjson.dumps(body, option=orjson.OPT_UTC_Z))
        if not page.has_next:
            return bodies
        after = page.end_cursor


async def check_list(
    client: AsyncClient,
    database: Database,
    path: str,
    listing: Listing[Any],
    render: Render,
    *,
    headers: Mapping[str, str] | None = None,
) -> int:
    """Compare all pages of several sizes, keys in their order included; return the number of items."""
    name = path.partition("?")[0].rpartition("/")[2]
    count = 0
    for limit in (1, 3, 100):
        found = await read_pages(client, path, limit=limit, headers=headers or {})
        expected = await render_pages(database, listing, name, render, limit=limit)
        assert [normalize(body) for body in found] == [normalize(body) for body in expected]
        count = sum(len(orjson.loads(body)[name]) for body in found)
    return count


def normalize(body: bytes) -> bytes:
    """Return a body in one spelling of JSON, with its keys in their order."""
    return orjson.dumps(orjson.loads(body))


@pytest.fixture
async def programme(database: Database) -> tuple[list[Movie], list[Place]]:
    """Movies and places with ties, nulls and unusual texts, and their sessions."""
    movies = [await make_movie(database, title=text, description=text[::-1]) for text in TEXTS]
    movies += [
        await make_movie(database, poster="https://images.example.org/é?a=%20'", description="") for _ in range(2)
    ]
    places = [await make_place(database, name=text, address=text) for text in TEXTS[:3]]
    for movie in movies[:3]:
        for place in places[:2]:
            for starts_at in STARTS:
                await make_session(database, movie=movie, place=place, starts_at=starts_at)
    await make_session(database, movie=movies[1], place=places[2], starts_at=soon(-90))
    for movie, values in ((movies[0], (5,)), (movies[1], (5,)), (movies[2], (0,)), (movies[3], (1, 1, 2.5))):
        for value in values:
            await make_rating(database, movie=movie, value=value)
    return movies, places


async def test_movies_equal_their_rows_in_every_order(
    client: AsyncClient, database: Database, programme: tuple[list[Movie], list[Place]]
) -> None:
    for sort in get_args(MovieSort):
        listing = lists.list_movies(sort)
        assert await check_list(client, database, f"/v1/movies?sort={sort}&", listing, render_movie) == len(TEXTS) + 2
    for movie in programme[0]:
        (row,) = await database.primary.rows(Movie, paging.compile_sql(selects.select_by_ids(Movie)), ids=[movie.id])
        found = await client.get(f"/v1/movies/mov_{movie.id}")
        expected = orjson.dumps({"movie": render_movie(row)}, option=orjson.OPT_UTC_Z)
        assert normalize(found.content) == normalize(expected)


async def test_places_and_sessions_equal_their_rows(
    client: AsyncClient, database: Database, programme: tuple[list[Movie], list[Place]]
) -> None:
    movies, places = programme
    seen = 0
    for movie in movies:
        path = f"/v1/movies/mov_{movie.id}/places"
        seen += await check_list(client, database, f"{path}?", lists.list_places_of_movie(movie.id), render_place)
        for place in places:
            below = f"{path}/plc_{place.id}/sessions"
            for choice, first, last in (
                ("", None, None),
                ("from=2040-01-31T20:30:00.123456Z&", STARTS[0], None),
                ("to=2040-01-31T20:30:00.12Z&", None, STARTS[1]),
                ("from=2045-01-01T00:00:00Z&", datetime(2045, 1, 1, tzinfo=UTC), None),
            ):
                listing = lists.list_sessions(movie_id=movie.id, place_id=place.id, starts_from=first, starts_to=last)
                seen += await check_list(client, database, f"{below}?{choice}", listing, render_session)
    assert seen == 6 + 6 * (3 + 2 + 1) + 1 + 1


async def test_bookings_equal_their_rows(client: AsyncClient, database: Database) -> None:
    user = await make_user(database)
    named: dict[int, tuple[Movie, Place]] = {}
    for place, text in enumerate(TEXTS):
        movie, cinema = await make_movie(database, title=text), await make_place(database, name=text)
        session = await make_session(database, movie=movie, place=cinema)
        named[session.id] = movie, cinema
        state = {"status": "confirmed", "confirmed_at": soon(-1)} if place % 2 else {"closes_at": soon(-1)}
        await make_booking(database, user=user, session=session, seats=2, **state)

    def render(row: Booking) -> dict[str, object]:
        movie, cinema = named[row.session_id]
        return {
            "id": ids.encode("bok", row.id),
            "session_id": ids.encode("ses", row.session_id),
            "reserved_seats": row.reserved_seats,
            "created_at": row.created_at,
            "closes_at": row.closes_at,
            "confirmed_at": row.confirmed_at,
            "movie": {"id": ids.encode("mov", movie.id), "title": movie.title},
            "place": {"id": ids.encode("plc", cinema.id), "name": cinema.name},
        }

    listing = lists.list_bookings(user.id)
    assert await check_list(client, database, "/v1/bookings?", listing, render, headers=bearer(user)) == len(TEXTS)


@pytest.mark.parametrize("is_empty", [False, True])
async def test_numbered_lists_equal_their_rows(client: AsyncClient, database: Database, *, is_empty: bool) -> None:
    user = await make_user(database)
    events = [] if is_empty else [await make_event(database, name=text.strip(), description=text) for text in TEXTS]
    for event, owner in zip(events, [None, user, None, None, user], strict=bool(events)):
        await make_event_reservation(database, event=event, user=owner, cancelled=owner is None)
    for path, listing, render in (
        ("/events/", lists.list_events_by_age(), render_event),
        ("/reservations/", lists.list_open_event_reservations(viewer_id=user.id), render_reservation),
    ):
        rows: list[Any] = await paging.read_numbered_page(database.primary, listing, size=100, skipped=0)
        bodies = []
        for page in (1, 2, 3, 4):
            response = await client.get(path, params={"page": page, "per_page": 2}, headers=bearer(user))
            expected = orjson.dumps([render(row) for row in rows[2 * page - 2 : 2 * page]])
            assert normalize(response.content) == normalize(expected)
            assert response.headers["x-total-count"] == str(len(rows))
            bodies += response.json()
        assert len(bodies) == len(events)
