"""Rows come and go while a client walks: nothing twice, and nothing left out that was there all along."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from db import lists, paging
from db.engine import Database
from db.models import Movie, Place, User
from db.paging import Listing
from tests.support.factories import make_booking, make_movie, make_place, make_session, make_user, soon
from tests.support.walks import pages, walk

# Makes the list under test, and a row in it whose place in the order is somewhere between 0 and 1.
Scene = tuple[Listing[Any], Callable[[float], Awaitable[Any]], str]


async def places(database: Database) -> Scene:
    def make(where: float) -> Awaitable[Place]:
        return make_place(database, name=f"Place {where:.6f}")

    return lists.list_places(), make, "places"


async def movies(database: Database) -> Scene:
    def make(where: float) -> Awaitable[Movie]:
        # Few values, so that most rows tie.
        return make_movie(database, rating_sum=round(where * 5), rating_count=1)

    return lists.list_movies("rating"), make, "movies"


async def sessions(database: Database) -> Scene:
    movie, place = await make_movie(database), await make_place(database)

    def make(where: float) -> Awaitable[Any]:
        starts_at = soon() + timedelta(microseconds=round(where * 20))
        return make_session(database, movie=movie, place=place, starts_at=starts_at)

    return lists.list_sessions(movie_id=movie.id), make, "sessions"


async def bookings(database: Database) -> Scene:
    user: User = await make_user(database)
    session = await make_session(database)

    def make(_: float) -> Awaitable[Any]:
        return make_booking(database, user=user, session=session)

    return lists.list_bookings(user.id), make, "bookings"


SCENES = [places, movies, sessions, bookings]


async def delete(database: Database, table: str, identity: int) -> None:
    await database.primary.value(f"DELETE FROM {table} WHERE id = %(id)s RETURNING 1", id=identity)  # noqa: S608


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("scene", SCENES)
async def test_pages_skip_and_repeat_no_row_during_writes(
    database: Database, scene: Callable[[Database], Awaitable[Scene]], *, backwards: bool
) -> None:
    listing, make, table = await scene(database)
    dice = random.Random(7)  # noqa: S311 - the same each time
    there = [await make(dice.random()) for _ in range(40)]
    passing = [await make(dice.random()) for _ in range(20)]

    async def write() -> None:
        # Not for ever: of those who walk towards new rows, one who is slower never comes to the end.
        for _ in range(40):
            passing.append(await make(dice.random()))
            await delete(database, table, passing.pop(dice.randrange(len(passing))).id)

    writers = [asyncio.create_task(write()) for _ in range(2)]
    walked: list[int] = []
    async for page in pages(database, listing, size=3, backwards=backwards):
        walked += [row.id for row in (reversed(page.rows) if backwards else page.rows)]
        await asyncio.sleep(0.005)
    await asyncio.gather(*writers)
    assert len(walked) == len(set(walked))
    stayed = {row.id for row in there}
    order = [row.id for row in await walk(database, listing, size=100) if row.id in stayed]
    assert [identity for identity in walked if identity in stayed] == (order[::-1] if backwards else order)


@pytest.mark.parametrize("scene", [places, movies, sessions])
async def test_row_committed_between_two_pages_is_on_the_second(
    database: Database, scene: Callable[[Database], Awaitable[Scene]]
) -> None:
    listing, make, table = await scene(database)
    there = [await make(where) for where in (0.1, 0.3, 0.5, 0.7, 0.9)]
    first = await paging.read_page(database.primary, database.cursors, listing, paging.make_window(first=2))
    async with await psycopg.AsyncConnection.connect(str(database.primary.pool.conninfo)) as rival:
        # Gone for others only once it is committed; the cursor stands on the very row.
        await rival.execute(f"DELETE FROM {table} WHERE id = %s", (first.rows[-1].id,))  # noqa: S608
        seen = await paging.read_page(database.primary, database.cursors, listing, paging.make_window(first=2))
        assert list(seen.rows) == list(first.rows)
        await rival.commit()
    for where in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        await make(where)
    rest = await paging.read_page(
        database.primary, database.cursors, listing, paging.make_window(first=100, after=first.end_cursor)
    )
    met = [row.id for row in (*first.rows, *rest.rows)]
    assert len(met) == len(set(met))
    assert {row.id for row in there} <= set(met)
