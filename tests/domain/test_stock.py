from db.engine import Database
from domain import stock
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
