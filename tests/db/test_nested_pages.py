"""Pages for many parents are the pages that each parent would have had alone."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from db import lists, paging
from db.engine import Database
from db.paging import Listing, Window
from tests.support.factories import make_booking, make_movie, make_place, make_rating, make_session, make_user, soon
from tests.support.statements import Statements

MANY: dict[str, tuple[str, Callable[[int], Listing[Any]]]] = {
    "places of movie": ("movie_id", lists.list_places_of_movie),
    "movies of place by rating": ("place_id", lambda parent: lists.list_movies_of_place(parent, "rating")),
    "movies of place, new": ("place_id", lambda parent: lists.list_movies_of_place(parent, "new")),
    "movies of place, leaving": ("place_id", lambda parent: lists.list_movies_of_place(parent, "leaving_soon")),
    "sessions of movie": ("movie_id", lambda parent: lists.list_sessions(movie_id=parent)),
    "sessions of place": ("place_id", lambda parent: lists.list_sessions(place_id=parent)),
    "sessions of movie in time": (
        "movie_id",
        lambda parent: lists.list_sessions(movie_id=parent, starts_from=soon(24), starts_to=soon(40)),
    ),
    "bookings of user": ("user_id", lists.list_bookings),
}


@pytest.fixture
async def parents(database: Database) -> dict[str, list[int]]:
    """A little of everything: rows shared by parents, ties, and a parent without any."""
    movies = [await make_movie(database) for _ in range(4)]
    places = [await make_place(database) for _ in range(4)]
    users = [await make_user(database) for _ in range(3)]
    starts = count()
    for number, (movie, place) in enumerate([(m, p) for m in movies[:3] for p in places[:3]] * 2):
        session = await make_session(
            database, movie=movie, place=place, starts_at=soon(20) + timedelta(hours=3) * next(starts)
        )
        await make_booking(database, user=users[number % 2], session=session)
    for movie, value in zip(movies, (3.0, 3.0, 4.0), strict=False):
        await make_rating(database, movie=movie, value=value)
    return {
        "movie_id": [movies[place].id for place in (2, 0, 3, 1)],
        "place_id": [places[place].id for place in (3, 1, 0, 2)],
        "user_id": [user.id for user in users],
    }


@pytest.mark.parametrize(
    "asked", [Window(1), Window(2), Window(100), Window(1, backwards=True), Window(4, backwards=True)]
)
@pytest.mark.parametrize("name", MANY)
async def test_nested_pages_equal_pages_of_each_parent(
    database: Database, parents: dict[str, list[int]], name: str, asked: Window
) -> None:
    parent, listing = MANY[name]
    listings = {identity: listing(identity) for identity in parents[parent]}
    together = await paging.read_pages(database.primary, database.cursors, listings, parent, asked)
    assert list(together) == parents[parent]
    for identity, nested in together.items():
        alone = await paging.read_page(database.primary, database.cursors, listings[identity], asked)
        assert nested == alone
        assert (nested.start_cursor, nested.end_cursor) == (alone.start_cursor, alone.end_cursor)
    assert any(page.rows for page in together.values())
    assert not all(page.rows for page in together.values())


async def test_nested_pages_are_read_by_one_statement(
    database: Database, parents: dict[str, list[int]], statements: Statements
) -> None:
    for number in (1, 4):
        statements.clear()
        listings = {identity: lists.list_places_of_movie(identity) for identity in parents["movie_id"][:number]}
        await paging.read_pages(database.primary, database.cursors, listings, "movie_id", Window(5))
        assert len(statements) == 1


async def test_cursor_of_nested_page_continues_its_own_list(database: Database, parents: dict[str, list[int]]) -> None:
    identity = parents["movie_id"][0]
    listings = {each: lists.list_sessions(movie_id=each) for each in parents["movie_id"]}
    first = (await paging.read_pages(database.primary, database.cursors, listings, "movie_id", Window(2)))[identity]
    rest = await paging.read_page(
        database.primary, database.cursors, listings[identity], paging.make_window(first=100, after=first.end_cursor)
    )
    whole = await paging.read_page(database.primary, database.cursors, listings[identity], Window(100))
    assert [*first.rows, *rest.rows] == list(whole.rows)
