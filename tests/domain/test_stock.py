from db.engine import Database
from domain import stock
from tests.support.factories import make_booking, make_expired_booking, make_session, make_user, soon
from tests.support.seats import give_back, lapse, open_by, record, reserve, seen, taken, unbalanced

STATUS = "SELECT status, count(*) FROM bookings GROUP BY status ORDER BY status"


async def test_gives_back_what_has_expired_and_nothing_else(database: Database) -> None:
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


async def test_records_nothing_where_nothing_was_held(database: Database) -> None:
    lost = await make_expired_booking(database)
    assert await give_back(database) == 1
    assert await record(database, lost) == []


async def test_gives_back_over_many_sessions_a_batch_at_a_time(database: Database) -> None:
    sessions = [await make_session(database, starts_at=soon(hours)) for hours in (-3, 5, 24)]
    for session in sessions:
        for seats in (0, 1, 2):
            await make_expired_booking(database, session=session, seats=seats)
    assert [await give_back(database, batch=4) for _ in range(4)] == [4, 4, 1, 0]
    assert [await taken(database, session) for session in sessions] == [0, 0, 0]


async def test_the_oldest_go_first(database: Database) -> None:
    session = await make_session(database)
    older = await make_expired_booking(database, session=session, seats=1)
    newer = await make_booking(database, session=session, seats=1)
    await lapse(database, newer)
    assert await give_back(database, batch=1) == 1
    assert await record(database, older) == [0]
    assert await record(database, newer) == []


async def test_nothing_is_due_is_nothing_done(database: Database) -> None:
    assert await give_back(database) == 0


async def test_an_attempt_on_a_booking_that_is_not_there_is_none(database: Database) -> None:
    user = await make_user(database)
    async with database.transaction() as tx:
        assert await stock.hold(tx, user_id=user.id, booking_id=1, seats=1) is None


async def test_the_books_balance_after_a_day_of_everything(database: Database) -> None:
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
