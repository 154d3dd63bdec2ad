import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import pytest

from db import lists, paging
from db.engine import Database
from db.models import Booking, BookingStatus
from domain import booking, stock
from errors import (
    BookingCancelled,
    BookingConfirmed,
    BookingExpired,
    BookingNotFound,
    InvalidSeats,
    NoSeatsReserved,
    Refusal,
    SeatsUnavailable,
    SessionNotFound,
    SessionStarted,
    Unauthenticated,
)
from tests.support.factories import make_booking, make_expired_booking, make_session, make_user, soon
from tests.support.seats import cancel, confirm, free, lapse, open_by, record, reserve, seen, taken, unbalanced

Change = Callable[[Database, Booking], Awaitable[Booking]]


async def reserve_two(database: Database, held: Booking) -> Booking:
    return await reserve(database, held, 2)


async def free_all(database: Database, held: Booking) -> Booking:
    return await reserve(database, held, 0)


CHANGES: Final[list[Change]] = [reserve_two, free_all, confirm, cancel]


async def ended_as(database: Database, status: BookingStatus) -> Booking:
    """Return a booking that held two seats and can no longer be touched."""
    held = await open_by(database, await make_user(database), await make_session(database))
    held = await reserve(database, held, 2)
    if status is BookingStatus.CONFIRMED:
        return await confirm(database, held)
    if status is BookingStatus.CANCELLED:
        return await cancel(database, held)
    await lapse(database, held)
    return held


async def test_opens_booking_without_seats_for_a_minute_by_database_clock(database: Database) -> None:
    user, session = await make_user(database), await make_session(database)
    before = await database.primary.value("SELECT clock_timestamp()")
    held = await open_by(database, user, session)
    after = await database.primary.value("SELECT clock_timestamp()")
    assert (held.status, held.reserved_seats, held.user_id, held.session_id) == ("open", 0, user.id, session.id)
    assert before < held.created_at < after
    assert held.closes_at - held.created_at == timedelta(seconds=60)
    assert held.confirmed_at is None
    assert held.cancelled_at is None
    assert await record(database, held) == []


async def test_user_can_open_several_bookings_of_one_session(database: Database) -> None:
    user, session = await make_user(database), await make_session(database, capacity=5)
    first, second = await open_by(database, user, session), await open_by(database, user, session)
    await reserve(database, first, 3)
    await reserve(database, second, 2)
    assert first.id != second.id
    assert await taken(database, session) == 5


async def test_refuses_booking_of_missing_session(database: Database) -> None:
    user, session = await make_user(database), await make_session(database)
    await database.primary.value("DELETE FROM sessions RETURNING 1")
    with pytest.raises(SessionNotFound):
        await open_by(database, user, session)


@pytest.mark.parametrize("hours", [0, -1, -1000])
async def test_refuses_booking_once_session_has_started(database: Database, hours: float) -> None:
    session = await make_session(database, starts_at=soon(hours))
    with pytest.raises(SessionStarted):
        await open_by(database, await make_user(database), session)
    assert await database.primary.value("SELECT count(*) FROM bookings") == 0


async def test_opens_booking_until_start_of_session(database: Database) -> None:
    starts_at = await database.primary.value("SELECT clock_timestamp() + interval '30 s'")
    session, user = await make_session(database, starts_at=starts_at), await make_user(database)
    assert (await open_by(database, user, session)).created_at < starts_at
    await database.primary.tuples(
        "UPDATE sessions SET starts_at = clock_timestamp() WHERE id = %(id)s RETURNING 1", id=session.id
    )
    with pytest.raises(SessionStarted):
        await open_by(database, user, session)


async def test_refuses_booking_of_deleted_account(database: Database) -> None:
    user, session = await make_user(database), await make_session(database)
    await database.primary.value("DELETE FROM users RETURNING 1")
    with pytest.raises(Unauthenticated, match="no longer there"):
        await open_by(database, user, session)


async def test_reserve_sets_total_number_of_seats(database: Database) -> None:
    session = await make_session(database, capacity=10)
    held = await open_by(database, await make_user(database), session)
    for seats in (3, 7, 7, 2):
        assert (await reserve(database, held, seats)).reserved_seats == seats
        assert await taken(database, session) == seats
        assert await free(database, session) == 10 - seats
    assert await record(database, held) == [3, 7, 2]


async def test_reserving_zero_seats_frees_all_and_leaves_booking_open(database: Database) -> None:
    session = await make_session(database)
    held = await open_by(database, await make_user(database), session)
    await reserve(database, held, 4)
    assert (await reserve(database, held, 0)).status == "open"
    assert await taken(database, session) == 0
    assert (await reserve(database, held, 1)).reserved_seats == 1
    assert await record(database, held) == [4, 0, 1]


async def test_reserve_does_not_extend_booking(database: Database) -> None:
    held = await open_by(database, await make_user(database), await make_session(database))
    for seats in (1, 5, 0, 2):
        assert (await reserve(database, held, seats)).closes_at == held.closes_at
    assert (await confirm(database, held)).closes_at == held.closes_at
    assert (await seen(database, held)).closes_at == held.closes_at


async def test_reserves_all_seats_and_refuses_one_more(database: Database) -> None:
    session = await make_session(database, capacity=5)
    first, second = [await open_by(database, await make_user(database), session) for _ in range(2)]
    await reserve(database, first, 3)
    with pytest.raises(SeatsUnavailable) as refused:
        await reserve(database, second, 3)
    assert refused.value.words == {"seats_available": 2}
    assert refused.value.path == ("input", "seats")
    await reserve(database, second, 2)
    assert await taken(database, session) == 5
    with pytest.raises(SeatsUnavailable) as refused:
        await reserve(database, second, 3)
    assert refused.value.words == {"seats_available": 0}
    assert await unbalanced(database) == []


async def test_refused_reserve_changes_nothing(database: Database) -> None:
    session = await make_session(database, capacity=5)
    held = await open_by(database, await make_user(database), session)
    await reserve(database, held, 2)
    with pytest.raises(SeatsUnavailable) as refused:
        await reserve(database, held, 6)
    assert refused.value.words == {"seats_available": 3}
    assert (await seen(database, held)).reserved_seats == 2
    assert await taken(database, session) == 2
    assert await record(database, held) == [2]
    assert (await reserve(database, held, 5)).reserved_seats == 5


@pytest.mark.parametrize("seats", [-1, -(2**63), stock.MOST_SEATS + 1, 10**30])
async def test_refuses_negative_and_too_large_numbers_of_seats(database: Database, seats: int) -> None:
    held = await open_by(database, await make_user(database), await make_session(database))
    with pytest.raises(InvalidSeats) as refused:
        await reserve(database, held, seats)
    assert refused.value.path == ("input", "seats")


async def test_largest_number_of_seats_is_unavailable_and_not_invalid(database: Database) -> None:
    held = await open_by(database, await make_user(database), await make_session(database, capacity=100_000))
    with pytest.raises(SeatsUnavailable):
        await reserve(database, held, stock.MOST_SEATS)


async def test_confirmed_booking_keeps_its_seats(database: Database) -> None:
    session = await make_session(database)
    held = await reserve(database, await open_by(database, await make_user(database), session), 3)
    done = await confirm(database, held)
    assert (done.status, done.reserved_seats, done.cancelled_at) == ("confirmed", 3, None)
    assert done.confirmed_at is not None
    assert held.created_at < done.confirmed_at < held.closes_at
    await lapse(database, held)
    assert (await seen(database, held)).status == "confirmed"
    assert await free(database, session) == 97


@pytest.mark.parametrize("before", [(), (2, 0)])
async def test_refuses_confirm_without_seats(database: Database, before: tuple[int, ...]) -> None:
    held = await open_by(database, await make_user(database), await make_session(database))
    for seats in before:
        await reserve(database, held, seats)
    with pytest.raises(NoSeatsReserved):
        await confirm(database, held)
    assert (await seen(database, held)).status == "open"
    await reserve(database, held, 1)
    await confirm(database, held)


async def test_cancel_frees_seats_and_keeps_their_record(database: Database) -> None:
    session = await make_session(database)
    held = await reserve(database, await open_by(database, await make_user(database), session), 3)
    done = await cancel(database, held)
    assert (done.status, done.reserved_seats, done.confirmed_at) == ("cancelled", 0, None)
    assert done.cancelled_at is not None
    assert await taken(database, session) == 0
    assert await record(database, held) == [3, 0]


async def test_cancels_booking_without_seats(database: Database) -> None:
    held = await open_by(database, await make_user(database), await make_session(database))
    assert (await cancel(database, held)).status == "cancelled"
    assert await record(database, held) == []


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        (BookingStatus.CONFIRMED, BookingConfirmed),
        (BookingStatus.CANCELLED, BookingCancelled),
        (BookingStatus.EXPIRED, BookingExpired),
    ],
)
async def test_closed_booking_refuses_every_change(
    database: Database, status: BookingStatus, refusal: type[Refusal], change: Change
) -> None:
    held = await ended_as(database, status)
    before = await seen(database, held), await record(database, held)
    with pytest.raises(refusal):
        await change(database, held)
    assert (await seen(database, held), await record(database, held)) == before
    assert await unbalanced(database) == []


@pytest.mark.parametrize("change", CHANGES)
async def test_booking_of_other_user_is_not_found(database: Database, change: Change) -> None:
    held = await reserve(database, await open_by(database, await make_user(database), await make_session(database)), 2)
    stranger = await make_user(database)
    with pytest.raises(BookingNotFound):
        await change(database, held.model_copy(update={"user_id": stranger.id}))
    assert (await seen(database, held)).status == "open"


@pytest.mark.parametrize("change", CHANGES)
async def test_missing_booking_is_not_found(database: Database, change: Change) -> None:
    user = await make_user(database)
    with pytest.raises(BookingNotFound):
        await change(database, Booking(id=1, user_id=user.id, session_id=1, status=BookingStatus.OPEN))


async def test_booking_is_expired_without_seats_before_any_job_runs(database: Database) -> None:
    held = await make_expired_booking(database, seats=3)
    shown = await seen(database, held)
    assert (shown.status, shown.reserved_seats) == ("expired", 0)
    (listed,) = (
        await paging.read_page(
            database.primary, database.cursors, lists.list_bookings(held.user_id), paging.make_window()
        )
    ).rows
    assert (listed.status, listed.reserved_seats) == ("expired", 0)


async def test_seats_of_expired_booking_are_free_at_once(database: Database) -> None:
    session = await make_session(database, capacity=4)
    lost = [await make_expired_booking(database, session=session, seats=seats) for seats in (1, 3)]
    assert await free(database, session) == 4
    held = await open_by(database, await make_user(database), session)
    assert (await reserve(database, held, 4)).reserved_seats == 4
    assert await taken(database, session) == 4
    assert [await record(database, booking_) for booking_ in lost] == [[0], [0]]
    assert [(await seen(database, booking_)).status for booking_ in lost] == ["expired", "expired"]


async def test_refusal_counts_seats_of_expired_bookings_as_free(database: Database) -> None:
    session = await make_session(database, capacity=6)
    await make_expired_booking(database, session=session, seats=3)
    await make_booking(database, session=session, seats=2)
    held = await open_by(database, await make_user(database), session)
    with pytest.raises(SeatsUnavailable) as refused:
        await reserve(database, held, 5)
    assert refused.value.words == {"seats_available": 4}


async def test_expired_booking_cannot_reserve_its_seats_again(database: Database) -> None:
    session = await make_session(database, capacity=3)
    held = await make_expired_booking(database, session=session, seats=3)
    for change in CHANGES:
        with pytest.raises(BookingExpired):
            await change(database, held)
    assert await taken(database, session) == 3
    assert await free(database, session) == 3
    assert await record(database, held) == []


async def test_reserve_leaves_expired_bookings_to_job_while_seats_are_left(database: Database) -> None:
    session = await make_session(database, capacity=10)
    lost = await make_expired_booking(database, session=session, seats=3)
    await reserve(database, await open_by(database, await make_user(database), session), 7)
    assert await taken(database, session) == 10
    assert await record(database, lost) == []


async def test_recorded_changes_of_seats_stay_unchanged(database: Database) -> None:
    held = await open_by(database, await make_user(database), await make_session(database))
    statement = "SELECT id, seats, created_at FROM seat_reservations ORDER BY id"
    before: list[tuple[object, ...]] = []
    for seats in (1, 4, 2, 0, 3):
        await reserve(database, held, seats)
        now = await database.primary.tuples(statement)
        assert now[:-1] == before
        before = now
    await confirm(database, held)
    assert await database.primary.tuples(statement) == before


async def test_booking_of_a_second_expires_after_a_second(database: Database) -> None:
    session = await make_session(database)
    held = await open_by(database, await make_user(database), session, hold_seconds=1)
    await reserve(database, held, 2)
    await asyncio.sleep(1.01)
    with pytest.raises(BookingExpired):
        await confirm(database, held)
    assert await free(database, session) == 100


def test_every_closed_status_has_refusal() -> None:
    assert set(booking.CLOSED) == set(BookingStatus) - {BookingStatus.OPEN}
