"""Many buyers of few tickets, and two changes of the same ones at once."""

import asyncio
from collections.abc import Awaitable
from typing import Final

import pytest

from db.commit_batching import CommitBatcher
from db.engine import Database, StatementRunner
from db.models import Event, EventReservation
from domain import event, event_reservation
from domain.event_reservation import Viewer, cancel_reservation, change_tickets, reserve_tickets
from errors import EventNotFound, ReservationCancelled, SeatsUnavailable
from tests.support.rivals import holding, started
from tests.support.ticketing import availability, make_event, make_event_reservation, unbalanced

ANYBODY: Final = Viewer(None, in_the_open=True)
HOLD_EVENT: Final = "SELECT FROM events WHERE id = %(id)s FOR NO KEY UPDATE"


@pytest.fixture(params=["one by one", "sharing commits"])
def way(request: pytest.FixtureRequest, database: Database) -> StatementRunner:
    """What changes travel by: a connection each, or together as the doors send them."""
    if request.param == "one by one":
        return database.primary
    return CommitBatcher(database.primary.pool, lock_all=event_reservation.lock_events)


def reserve(way: StatementRunner, of: Event, tickets: int = 1) -> Awaitable[EventReservation]:
    return reserve_tickets(way, user_id=None, event_id=of.id, tickets=tickets)


def change(way: StatementRunner, row: EventReservation, tickets: int) -> Awaitable[EventReservation]:
    return change_tickets(way, viewer=ANYBODY, reservation_id=row.id, tickets=tickets)


def give_up(way: StatementRunner, row: EventReservation) -> Awaitable[EventReservation]:
    return cancel_reservation(way, viewer=ANYBODY, reservation_id=row.id)


async def delete(database: Database, of: Event) -> None:
    async with database.transaction() as tx:
        await event.delete_event(tx, event_id=of.id)


async def outcomes(*changes: Awaitable[object]) -> list[str]:
    """Return the names of what comes of changes that are made at once."""
    found = await asyncio.gather(*changes, return_exceptions=True)
    return sorted(type(each).__name__ for each in found)


@pytest.mark.alone
async def test_200_buyers_get_100_tickets(database: Database, way: StatementRunner) -> None:
    of = await make_event(database, capacity=100)
    found = await outcomes(*(reserve(way, of) for _ in range(200)))
    assert (found.count("EventReservation"), found.count("SeatsUnavailable")) == (100, 100)
    assert await availability(database, of) == 0
    assert await unbalanced(database) == []


@pytest.mark.parametrize(("clock", "outcome"), [("clock_timestamp()", "EventOver"), ("now()", "EventReservation")])
async def test_refuses_buyer_that_waited_beyond_date_of_event(
    database: Database, way: StatementRunner, monkeypatch: pytest.MonkeyPatch, clock: str, outcome: str
) -> None:
    # Negative control: a clock that is asked before the lock, as the transaction's is, sells.
    monkeypatch.setattr(event_reservation, "RESERVE", event_reservation.RESERVE.replace("clock_timestamp()", clock))
    of = await make_event(database, capacity=10)
    async with holding(database, HOLD_EVENT, id=of.id) as rival:
        buying = await started(database, outcomes(reserve(way, of)))
        await rival.execute("UPDATE events SET date = clock_timestamp() WHERE id = %(id)s", {"id": of.id})
    assert await buying == [outcome]


async def test_buyers_of_several_tickets_get_all_or_none(database: Database, way: StatementRunner) -> None:
    of = await make_event(database, capacity=10)
    found = await outcomes(*(reserve(way, of, 3) for _ in range(20)))
    assert found.count("EventReservation") == 3
    assert await availability(database, of) == 1
    assert await unbalanced(database) == []


async def test_concurrent_cancels_free_tickets_once(database: Database, way: StatementRunner) -> None:
    of = await make_event(database, capacity=10)
    row = await make_event_reservation(database, event=of, tickets=4)
    await make_event_reservation(database, event=of, tickets=5)
    assert await outcomes(*(give_up(way, row) for _ in range(8))) == ["EventReservation"] * 8
    assert await availability(database, of) == 5


async def test_concurrent_changes_of_reservation_leave_the_last(database: Database, way: StatementRunner) -> None:
    of = await make_event(database, capacity=10)
    row = await make_event_reservation(database, event=of, tickets=2)
    await make_event_reservation(database, event=of, tickets=3)
    await asyncio.gather(*(change(way, row, tickets) for tickets in (1, 7, 2, 6, 3, 5, 4)))
    assert await unbalanced(database) == []


async def test_batches_of_two_events_never_deadlock(database: Database, way: StatementRunner) -> None:
    pair = [await make_event(database, capacity=1000) for _ in range(2)]
    rows = [await make_event_reservation(database, event=of) for of in pair]
    changes = [change(way, row, tickets) for tickets in range(2, 12) for row in (rows if tickets % 2 else rows[::-1])]
    sales = [reserve(way, of) for _ in range(10) for of in pair]
    assert await outcomes(*changes, *sales) == ["EventReservation"] * 40
    assert await unbalanced(database) == []


async def test_refuses_change_that_waited_for_cancel(database: Database) -> None:
    of = await make_event(database, capacity=10)
    row = await make_event_reservation(database, event=of, tickets=4)
    async with holding(database, HOLD_EVENT, id=of.id):
        gone = await started(database, _run(give_up(database.primary, row)))
        late = await started(database, _run(change(database.primary, row, 9)), waiting=2)
    assert (await gone).cancelled
    with pytest.raises(ReservationCancelled):
        await late
    assert await availability(database, of) == 10


async def test_cancel_that_waited_for_change_frees_all_tickets(database: Database) -> None:
    of = await make_event(database, capacity=10)
    row = await make_event_reservation(database, event=of, tickets=4)
    async with holding(database, HOLD_EVENT, id=of.id):
        more = await started(database, _run(change(database.primary, row, 9)))
        gone = await started(database, _run(give_up(database.primary, row)), waiting=2)
    assert (await more).tickets == 9
    assert ((await gone).tickets, (await gone).cancelled) == (9, True)
    assert await availability(database, of) == 10


async def test_buyer_that_waited_gets_tickets_freed_meanwhile(database: Database) -> None:
    of = await make_event(database, capacity=4)
    row = await make_event_reservation(database, event=of, tickets=4)
    async with holding(database, HOLD_EVENT, id=of.id):
        gone = await started(database, _run(give_up(database.primary, row)))
        late = await started(database, _run(reserve(database.primary, of, 3)), waiting=2)
    await gone
    assert (await late).tickets == 3
    assert await unbalanced(database) == []


async def test_refusal_counts_tickets_sold_meanwhile(database: Database) -> None:
    of = await make_event(database, capacity=4)
    async with holding(database, HOLD_EVENT, id=of.id):
        first = await started(database, _run(reserve(database.primary, of, 3)))
        late = await started(database, _run(reserve(database.primary, of, 2)), waiting=2)
    await first
    with pytest.raises(SeatsUnavailable) as refused:
        await late
    assert refused.value.words == {"seats_available": 1}


async def test_refuses_buyer_that_waited_for_delete_of_event(database: Database) -> None:
    of = await make_event(database)
    async with holding(database, HOLD_EVENT, id=of.id):
        going = await started(database, delete(database, of))
        late = await started(database, _run(reserve(database.primary, of)), waiting=2)
    await going
    with pytest.raises(EventNotFound):
        await late
    assert await database.primary.value("SELECT count(*) FROM event_reservations") == 0


async def test_delete_that_waited_for_buyer_cancels_reservation(database: Database) -> None:
    of = await make_event(database)
    async with holding(database, HOLD_EVENT, id=of.id):
        bought = await started(database, _run(reserve(database.primary, of, 3)))
        going = await started(database, delete(database, of), waiting=2)
    await going
    found = await event_reservation.find_reservation(database.primary, viewer=ANYBODY, reservation_id=(await bought).id)
    assert found.cancelled
    assert await availability(database, of) == 100
    assert await unbalanced(database) == []


async def test_concurrent_deletes_delete_event_once(database: Database) -> None:
    of = await make_event(database)
    await make_event_reservation(database, event=of, tickets=3)
    assert await outcomes(*(delete(database, of) for _ in range(4))) == ["EventNotFound"] * 3 + ["NoneType"]
    assert await availability(database, of) == 100


async def _run(change: Awaitable[EventReservation]) -> EventReservation:
    """Return what an awaitable brings, as a coroutine of its own."""
    return await change
