from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from db import lists, paging
from db.engine import Database
from db.models import Movie, Place
from db.paging import Listing, Page, Window
from errors import InvalidCursor, InvalidLimit
from tests.support.factories import make_booking, make_movie, make_place, make_rating, make_session, make_user, soon
from tests.support.walks import walk


async def named(database: Database, number: int) -> list[Place]:
    """Return so many places, in the order of their names."""
    return [await make_place(database, name=f"Place {place:03}") for place in range(number)]


async def page(database: Database, listing: Listing[Any], **asked: Any) -> Page[Any]:
    return await paging.read_page(database.primary, database.cursors, listing, paging.make_window(**asked))


def ids(rows: Iterable[Any]) -> list[int]:
    return [row.id for row in rows]


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 8, 100])
async def test_pages_have_each_row_once_in_order(database: Database, size: int, *, backwards: bool) -> None:
    places = await named(database, 7)
    assert ids(await walk(database, lists.list_places(), size=size, backwards=backwards)) == ids(places)


async def test_page_has_100_rows_at_most(database: Database) -> None:
    places = await named(database, 101)
    first = await page(database, lists.list_places(), first=100)
    assert ids(first.rows) == ids(places[:100])
    assert first.has_next
    last = await page(database, lists.list_places(), last=100)
    assert ids(last.rows) == ids(places[1:])
    assert last.has_previous


async def test_page_has_20_rows_by_default(database: Database) -> None:
    places = await named(database, 21)
    assert ids((await page(database, lists.list_places())).rows) == ids(places[:20])
    after = database.cursors.encode(lists.list_places().fingerprint, ["place 000", places[0].id])
    assert ids((await page(database, lists.list_places(), after=after)).rows) == ids(places[1:])


@pytest.mark.parametrize(
    ("asked", "rows", "has_next", "has_previous"),
    [
        ({"first": 2}, [0, 1], True, False),
        ({"first": 5}, [0, 1, 2, 3, 4], False, False),
        ({"first": 6}, [0, 1, 2, 3, 4], False, False),
        ({"first": 2, "after": 0}, [1, 2], True, True),
        ({"first": 2, "after": 2}, [3, 4], False, True),
        ({"first": 2, "after": 4}, [], False, True),
        ({"first": 1, "after": 0, "before": 3}, [1], True, True),
        ({"first": 9, "after": 0, "before": 3}, [1, 2], False, True),
        ({"first": 9, "before": 3}, [0, 1, 2], False, False),
        ({"last": 2}, [3, 4], False, True),
        ({"last": 5}, [0, 1, 2, 3, 4], False, False),
        ({"last": 2, "before": 4}, [2, 3], True, True),
        ({"last": 2, "before": 2}, [0, 1], True, False),
        ({"last": 2, "before": 0}, [], True, False),
        ({"last": 1, "after": 0, "before": 3}, [2], True, True),
        ({"last": 9, "after": 3}, [4], False, False),
    ],
)
async def test_page_tells_whether_rows_are_before_and_after_it(
    database: Database, asked: dict[str, int], rows: list[int], *, has_next: bool, has_previous: bool
) -> None:
    places = await named(database, 5)
    whole = await page(database, lists.list_places(), first=100)
    cursors = {side: whole.cursor(places[asked[side]]) for side in ("after", "before") if side in asked}
    found = await page(database, lists.list_places(), **asked | cursors)
    assert ids(found.rows) == [places[place].id for place in rows]
    assert (found.has_next, found.has_previous) == (has_next, has_previous)
    ends = [found.cursor(found.rows[place]) if found.rows else None for place in (0, -1)]
    assert [found.start_cursor, found.end_cursor] == ends


async def test_empty_list_has_no_cursors(database: Database) -> None:
    for asked in ({"first": 1}, {"last": 1}):
        found = await page(database, lists.list_places(), **asked)
        assert (found.rows, found.has_next, found.has_previous) == ([], False, False)
        assert (found.start_cursor, found.end_cursor) == (None, None)


@pytest.mark.parametrize(
    "asked", [{"first": 0}, {"first": 101}, {"first": -1}, {"last": 0}, {"last": 101}, {"last": 10**20}]
)
def test_refuses_page_size_out_of_range(asked: dict[str, int]) -> None:
    with pytest.raises(InvalidLimit) as refused:
        paging.make_window(**asked)  # type: ignore[arg-type]  # mypy sees every name in each mapping
    assert refused.value.path == tuple(asked)


def test_refuses_first_together_with_last() -> None:
    with pytest.raises(InvalidLimit) as refused:
        paging.make_window(first=1, last=1)
    assert refused.value.path == ("last",)
    assert paging.make_window(first=1) == Window(size=1)


@pytest.mark.parametrize("side", ["after", "before"])
async def test_refuses_a_cursor_of_another_list_sort_or_filter(database: Database, side: str) -> None:
    place = await make_place(database)
    movie = await make_movie(database)
    await make_session(database, movie=movie, place=place)
    others: list[Listing[Any]] = [
        lists.list_places(),
        lists.list_movies("new"),
        lists.list_movies("rating", genre="Drama"),
        lists.list_movies("rating", search_for="movie"),
        lists.list_movies_of_place(place.id),
        lists.list_sessions(movie_id=movie.id),
        lists.list_sessions(movie_id=movie.id, starts_from=soon(-1)),
    ]
    cursors = [(await page(database, listing)).end_cursor for listing in others]
    for listing, cursor in zip(others, cursors, strict=True):
        assert cursor is not None
        for other in (lists.list_movies("rating"), *others):
            if other is listing:
                await page(database, other, **{side: cursor})
            else:
                with pytest.raises(InvalidCursor) as refused:
                    await page(database, other, **{side: cursor})
                assert refused.value.path == (side,)


async def test_cursor_works_after_its_row_is_deleted(database: Database) -> None:
    places = await named(database, 4)
    first = await page(database, lists.list_places(), first=2)
    await database.primary.value("DELETE FROM places WHERE id = %(id)s RETURNING 1", id=places[1].id)
    assert ids((await page(database, lists.list_places(), first=2, after=first.end_cursor)).rows) == ids(places[2:])


@pytest.mark.parametrize("backwards", [False, True])
async def test_rows_with_equal_sort_value_are_ordered_by_id(database: Database, *, backwards: bool) -> None:
    movies = [await make_movie(database, rating_sum=sum_, rating_count=3) for sum_ in (7, 7, 14, 7, 7)]
    for size in (1, 2, 3):
        walked = await walk(database, lists.list_movies("rating"), size=size, backwards=backwards)
        assert ids(walked) == [movies[place].id for place in (2, 4, 3, 1, 0)]


@pytest.mark.parametrize("backwards", [False, True])
async def test_rows_without_sort_value_come_last(database: Database, *, backwards: bool) -> None:
    bare = [await make_movie(database) for _ in range(2)]
    early, late, long = [await make_movie(database) for _ in range(3)]
    for movie, value in ((early, 0.0), (late, 5.0), (long, 2.5)):
        await make_rating(database, movie=movie, value=value)
    for movie, hours in ((early, 24), (late, 48), (long, 12), (long, 72)):
        await make_session(database, movie=movie, starts_at=soon(hours))
    orders: dict[lists.MovieSort, list[Movie]] = {
        "rating": [late, long, early, *reversed(bare)],
        "new": [late, early, long, *reversed(bare)],
        "leaving_soon": [early, late, long, *bare],
    }
    for sort, expected in orders.items():
        walked = await walk(database, lists.list_movies(sort), size=1, backwards=backwards)
        assert ids(walked) == ids(expected), sort


async def test_cursors_keep_precision_of_keys(database: Database) -> None:
    movie, place = await make_movie(database), await make_place(database)
    sessions = [
        await make_session(database, movie=movie, place=place, starts_at=soon() + timedelta(microseconds=number))
        for number in range(5)
    ]
    walked = await walk(database, lists.list_sessions(movie_id=movie.id), size=1)
    assert ids(walked) == ids(reversed(sessions))
    thirds = [await make_movie(database, rating_sum=sum_, rating_count=3) for sum_ in (1, 2, 4, 5, 7)]
    assert ids(await walk(database, lists.list_movies(), size=1))[:5] == ids(reversed(thirds))


async def test_names_sort_without_regard_to_case_accents_and_locale(database: Database) -> None:
    names = ["l'Étoile", "L’Étoile du Nord", "zénith", "Œuvre", "Ôde", "Pathé", "Émile", "pathe 2", "100 %"]
    for name in names:
        await make_place(database, name=name)
    walked = await walk(database, lists.list_places(), size=2)
    assert [place.name for place in walked] == [
        "100 %",
        "Émile",
        "l'Étoile",
        "L’Étoile du Nord",
        "Ôde",
        "Œuvre",
        "Pathé",
        "pathe 2",
        "zénith",
    ]


async def test_counts_rows_of_whole_list(database: Database) -> None:
    user, place = await make_user(database), await make_place(database)
    movies = [await make_movie(database, genres=[genre]) for genre in ("Drama", "War", "Drama")]
    for movie in movies:
        for hours in (24, 48):
            session = await make_session(database, movie=movie, place=place, starts_at=soon(hours))
    await make_booking(database, user=user, session=session)
    counted: list[tuple[Listing[Any], int]] = [
        (lists.list_movies("rating"), 3),
        (lists.list_movies("new", genre="Drama"), 2),
        (lists.list_movies(airing_from=soon(30), place_id=place.id), 3),
        (lists.list_movies(search_for="movie"), 3),
        (lists.list_movies_of_place(place.id), 3),
        (lists.list_places_of_movie(movies[0].id), 1),
        (lists.list_sessions(place_id=place.id), 6),
        (lists.list_sessions(place_id=place.id, movie_id=movies[0].id, starts_to=soon(24)), 1),
        (lists.list_bookings(user.id), 1),
        (lists.list_bookings(1), 0),
        (lists.list_page_views(), 0),
    ]
    for listing, expected in counted:
        assert await paging.count_rows(database.primary, listing) == expected, listing
