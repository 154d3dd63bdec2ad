from datetime import UTC, datetime, timedelta, timezone

import pytest

from db.engine import Database
from db.models import Movie, Place, Session
from domain import session
from errors import InvalidDate, MovieNotFound, PlaceNotFound, Refusal, SessionNotFound, SessionOverlaps, StillInUse
from tests.support.factories import make_booking, make_expired_booking, make_movie, make_place, make_session, soon

TWO_HOURS = timedelta(hours=2)
INSTANT = timedelta(microseconds=1)


async def schedule(database: Database, movie: Movie, place: Place, starts_at: datetime) -> Session:
    async with database.transaction() as tx:
        return await session.schedule_session(tx, movie_id=movie.id, place_id=place.id, starts_at=starts_at)


async def reschedule(database: Database, moved: Session, starts_at: datetime) -> Session:
    async with database.transaction() as tx:
        return await session.reschedule_session(tx, session_id=moved.id, starts_at=starts_at)


async def delete(database: Database, session_id: int) -> None:
    async with database.transaction() as tx:
        await session.delete_session(tx, session_id=session_id)


async def count(database: Database, table: str) -> int:
    number: int = await database.primary.value(f"SELECT count(*) FROM {table}")  # noqa: S608
    return number


async def test_new_session_has_capacity_of_place_and_end_by_duration(database: Database) -> None:
    movie, place = await make_movie(database, duration=95), await make_place(database, capacity=37)
    made = await schedule(database, movie, place, soon())
    assert (made.movie_id, made.place_id, made.starts_at) == (movie.id, place.id, soon())
    assert made.ends_at - made.starts_at == timedelta(minutes=95)
    assert (made.capacity, made.taken) == (37, 0)


async def test_accepts_start_with_any_offset(database: Database) -> None:
    starts_at = soon().astimezone(timezone(timedelta(hours=-9, minutes=-30)))
    made = await schedule(database, await make_movie(database), await make_place(database), starts_at)
    assert made.starts_at == starts_at
    assert made.starts_at.tzinfo == UTC or made.starts_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "starts_at",
    [soon(-1), soon(0), datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), datetime(1970, 1, 1, tzinfo=UTC)],
)
async def test_refuses_start_in_the_past(database: Database, starts_at: datetime) -> None:
    movie, place = await make_movie(database), await make_place(database)
    with pytest.raises(InvalidDate) as refused:
        await schedule(database, movie, place, starts_at)
    assert refused.value.path == ("input", "startsAt")
    assert await count(database, "sessions") == 0


@pytest.mark.parametrize(
    "starts_at",
    [
        datetime(9999, 12, 31, 23, 59, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-14))),
        datetime(9999, 1, 1, tzinfo=UTC),
    ],
)
async def test_refuses_start_whose_end_has_no_date(database: Database, starts_at: datetime) -> None:
    movie, place = await make_movie(database), await make_place(database)
    with pytest.raises(InvalidDate):
        await schedule(database, movie, place, starts_at)
    moved = await schedule(database, movie, place, soon())
    with pytest.raises(InvalidDate):
        await reschedule(database, moved, starts_at)


async def test_refuses_session_of_missing_movie_or_place(database: Database) -> None:
    movie, place = await make_movie(database), await make_place(database)
    with pytest.raises(MovieNotFound):
        await schedule(database, Movie.model_construct(id=1), place, soon())
    with pytest.raises(PlaceNotFound):
        await schedule(database, movie, Place.model_construct(id=1), soon())


@pytest.mark.parametrize(
    ("after", "refused"),
    [
        (timedelta(0), True),
        (TWO_HOURS - INSTANT, True),
        (TWO_HOURS, False),
        (-TWO_HOURS + INSTANT, True),
        (-TWO_HOURS, False),
        (timedelta(hours=1), True),
        (timedelta(hours=-1), True),
    ],
)
async def test_sessions_of_place_may_touch_but_not_overlap(
    database: Database, after: timedelta, *, refused: bool
) -> None:
    movie, place = await make_movie(database, duration=120), await make_place(database)
    await schedule(database, movie, place, soon())
    if refused:
        with pytest.raises(SessionOverlaps) as overlap:
            await schedule(database, movie, place, soon() + after)
        assert overlap.value.path == ("input", "startsAt")
    else:
        await schedule(database, movie, place, soon() + after)
    assert await count(database, "sessions") == (1 if refused else 2)


async def test_refuses_short_session_inside_long_one(database: Database) -> None:
    place = await make_place(database)
    longest, shortest = await make_movie(database, duration=1440), await make_movie(database, duration=1)
    await schedule(database, longest, place, soon(48))
    for minutes in (0, 700, 1439):
        with pytest.raises(SessionOverlaps):
            await schedule(database, shortest, place, soon(48) + timedelta(minutes=minutes))
    await schedule(database, shortest, place, soon(72))


async def test_sessions_of_different_places_may_overlap(database: Database) -> None:
    movie = await make_movie(database)
    for _ in range(2):
        await schedule(database, movie, await make_place(database), soon())
    assert await count(database, "sessions") == 2


async def test_rescheduled_session_keeps_its_bookings(database: Database) -> None:
    moved = await make_session(database)
    await make_booking(database, session=moved, seats=3, status="confirmed")
    after = await reschedule(database, moved, soon(30))
    assert (after.id, after.starts_at, after.taken) == (moved.id, soon(30), 3)
    assert after.ends_at - after.starts_at == moved.ends_at - moved.starts_at
    assert await count(database, "bookings") == 1


async def test_session_can_move_into_its_own_time_only(database: Database) -> None:
    movie, place = await make_movie(database, duration=120), await make_place(database)
    moved = await schedule(database, movie, place, soon())
    await schedule(database, movie, place, soon() + timedelta(hours=3))
    assert (await reschedule(database, moved, soon() + timedelta(hours=1))).starts_at == soon() + timedelta(hours=1)
    for minutes in (61, 180, 299):
        with pytest.raises(SessionOverlaps):
            await reschedule(database, moved, soon() + timedelta(minutes=minutes))
    await reschedule(database, moved, soon() + timedelta(hours=5))


async def test_refuses_move_into_the_past_and_of_missing_session(database: Database) -> None:
    moved = await make_session(database)
    with pytest.raises(InvalidDate):
        await reschedule(database, moved, soon(-1))
    with pytest.raises(SessionNotFound):
        await reschedule(database, Session.model_construct(id=1), soon())
    assert await database.primary.value("SELECT starts_at FROM sessions") == moved.starts_at


async def test_delete_removes_closed_bookings(database: Database) -> None:
    gone = await make_session(database)
    await make_expired_booking(database, session=gone, seats=3)
    await make_booking(database, session=gone, status="cancelled")
    await make_booking(database, session=gone, status="expired")
    await delete(database, gone.id)
    assert [await count(database, table) for table in ("sessions", "bookings", "airings")] == [0, 0, 0]


@pytest.mark.parametrize("status", ["open", "confirmed"])
async def test_refuses_delete_of_booked_session(database: Database, status: str) -> None:
    kept = await make_session(database)
    await make_expired_booking(database, session=kept)
    await make_booking(database, session=kept, seats=1, status=status)
    with pytest.raises(StillInUse):
        await delete(database, kept.id)
    assert await count(database, "bookings") == 2


async def test_refuses_second_delete_of_session(database: Database) -> None:
    gone = await make_session(database)
    await delete(database, gone.id)
    with pytest.raises(SessionNotFound):
        await delete(database, gone.id)


@pytest.mark.parametrize("refusal", [SessionNotFound])
async def test_delete_keeps_other_sessions(database: Database, refusal: type[Refusal]) -> None:
    await make_session(database)
    with pytest.raises(refusal):
        await delete(database, 1)
    assert await count(database, "sessions") == 1
