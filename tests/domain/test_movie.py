from datetime import timedelta
from typing import Any

import pytest

from db.engine import Database
from db.models import Movie
from domain import movie
from errors import InvalidInput, MovieNotFound, Refusals, SessionOverlaps, StillInUse
from tests.support.factories import (
    make_booking,
    make_expired_booking,
    make_movie,
    make_place,
    make_rating,
    make_session,
    soon,
)

FACTS: dict[str, Any] = {
    "title": "Le Fabuleux Destin d’Amélie Poulain",
    "description": "A waitress mends the lives of others.",
    "poster": "https://example.org/amelie.jpg",
    "duration": 122,
    "genres": ["Comedy", "Romance"],
}


async def create(database: Database, **given: Any) -> Movie:
    async with database.transaction() as tx:
        return await movie.create_movie(tx, **FACTS | given)


async def update(database: Database, movie_id: int, **given: Any) -> Movie:
    async with database.transaction() as tx:
        return await movie.update_movie(tx, movie_id=movie_id, **given)


async def delete(database: Database, movie_id: int) -> None:
    async with database.transaction() as tx:
        await movie.delete_movie(tx, movie_id=movie_id)


def facts(made: Movie) -> dict[str, Any]:
    return {name: getattr(made, name) for name in FACTS}


async def test_new_movie_has_given_values_and_no_derived_ones(database: Database) -> None:
    made = await create(database)
    assert facts(made) == FACTS
    assert (made.rating, made.rating_count, made.airing_from, made.airing_to) == (None, 0, None, None)


async def test_genres_are_trimmed_and_unique(database: Database) -> None:
    made = await create(database, genres=[" Drama", "War", "Drama ", "War"])
    assert made.genres == ["Drama", "War"]


@pytest.mark.parametrize("poster", ["/posters/1.svg", "http://example.org/x", "https://example.org/x"])
async def test_accepts_posters_that_browser_can_show(database: Database, poster: str) -> None:
    assert (await create(database, poster=poster)).poster == poster


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "  "),
        ("title", "x" * 201),
        ("title", "a\0"),
        ("title", "a\x1b"),
        ("title", "\u3164"),
        ("title", "\udfff"),
        ("description", ""),
        ("description", "x" * 5001),
        ("poster", ""),
        ("poster", "javascript:alert(1)"),
        ("poster", "//evil.example/x"),
        ("poster", "poster.jpg"),
        ("poster", "https://["),
        ("poster", "https://"),
        ("poster", "http:// x"),
        ("poster", "/\\evil.example/x"),
        ("poster", "/posters/\n1.svg"),
        ("poster", "https://" + "x" * 2048),
        ("duration", 0),
        ("duration", -1),
        ("duration", 1441),
        ("duration", 10**20),
        ("genres", [""]),
        ("genres", ["x" * 51]),
        ("genres", [str(number) for number in range(11)]),
        ("genres", ["\0"]),
        ("genres", ["\u200b"]),
    ],
)
async def test_refuses_invalid_values_of_movie(database: Database, field: str, value: object) -> None:
    kept = await make_movie(database)
    for change in (create(database, **{field: value}), update(database, kept.id, **{field: value})):
        with pytest.raises(InvalidInput) as refused:
            await change
        assert refused.value.path == ("input", field)
    assert await database.primary.value("SELECT count(*) FROM movies") == 1


async def test_refuses_all_faults_of_movie_at_once(database: Database) -> None:
    with pytest.raises(Refusals) as refused:
        await create(database, title="", description="", poster="x", duration=0, genres=["", "\0"])
    assert [fault.path[-1] for fault in refused.value.exceptions if isinstance(fault, InvalidInput)] == [
        "title",
        "description",
        "poster",
        "duration",
        "genres",
        "genres",
    ]


@pytest.mark.parametrize("field", FACTS)
async def test_update_changes_given_values_only(database: Database, field: str) -> None:
    kept = await make_movie(database)
    changed = await update(database, kept.id, **{field: FACTS[field]})
    assert facts(changed) == facts(kept) | {field: FACTS[field]}


async def test_update_with_empty_genres_removes_them(database: Database) -> None:
    kept = await create(database)
    assert (await update(database, kept.id)).genres == FACTS["genres"]
    assert (await update(database, kept.id, genres=[])).genres == []


async def test_refuses_update_and_delete_of_missing_movie(database: Database) -> None:
    with pytest.raises(MovieNotFound):
        await update(database, 1, duration=3)
    with pytest.raises(MovieNotFound):
        await update(database, 1)
    with pytest.raises(MovieNotFound):
        await delete(database, 1)


async def test_longer_duration_moves_ends_of_sessions_up_to_next_start(database: Database) -> None:
    place = await make_place(database)
    first, second = await make_movie(database, duration=60), await make_movie(database, duration=60)
    session = await make_session(database, movie=first, place=place, starts_at=soon())
    await make_session(database, movie=second, place=place, starts_at=soon() + timedelta(minutes=120))
    await update(database, first.id, duration=120)
    ends_at = "SELECT ends_at FROM sessions WHERE id = %(id)s"
    assert await database.primary.value(ends_at, id=session.id) == soon() + timedelta(minutes=120)
    with pytest.raises(SessionOverlaps) as refused:
        await update(database, first.id, duration=121)
    assert refused.value.path == ("input", "duration")
    assert await database.primary.value(ends_at, id=session.id) == soon() + timedelta(minutes=120)
    assert (await update(database, first.id)).duration == 120


async def test_refuses_duration_that_makes_sessions_of_movie_overlap(database: Database) -> None:
    kept, place = await make_movie(database, duration=60), await make_place(database)
    for minutes in (0, 90):
        await make_session(database, movie=kept, place=place, starts_at=soon() + timedelta(minutes=minutes))
    await update(database, kept.id, duration=90)
    with pytest.raises(SessionOverlaps):
        await update(database, kept.id, duration=91)


async def test_past_sessions_do_not_prevent_longer_duration(database: Database) -> None:
    kept, place = await make_movie(database, duration=60), await make_place(database)
    for hours in (-48, -47):
        await make_session(database, movie=kept, place=place, starts_at=soon(hours))
    assert (await update(database, kept.id, duration=90)).duration == 90


async def test_delete_removes_ratings_sessions_and_closed_bookings(database: Database) -> None:
    gone, stays = await make_movie(database), await make_movie(database)
    session = await make_session(database, movie=gone)
    await make_session(database, movie=stays)
    await make_rating(database, movie=gone)
    await make_rating(database, movie=stays)
    await make_expired_booking(database, session=session, seats=2)
    await delete(database, gone.id)
    for table in ("movies", "sessions", "ratings", "airings"):
        assert await database.primary.value(f"SELECT count(*) FROM {table}") == 1  # noqa: S608
    assert await database.primary.value("SELECT id FROM movies") == stays.id


@pytest.mark.parametrize("status", ["open", "confirmed"])
async def test_refuses_delete_of_booked_movie(database: Database, status: str) -> None:
    kept = await make_movie(database)
    await make_rating(database, movie=kept)
    await make_booking(database, session=await make_session(database, movie=kept), seats=1, status=status)
    with pytest.raises(StillInUse):
        await delete(database, kept.id)
    assert await database.primary.value("SELECT rating_count FROM movies") == 1
