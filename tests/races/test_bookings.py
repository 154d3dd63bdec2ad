"""Two changes of the same seats at once, each stopped at the point where it hurts most."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from db.commit_batching import CommitBatcher
from db.engine import Database
from db.models import Booking, BookingStatus, Session
from domain import booking, session, stock
from errors import (
    BookingCancelled,
    BookingExpired,
    BookingNotFound,
    NoSeatsReserved,
    Refusal,
    SeatsUnavailable,
    SessionNotFound,
    StillInUse,
)
from tests.support.factories import make_booking, make_expired_booking, make_session, make_user
from tests.support.rivals import holding, started
from tests.support.seats import cancel, confirm, free, give_back, open_by, record, reserve, seen, taken, unbalanced

HOLD_SESSION: Final = "SELECT FROM sessions WHERE id = %(id)s FOR NO KEY UPDATE"
HOLD_BOOKING: Final = "SELECT FROM bookings WHERE id = %(id)s FOR NO KEY UPDATE"
# As PostgreSQL itself locks the session of a booking that is being opened.
SHARE_SESSION: Final = "SELECT FROM sessions WHERE id = %(id)s FOR KEY SHARE"
CHANGE_SESSION: Final = "UPDATE sessions SET taken = taken WHERE id = %(id)s"


async def held_by_somebody(database: Database, of: Session, *, seats: int = 0) -> Booking:
    held = await open_by(database, await make_user(database), of)
    return await reserve(database, held, seats) if seats else held


async def about_to_lapse(database: Database, of: Session, *, seats: int) -> Booking:
    """Return a booking with a third of a second left."""
    closes_at = datetime.now(UTC) + timedelta(seconds=0.3)
    held = await make_booking(database, session=of, closes_at=closes_at)
    return await reserve(database, held, seats)


async def delete(database: Database, gone: Session) -> None:
    async with database.transaction() as tx:
        await session.delete_session(tx, session_id=gone.id)


async def test_concurrent_reserves_of_one_booking_run_one_after_other(database: Database) -> None:
    of = await make_session(database)
    held = await held_by_somebody(database, of, seats=3)
    async with holding(database, HOLD_SESSION, id=of.id):
        first = await started(database, reserve(database, held, 7))
        second = await started(database, reserve(database, held, 5), waiting=2)
    assert (await first).reserved_seats == 7
    assert (await second).reserved_seats == 5
    assert await taken(database, of) == 5
    assert await record(database, held) == [3, 7, 5]


@pytest.mark.parametrize("callers", [1, stock.CHANGE.many.fewest], ids=["alone", "together"])
@pytest.mark.parametrize("way", ["batches", "transactions"])
async def test_reserves_never_wait_for_each_other_while_booking_is_opened(
    database: Database, way: str, callers: int
) -> None:
    of = await make_session(database)
    batchers = [CommitBatcher(database.primary.pool, lock_all=stock.lock_sessions) for _ in range(2)]
    pairs = [[await held_by_somebody(database, of) for _ in range(callers)] for _ in batchers]

    async def reserve_all(place: int) -> list[Booking]:
        if way == "transactions":
            return [await reserve(database, held, 1) for held in pairs[place]]
        shared = batchers[place]
        return await asyncio.gather(
            *(booking.reserve(shared, user_id=held.user_id, booking_id=held.id, seats=1) for held in pairs[place])
        )

    async with holding(database, SHARE_SESSION, id=of.id):
        async with holding(database, CHANGE_SESSION, id=of.id):
            first = await started(database, reserve_all(0))
            second = await started(database, reserve_all(1), waiting=2)
        assert [held.reserved_seats for held in await first + await second] == [1] * 2 * callers
    assert await taken(database, of) == 2 * callers


async def test_one_of_two_bookings_gets_last_seats(database: Database) -> None:
    of = await make_session(database, capacity=4)
    pair = [await held_by_somebody(database, of) for _ in range(2)]
    async with holding(database, HOLD_SESSION, id=of.id):
        first = await started(database, reserve(database, pair[0], 3))
        second = await started(database, reserve(database, pair[1], 2), waiting=2)
    assert (await first).reserved_seats == 3
    with pytest.raises(SeatsUnavailable) as refused:
        await second
    assert refused.value.words == {"seats_available": 1}
    assert await unbalanced(database) == []


async def test_refuses_reserve_that_waited_for_cancel(database: Database) -> None:
    of = await make_session(database)
    held = await held_by_somebody(database, of, seats=3)
    async with holding(database, HOLD_SESSION, id=of.id):
        gone = await started(database, cancel(database, held))
        late = await started(database, reserve(database, held, 5), waiting=2)
    assert (await gone).status == "cancelled"
    with pytest.raises(BookingCancelled):
        await late
    assert await taken(database, of) == 0
    assert await record(database, held) == [3, 0]


async def test_cancel_that_waited_for_reserve_frees_all_seats(database: Database) -> None:
    of = await make_session(database)
    held = await held_by_somebody(database, of, seats=3)
    async with holding(database, HOLD_SESSION, id=of.id):
        more = await started(database, reserve(database, held, 5))
        gone = await started(database, cancel(database, held), waiting=2)
    assert (await more).reserved_seats == 5
    assert (await gone).status == "cancelled"
    assert await taken(database, of) == 0
    assert await record(database, held) == [3, 5, 0]


@pytest.mark.parametrize(
    ("change", "refusal"), [(lambda db, held: reserve(db, held, 0), NoSeatsReserved), (cancel, BookingCancelled)]
)
async def test_confirm_that_waited_for_change_reads_its_seats(
    database: Database, change: Callable[[Database, Booking], Coroutine[Any, Any, Booking]], refusal: type[Refusal]
) -> None:
    held = await held_by_somebody(database, await make_session(database), seats=3)
    async with holding(database, HOLD_BOOKING, id=held.id):
        task = await started(database, change(database, held))
        late = await started(database, confirm(database, held), waiting=2)
    await task
    with pytest.raises(refusal):
        await late
    assert await unbalanced(database) == []


async def test_one_of_two_concurrent_confirms_succeeds(database: Database) -> None:
    held = await held_by_somebody(database, await make_session(database), seats=3)
    outcomes = await asyncio.gather(*(confirm(database, held) for _ in range(4)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(Booking) == 1


async def test_job_keeps_booking_that_is_confirmed_in_time(database: Database) -> None:
    of = await make_session(database)
    held = await about_to_lapse(database, of, seats=3)
    async with database.transaction() as tx:
        await booking.confirm(tx, user_id=held.user_id, booking_id=held.id)
        await asyncio.sleep(0.35)
        job = await started(database, give_back(database))
    assert await job == 0
    assert (await seen(database, held)).status == "confirmed"
    assert await taken(database, of) == 3
    assert await record(database, held) == [3]


async def test_no_caller_gets_seats_of_booking_confirmed_in_time(database: Database) -> None:
    of = await make_session(database, capacity=3)
    held = await about_to_lapse(database, of, seats=3)
    rival = await held_by_somebody(database, of)
    async with database.transaction() as tx:
        await booking.confirm(tx, user_id=held.user_id, booking_id=held.id)
        await asyncio.sleep(0.35)
        late = await started(database, reserve(database, rival, 1))
    with pytest.raises(SeatsUnavailable) as refused:
        await late
    assert refused.value.words == {"seats_available": 0}
    assert (await seen(database, held)).reserved_seats == 3


async def test_refuses_confirm_that_waited_beyond_deadline(database: Database) -> None:
    held = await about_to_lapse(database, await make_session(database), seats=3)
    async with holding(database, HOLD_BOOKING, id=held.id):
        late = await started(database, confirm(database, held))
        await asyncio.sleep(0.35)
    with pytest.raises(BookingExpired):
        await late


async def test_refuses_confirm_that_waited_for_job(database: Database) -> None:
    held = await make_expired_booking(database, seats=3)
    async with database.transaction() as tx:
        assert await stock.give_back(tx, batch=10) == 1
        late = await started(database, confirm(database, held))
    with pytest.raises(BookingExpired):
        await late


async def test_reserve_gets_seats_that_job_is_freeing(database: Database) -> None:
    of = await make_session(database, capacity=3)
    lost = await make_expired_booking(database, session=of, seats=3)
    held = await held_by_somebody(database, of)
    async with database.transaction() as tx:
        assert await stock.give_back(tx, batch=10) == 1
        late = await started(database, reserve(database, held, 3))
    assert (await late).reserved_seats == 3
    assert await taken(database, of) == 3
    assert await record(database, lost) == [0]


async def test_job_skips_session_that_is_locked(database: Database) -> None:
    busy, idle = await make_session(database, capacity=3), await make_session(database)
    lost = await make_expired_booking(database, session=busy, seats=3)
    await make_expired_booking(database, session=idle, seats=1)
    held = await held_by_somebody(database, busy)
    async with database.transaction() as tx:
        await booking.reserve(tx, user_id=held.user_id, booking_id=held.id, seats=2)
        assert await give_back(database) == 1
    assert (await taken(database, busy), await taken(database, idle)) == (2, 0)
    assert await record(database, lost) == [0]


async def test_refusal_counts_free_seats_after_wait(database: Database) -> None:
    of = await make_session(database, capacity=5)
    await make_expired_booking(database, session=of, seats=3)
    held = await held_by_somebody(database, of)
    async with database.transaction() as tx:
        assert await stock.give_back(tx, batch=10) == 1
        late = await started(database, reserve(database, held, 6))
    with pytest.raises(SeatsUnavailable) as refused:
        await late
    assert refused.value.words == {"seats_available": 5}


async def test_jobs_of_several_servers_close_each_booking_once(database: Database) -> None:
    of = [await make_session(database) for _ in range(3)]
    lost = [await make_expired_booking(database, session=each, seats=2) for each in of for _ in range(5)]
    closed = await asyncio.gather(*(give_back(database, batch=4) for _ in range(6)))
    assert sum(closed) + await give_back(database) == len(lost)
    assert [await record(database, each) for each in lost] == [[0]] * len(lost)
    assert await unbalanced(database) == []


async def test_refuses_booking_that_waited_for_delete_of_session(database: Database) -> None:
    gone, user = await make_session(database), await make_user(database)
    async with database.transaction() as tx:
        await session.delete_session(tx, session_id=gone.id)
        late = await started(database, open_by(database, user, gone))
    with pytest.raises(SessionNotFound):
        await late


async def test_refuses_delete_of_session_that_waited_for_booking(database: Database) -> None:
    kept, user = await make_session(database), await make_user(database)
    async with database.transaction() as tx:
        await booking.open_booking(tx, user_id=user.id, session_id=kept.id, hold_seconds=60)
        late = await started(database, delete(database, kept))
    with pytest.raises(StillInUse):
        await late


async def test_refuses_delete_of_session_that_waited_for_confirm(database: Database) -> None:
    kept = await make_session(database)
    held = await about_to_lapse(database, kept, seats=3)
    async with database.transaction() as tx:
        await booking.confirm(tx, user_id=held.user_id, booking_id=held.id)
        await asyncio.sleep(0.35)
        late = await started(database, delete(database, kept))
    with pytest.raises(StillInUse):
        await late
    assert (await seen(database, held)).status == BookingStatus.CONFIRMED


async def test_refuses_reserve_that_waited_for_delete_of_session(database: Database) -> None:
    gone = await make_session(database)
    held = await make_expired_booking(database, session=gone, seats=2)
    async with database.transaction() as tx:
        await session.delete_session(tx, session_id=gone.id)
        late = await started(database, reserve(database, held, 1))
    with pytest.raises(BookingNotFound):
        await late


@pytest.mark.alone
async def test_many_callers_get_every_seat_and_not_one_more(database: Database) -> None:
    of = await make_session(database, capacity=37)
    users = [await make_user(database) for _ in range(5)]

    async def buy(number: int) -> int:
        held = await open_by(database, users[number % 5], of)
        seats = 1 + number % 3
        try:
            await reserve(database, held, seats)
        except SeatsUnavailable:
            return 0
        if number % 7 == 0:
            await cancel(database, held)
            return 0
        await confirm(database, held)
        return seats

    bought = await asyncio.gather(*(buy(number) for number in range(60)))
    assert sum(bought) == await taken(database, of) <= 37
    assert await free(database, of) == 37 - sum(bought)
    assert await unbalanced(database) == []
