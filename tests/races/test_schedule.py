"""Staff change the same things at once: the schedule stays free of overlaps, and nobody waits for each other for ever."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import pytest

from db.engine import Database
from db.models import Movie, Place, Session
from domain import movie, place, rating, session
from errors import MovieNotFound, PlaceNotFound, SessionNotFound, SessionOverlaps, Unavailable
from tests.support.factories import make_movie, make_place, make_rating, make_session, make_user, soon
from tests.support.rivals import holding, started

OVERLAPPING: Final = """
    SELECT count(*) FROM sessions AS one JOIN sessions AS other
        ON other.place_id = one.place_id AND other.id > one.id
        AND other.starts_at < one.ends_at AND one.starts_at < other.ends_at
"""
HOLD_MOVIE: Final = "SELECT FROM movies WHERE id = %(id)s FOR NO KEY UPDATE"
HOLD_PLACE: Final = "SELECT FROM places WHERE id = %(id)s FOR NO KEY UPDATE"


async def schedule(database: Database, shown: Movie, where: Place, starts_at: datetime) -> Session:
    async with database.transaction() as tx:
        return await session.schedule_session(tx, movie_id=shown.id, place_id=where.id, starts_at=starts_at)


async def reschedule(database: Database, moved: Session, starts_at: datetime) -> Session:
    async with database.transaction() as tx:
        return await session.reschedule_session(tx, session_id=moved.id, starts_at=starts_at)


async def lengthen(database: Database, shown: Movie, minutes: int) -> Movie:
    async with database.transaction() as tx:
        return await movie.update_movie(tx, movie_id=shown.id, duration=minutes)


async def delete_movie(database: Database, shown: Movie) -> None:
    async with database.transaction() as tx:
        await movie.delete_movie(tx, movie_id=shown.id)


async def delete_place(database: Database, where: Place) -> None:
    async with database.transaction() as tx:
        await place.delete_place(tx, place_id=where.id)


async def delete_session(database: Database, gone: Session) -> None:
    async with database.transaction() as tx:
        await session.delete_session(tx, session_id=gone.id)


async def overlaps(database: Database) -> int:
    number: int = await database.primary.value(OVERLAPPING)
    return number


async def test_one_of_two_overlapping_sessions_is_scheduled(database: Database) -> None:
    movies, where = [await make_movie(database) for _ in range(2)], await make_place(database)
    async with holding(database, HOLD_PLACE, id=where.id):
        first = await started(database, schedule(database, movies[0], where, soon()))
        second = await started(database, schedule(database, movies[1], where, soon(25)), waiting=2)
    outcomes = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Session, SessionOverlaps]
    assert await overlaps(database) == 0


async def test_concurrent_sessions_never_overlap(database: Database) -> None:
    shown, where = await make_movie(database, duration=120), await make_place(database)
    starts = [soon(24 + quarter / 4) for quarter in range(24)]
    outcomes = await asyncio.gather(
        *(schedule(database, shown, where, starts_at) for starts_at in starts), return_exceptions=True
    )
    assert {type(outcome) for outcome in outcomes} == {Session, SessionOverlaps}
    assert await overlaps(database) == 0


async def test_one_of_two_sessions_moves_into_same_time(database: Database) -> None:
    shown, where = await make_movie(database), await make_place(database)
    pair = [await make_session(database, movie=shown, place=where, starts_at=soon(hours)) for hours in (24, 48)]
    outcomes = await asyncio.gather(*(reschedule(database, each, soon(72)) for each in pair), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {Session, SessionOverlaps}
    assert await overlaps(database) == 0


@pytest.mark.parametrize("longer_first", [True, False])
async def test_session_scheduled_during_longer_duration_does_not_overlap(
    database: Database, *, longer_first: bool
) -> None:
    first, second = await make_movie(database, duration=60), await make_movie(database, duration=60)
    where = await make_place(database)
    await make_session(database, movie=first, place=where, starts_at=soon())
    changes = [lengthen(database, first, 120), schedule(database, second, where, soon() + timedelta(minutes=60))]
    if not longer_first:
        changes.reverse()
    async with holding(database, HOLD_PLACE, id=where.id):
        tasks = [await started(database, change, waiting=place + 1) for place, change in enumerate(changes)]
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(SessionOverlaps) == 1
    assert await overlaps(database) == 0


async def test_longer_duration_during_first_session_in_new_place_does_not_overlap(database: Database) -> None:
    first, second = await make_movie(database, duration=60), await make_movie(database, duration=60)
    where = await make_place(database)
    async with database.transaction() as tx:
        await session.schedule_session(tx, movie_id=first.id, place_id=where.id, starts_at=soon())
        # It knows of no place yet, and waits for the movie.
        longer = await started(database, lengthen(database, first, 120))
    async with database.transaction() as tx:
        with suppress(SessionOverlaps):
            await session.schedule_session(
                tx, movie_id=second.id, place_id=where.id, starts_at=soon() + timedelta(minutes=60)
            )
        outcome = (await asyncio.gather(longer, return_exceptions=True))[0]
    assert isinstance(outcome, Movie | SessionOverlaps | Unavailable)
    assert await overlaps(database) == 0


async def test_session_deleted_during_longer_duration_does_not_deadlock(database: Database) -> None:
    shown = await make_movie(database, duration=60)
    gone = await make_session(database, movie=shown)
    async with holding(database, HOLD_MOVIE, id=shown.id):
        longer = await started(database, lengthen(database, shown, 90))
        going = await started(database, delete_session(database, gone), waiting=2)
    assert (await longer).duration == 90
    await going
    assert await database.primary.value("SELECT count(*) FROM sessions") == 0


async def test_movie_deleted_during_longer_duration_does_not_deadlock(database: Database) -> None:
    shown = await make_movie(database, duration=60)
    await make_session(database, movie=shown)
    async with holding(database, HOLD_MOVIE, id=shown.id):
        longer = await started(database, lengthen(database, shown, 90))
        going = await started(database, delete_movie(database, shown), waiting=2)
    assert (await longer).duration == 90
    await going
    assert await database.primary.value("SELECT count(*) FROM movies") == 0


async def test_place_deleted_during_longer_duration_does_not_deadlock(database: Database) -> None:
    shown, where = await make_movie(database, duration=60), await make_place(database)
    await make_session(database, movie=shown, place=where)
    async with holding(database, HOLD_MOVIE, id=shown.id):
        longer = await started(database, lengthen(database, shown, 90))
        going = await started(database, delete_place(database, where), waiting=2)
    assert (await longer).duration == 90
    await going
    assert await database.primary.value("SELECT count(*) FROM places") == 0


async def test_refuses_rating_that_waited_for_delete_of_movie(database: Database) -> None:
    user, shown = await make_user(database), await make_movie(database)
    await make_rating(database, user=user, movie=shown)

    async def rate() -> None:
        async with database.transaction() as tx:
            await rating.rate(tx, user_id=user.id, movie_id=shown.id, value=1)

    async with holding(database, HOLD_MOVIE, id=shown.id):
        going = await started(database, delete_movie(database, shown))
        rating_ = await started(database, rate(), waiting=2)
    await going
    with pytest.raises(MovieNotFound):
        await rating_


async def test_delete_of_movie_that_waited_for_new_session_deletes_it(database: Database) -> None:
    shown, where = await make_movie(database), await make_place(database)
    async with database.transaction() as tx:
        await session.schedule_session(tx, movie_id=shown.id, place_id=where.id, starts_at=soon())
        going = await started(database, delete_movie(database, shown))
    await going
    assert await database.primary.value("SELECT count(*) FROM sessions") == 0
    with pytest.raises(MovieNotFound):
        await schedule(database, shown, where, soon())


async def test_refuses_session_that_waited_for_delete_of_place(database: Database) -> None:
    shown, where = await make_movie(database), await make_place(database)
    async with holding(database, HOLD_PLACE, id=where.id):
        going = await started(database, delete_place(database, where))
        coming = await started(database, schedule(database, shown, where, soon()), waiting=2)
    await going
    with pytest.raises(PlaceNotFound):
        await coming


async def test_refuses_move_that_waited_for_delete_of_session(database: Database) -> None:
    moved = await make_session(database)
    async with holding(database, HOLD_PLACE, id=moved.place_id):
        going = await started(database, delete_session(database, moved))
        moving = await started(database, reschedule(database, moved, soon(30)), waiting=2)
    await going
    with pytest.raises(SessionNotFound):
        await moving
