import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from db.commit_batching import CommitBatcher
from db.engine import Database, StatementRunner
from db.models import Booking, Session
from domain import booking, stock
from errors import Refusal, SeatsUnavailable
from tests.support.factories import make_booking, make_expired_booking, make_session, make_user, soon
from tests.support.seats import give_back, lapse, open_by, record, reserve, seen, taken, unbalanced

STATUS = "SELECT status, count(*) FROM bookings GROUP BY status ORDER BY status"


async def test_give_back_frees_seats_of_expired_bookings_only(database: Database) -> None:
    session = await make_session(database)
    lost = await make_expired_booking(database, session=session, seats=3)
    await make_booking(database, session=session, seats=5)
    await make_expired_booking(database, session=session, seats=7, status="confirmed")
    await make_expired_booking(database, session=session, status="cancelled")
    assert await give_back(database) == 1
    assert await taken(database, session) == 12
    assert (await seen(database, lost)).status == "expired"
    assert await record(database, lost) == [0]
    assert await database.primary.tuples(STATUS) == [("cancelled", 1), ("confirmed", 1), ("expired", 1), ("open", 1)]
    assert await give_back(database) == 0


async def test_give_back_records_no_change_of_booking_without_seats(database: Database) -> None:
    lost = await make_expired_booking(database)
    assert await give_back(database) == 1
    assert await record(database, lost) == []


async def test_give_back_closes_bookings_of_many_sessions_in_batches(database: Database) -> None:
    sessions = [await make_session(database, starts_at=soon(hours)) for hours in (-3, 5, 24)]
    for session in sessions:
        for seats in (0, 1, 2):
            await make_expired_booking(database, session=session, seats=seats)
    assert [await give_back(database, batch=4) for _ in range(4)] == [4, 4, 1, 0]
    assert [await taken(database, session) for session in sessions] == [0, 0, 0]


async def test_give_back_closes_oldest_bookings_first(database: Database) -> None:
    session = await make_session(database)
    older = await make_expired_booking(database, session=session, seats=1)
    newer = await make_booking(database, session=session, seats=1)
    await lapse(database, newer)
    assert await give_back(database, batch=1) == 1
    assert await record(database, older) == [0]
    assert await record(database, newer) == []


async def test_give_back_does_nothing_without_expired_bookings(database: Database) -> None:
    assert await give_back(database) == 0


async def test_hold_returns_none_for_missing_booking(database: Database) -> None:
    user = await make_user(database)
    async with database.transaction() as tx:
        assert await stock.hold(tx, user_id=user.id, booking_id=1, seats=1) is None


async def test_counts_balance_after_random_operations(database: Database) -> None:
    session = await make_session(database, capacity=7)
    user = await make_user(database)
    held = [await open_by(database, user, session) for _ in range(3)]
    await reserve(database, held[0], 4)
    await reserve(database, held[1], 3)
    await lapse(database, held[0])
    await reserve(database, held[2], 2)
    await lapse(database, held[1])
    await give_back(database)
    assert await taken(database, session) == 2
    assert await unbalanced(database) == []


@dataclass
class Hall:
    """A session and its bookings; two of them are made alike."""

    session: Session
    bookings: list[Booking]


async def make_hall(database: Database, holds: Sequence[tuple[int, bool]], *, capacity: int) -> Hall:
    """Return a session of that many seats, and bookings that hold some of them, a few of which are over."""
    session = await make_session(database, capacity=capacity)
    made = Hall(session, [])
    for seats, is_over in holds:
        held = await make_booking(database, session=session)
        if seats:
            await reserve(database, held, seats)
        if is_over:
            await lapse(database, held)
        made.bookings.append(held)
    return made


async def change_each(
    tx: StatementRunner, hall: Hall, changes: Sequence[tuple[str, int, int]]
) -> list[tuple[str, int | None, str]]:
    """Return what came of changes, which arrive in this order."""

    async def change(kind: str, number: int, seats: int) -> tuple[str, int | None, str]:
        held = hall.bookings[number]
        of: dict[str, int] = {"user_id": held.user_id, "booking_id": held.id}
        try:
            match kind:
                case "reserve":
                    made = await booking.reserve(tx, **of, seats=seats)
                case "confirm":
                    made = await booking.confirm(tx, **of, seats=seats or None)
                case _:
                    made = await booking.cancel(tx, **of)
        except Refusal as refusal:
            return kind, None, str(refusal)
        return kind, made.reserved_seats, made.status

    return list(await asyncio.gather(*(change(*each) for each in changes)))


@pytest.mark.parametrize("seed", range(8))
async def test_changes_made_together_have_the_outcomes_of_changes_made_one_by_one(
    database: Database, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same each time
    capacity = chance.randint(3, 9)
    wishes = [chance.choices([0, 1, 2], [5, 2, 1])[0] for _ in range(9)]
    held = [seats if sum(wishes[: place + 1]) <= capacity else 0 for place, seats in enumerate(wishes)]
    holds = [(seats, chance.random() < 0.4) for seats in held]
    kinds = ["reserve"] * 6 + ["confirm", "cancel"]
    changes = [(chance.choice(kinds), chance.randrange(9), chance.randint(0, 4)) for _ in range(25)]
    alone, together = [await make_hall(database, holds, capacity=capacity) for _ in range(2)]

    one_by_one = [(await change_each(database.primary, alone, [each]))[0] for each in changes]
    shared = CommitBatcher(database.primary.pool, lock_all=stock.lock_sessions)
    at_once = await change_each(shared, together, changes)

    assert at_once == one_by_one
    assert await taken(database, together.session) == await taken(database, alone.session)
    for first, second in zip(alone.bookings, together.bookings, strict=True):
        assert await record(database, second) == await record(database, first)
        assert (await seen(database, second)).status == (await seen(database, first)).status
    assert await unbalanced(database) == []


async def test_many_callers_get_seats_in_their_order(database: Database) -> None:
    hall = await make_hall(database, [(0, False)] * 5, capacity=5)
    shared = CommitBatcher(database.primary.pool, lock_all=stock.lock_sessions)
    changes = [("reserve", number, seats) for number, seats in enumerate((3, 4, 2, 1, 0))]
    outcomes = await change_each(shared, hall, changes)
    assert [seats for _, seats, _ in outcomes] == [3, None, 2, None, 0]
    assert [str(SeatsUnavailable(seats_available=left)) for left in (2, 0)] == [outcomes[1][2], outcomes[3][2]]
