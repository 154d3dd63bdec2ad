"""What is in each list; its order and its pages are tested in test_paging.py."""

from datetime import timedelta
from typing import Any

import pytest

from db import lists, paging, selects
from db.engine import Database
from db.models import Movie, Place
from db.paging import Listing, Window
from tests.support.factories import make_movie, make_page_view, make_place, make_session, make_user, soon

INSTANT = timedelta(microseconds=1)


async def listed(database: Database, listing: Listing[Any]) -> list[int]:
    page = await paging.read_page(database.primary, database.cursors, listing, Window(100))
    assert await paging.count_rows(database.primary, listing) == len(page.rows)
    return [row.id for row in page.rows]


@pytest.fixture
async def place(database: Database) -> Place:
    return await make_place(database)


async def shown(database: Database, place: Place, *hours: float, duration: int = 120) -> Movie:
    """Return a movie that starts at a place so many hours from now."""
    movie = await make_movie(database, duration=duration)
    for number in hours:
        await make_session(database, movie=movie, place=place, starts_at=soon(number))
    return movie


async def test_filters_movies_by_session_at_instant_or_later(database: Database, place: Place) -> None:
    early, late = await shown(database, place, -30, 10), await shown(database, place, 20)
    over = await shown(database, place, -30)
    await make_movie(database)
    asked = {
        soon(-31): {early.id, late.id, over.id},
        soon(-30): {early.id, late.id, over.id},
        soon(-30) + INSTANT: {early.id, late.id},
        soon(10): {early.id, late.id},
        soon(10) + INSTANT: {late.id},
        soon(20): {late.id},
        soon(20) + INSTANT: set(),
    }
    for instant, expected in asked.items():
        for sort in ("rating", "new", "leaving_soon"):
            assert set(await listed(database, lists.list_movies(sort, airing_from=instant))) == expected


async def test_filters_movies_by_session_at_place(database: Database, place: Place) -> None:
    other = await make_place(database)
    both = await shown(database, place, -30)
    await make_session(database, movie=both, place=other, starts_at=soon(30))
    here, there = await shown(database, place, 10, 20), await shown(database, other, 40)
    assert set(await listed(database, lists.list_movies(place_id=place.id))) == {both.id, here.id}
    assert set(await listed(database, lists.list_movies(place_id=other.id))) == {both.id, there.id}
    assert await listed(database, lists.list_movies(place_id=1)) == []
    assert await listed(database, lists.list_movies(place_id=place.id, airing_from=soon(0))) == [here.id]
    assert await listed(database, lists.list_movies(place_id=place.id, airing_from=soon(20))) == [here.id]
    assert await listed(database, lists.list_movies(place_id=place.id, airing_from=soon(20) + INSTANT)) == []


async def test_filters_of_movies_are_combined(database: Database, place: Place) -> None:
    movie = await make_movie(database, title="Casablanca", genres=["Drama", "Romance"])
    await make_session(database, movie=movie, place=place, starts_at=soon())
    await make_movie(database, title="Casablanca II", genres=["Drama"])
    for given, expected in (
        ({"genre": "Romance", "search_for": "casablnca"}, [movie.id]),
        ({"genre": "Romance", "search_for": "casablnca", "place_id": place.id, "airing_from": soon()}, [movie.id]),
        ({"genre": "War", "search_for": "casablanca"}, []),
        ({"genre": "Romance", "airing_from": soon(48)}, []),
    ):
        assert await listed(database, lists.list_movies(**given)) == expected


async def test_filter_by_genre_needs_exact_spelling(database: Database) -> None:
    drama = await make_movie(database, genres=["Drama", "Film-Noir"])
    assert await listed(database, lists.list_movies(genre="Film-Noir")) == [drama.id]
    for other in ("drama", "Dram", "", "%", "Drama,Film-Noir", "{Drama}"):
        assert await listed(database, lists.list_movies(genre=other)) == []


async def test_lists_movies_of_place_and_places_of_movie_until_last_session_ends(
    database: Database, place: Place
) -> None:
    running = await shown(database, place, -1, duration=120)
    to_come = await shown(database, place, 30)
    over = await shown(database, place, -3, duration=120)
    assert set(await listed(database, lists.list_movies_of_place(place.id))) == {running.id, to_come.id}
    for movie, expected in ((running, [place.id]), (to_come, [place.id]), (over, [])):
        assert await listed(database, lists.list_places_of_movie(movie.id)) == expected


async def test_lists_each_place_of_movie_once(database: Database, place: Place) -> None:
    movie = await shown(database, place, 10, 20, 30)
    assert await listed(database, lists.list_places_of_movie(movie.id)) == [place.id]
    assert await listed(database, lists.list_movies_of_place(place.id)) == [movie.id]
    assert await listed(database, lists.list_movies(place_id=place.id)) == [movie.id]


async def test_lists_sessions_between_bounds_both_included(database: Database, place: Place) -> None:
    movie = await make_movie(database)
    first, second, third = [
        (await make_session(database, movie=movie, place=place, starts_at=soon(hours))).id for hours in (10, 20, 30)
    ]
    await make_session(database, starts_at=soon(20))
    asked: list[tuple[dict[str, Any], list[int]]] = [
        ({}, [third, second, first]),
        ({"starts_from": soon(20)}, [third, second]),
        ({"starts_from": soon(20) + INSTANT}, [third]),
        ({"starts_to": soon(20)}, [second, first]),
        ({"starts_to": soon(20) - INSTANT}, [first]),
        ({"starts_from": soon(20), "starts_to": soon(20)}, [second]),
        ({"starts_from": soon(30), "starts_to": soon(10)}, []),
    ]
    for bounds, expected in asked:
        parents: list[dict[str, Any]] = [
            {"movie_id": movie.id},
            {"place_id": place.id},
            {"movie_id": movie.id, "place_id": place.id},
        ]
        for of in parents:
            assert await listed(database, lists.list_sessions(**of, **bounds)) == expected


async def test_filters_page_views_by_each_of_their_values(database: Database) -> None:
    user = await make_user(database)
    seen = [
        (await make_page_view(database, tracking_id=who, path=path, occurred_at=soon(hours), user_id=by)).id
        for who, path, hours, by in (("a", "/", 1, None), ("a", "/x", 2, user.id), ("b", "/x" * 1000, 3, user.id))
    ]
    asked: list[tuple[dict[str, Any], list[int]]] = [
        ({}, [2, 1, 0]),
        ({"tracking_id": "a"}, [1, 0]),
        ({"user_id": user.id}, [2, 1]),
        ({"path": "/x"}, [1]),
        ({"path": "/x" * 1000}, [2]),
        ({"occurred_from": soon(2), "occurred_to": soon(2)}, [1]),
        ({"tracking_id": "a", "user_id": user.id, "path": "/x", "occurred_from": soon(1)}, [1]),
        ({"tracking_id": "b", "path": "/"}, []),
    ]
    for given, expected in asked:
        assert await listed(database, lists.list_page_views(**given)) == [seen[place] for place in expected]


async def test_reads_existing_rows_by_ids(database: Database) -> None:
    movies = [await make_movie(database) for _ in range(2)]
    asked = [movies[1].id, 1, movies[0].id, movies[0].id]
    found = await database.primary.rows(Movie, paging.compile_sql(selects.select_by_ids(Movie)), ids=asked)
    assert sorted(movie.id for movie in found) == sorted(movie.id for movie in movies)


def test_does_not_read_internal_columns() -> None:
    names = {column.name for column in selects.list_columns(Movie)}
    assert names.isdisjoint({"title_trigrams", "rating_sum"})
    assert {"title", "rating", "rating_order"} <= names
