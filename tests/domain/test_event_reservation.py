from collections.abc import Awaitable

import pytest

from db.engine import Database
from db.models import EventReservation
from domain import stock
from domain.event_reservation import Viewer, cancel_reservation, change_tickets, find_reservation, reserve_tickets
from errors import (
    EventNotFound,
    EventOver,
    InvalidInput,
    ReservationCancelled,
    ReservationNotFound,
    SeatsUnavailable,
    Unauthenticated,
)
from tests.support.factories import make_user, soon
from tests.support.statements import Statements
from tests.support.ticketing import availability, make_event, make_event_reservation, unbalanced

ANYBODY = Viewer(None, in_the_open=True)


def change(database: Database, row: EventReservation, tickets: int) -> Awaitable[EventReservation]:
    return change_tickets(database.primary, viewer=ANYBODY, reservation_id=row.id, tickets=tickets)


async def test_reservation_takes_tickets_of_event(database: Database) -> None:
    event, user = await make_event(database, capacity=5), await make_user(database)
    made = await reserve_tickets(database.primary, user_id=user.id, event_id=event.id, tickets=3)
    assert (made.event_id, made.user_id, made.tickets, made.cancelled) == (event.id, user.id, 3, False)
    assert await availability(database, event) == 2
    assert await unbalanced(database) == []


async def test_new_reservation_has_equal_created_and_updated_instants(database: Database) -> None:
    event = await make_event(database, capacity=50)
    # Two looks at a clock of microseconds often agree.
    made = [await reserve_tickets(database.primary, user_id=None, event_id=event.id, tickets=1) for _ in range(50)]
    assert [row.updated_at for row in made] == [row.created_at for row in made]


async def test_refuses_reservation_when_too_few_tickets_are_left(database: Database) -> None:
    event = await make_event(database, capacity=5, taken=3)
    with pytest.raises(SeatsUnavailable) as refused:
        await reserve_tickets(database.primary, user_id=None, event_id=event.id, tickets=3)
    assert refused.value.words == {"seats_available": 2}
    assert await database.primary.value("SELECT count(*) FROM event_reservations") == 0
    assert (await reserve_tickets(database.primary, user_id=None, event_id=event.id, tickets=2)).tickets == 2
    with pytest.raises(SeatsUnavailable):
        await reserve_tickets(database.primary, user_id=None, event_id=event.id, tickets=1)


@pytest.mark.parametrize("tickets", [0, -1, stock.MOST_SEATS + 1])
async def test_refuses_invalid_number_of_tickets(database: Database, tickets: int) -> None:
    row = await make_event_reservation(database)
    with pytest.raises(InvalidInput):
        await reserve_tickets(database.primary, user_id=None, event_id=row.event_id, tickets=tickets)
    with pytest.raises(InvalidInput):
        await change(database, row, tickets)


async def test_largest_number_of_tickets_is_unavailable_and_not_invalid(database: Database) -> None:
    event = await make_event(database, capacity=stock.MOST_SEATS, taken=1)
    with pytest.raises(SeatsUnavailable):
        await reserve_tickets(database.primary, user_id=None, event_id=event.id, tickets=stock.MOST_SEATS)


async def test_refuses_reservation_of_missing_event(database: Database) -> None:
    with pytest.raises(EventNotFound):
        await reserve_tickets(database.primary, user_id=None, event_id=1, tickets=1)


@pytest.mark.parametrize("tickets", [1, 6])
async def test_refuses_reservation_of_event_that_is_over(database: Database, tickets: int) -> None:
    event = await make_event(database, capacity=5, date=soon(-1 / 3600))
    with pytest.raises(EventOver):
        await reserve_tickets(database.primary, user_id=None, event_id=event.id, tickets=tickets)
    assert await availability(database, event) == 5


async def test_reservation_of_event_that_is_over_can_only_shrink(database: Database) -> None:
    event = await make_event(database, capacity=9, date=soon(-1 / 3600))
    row = await make_event_reservation(database, event=event, tickets=3)
    for tickets in (4, 10):
        with pytest.raises(EventOver):
            await change(database, row, tickets)
    assert (await change(database, row, 3)).tickets == 3
    assert (await change(database, row, 1)).tickets == 1
    assert await availability(database, event) == 8
    assert (await cancel_reservation(database.primary, viewer=ANYBODY, reservation_id=row.id)).cancelled
    with pytest.raises(ReservationCancelled):
        await change(database, row, 4)
    assert await unbalanced(database) == []


async def test_refuses_reservation_of_deleted_account(database: Database) -> None:
    event = await make_event(database)
    with pytest.raises(Unauthenticated):
        await reserve_tickets(database.primary, user_id=1, event_id=event.id, tickets=1)
    assert await availability(database, event) == 100


@pytest.mark.parametrize("tickets", [1, 2, 5])
async def test_change_sets_total_number_of_tickets(database: Database, tickets: int) -> None:
    event = await make_event(database, capacity=5)
    row = await make_event_reservation(database, event=event, tickets=2)
    changed = await change(database, row, tickets)
    assert changed.model_dump() == row.model_dump() | {"tickets": tickets, "updated_at": changed.updated_at}
    assert changed.updated_at > row.updated_at
    assert await availability(database, event) == 5 - tickets


async def test_refuses_change_when_too_few_tickets_are_left(database: Database) -> None:
    event = await make_event(database, capacity=5)
    row = await make_event_reservation(database, event=event, tickets=2)
    await make_event_reservation(database, event=event, tickets=2)
    with pytest.raises(SeatsUnavailable) as refused:
        await change(database, row, 4)
    assert refused.value.words == {"seats_available": 1}
    assert await find_reservation(database.primary, viewer=ANYBODY, reservation_id=row.id) == row
    assert await unbalanced(database) == []


async def test_cancel_frees_tickets_once(database: Database) -> None:
    event = await make_event(database, capacity=5)
    row = await make_event_reservation(database, event=event, tickets=3)
    gone = await cancel_reservation(database.primary, viewer=ANYBODY, reservation_id=row.id)
    assert (gone.cancelled, gone.tickets) == (True, 3)
    assert gone.updated_at > row.updated_at
    assert await cancel_reservation(database.primary, viewer=ANYBODY, reservation_id=row.id) == gone
    assert await availability(database, event) == 5
    with pytest.raises(ReservationCancelled):
        await change(database, row, 1)
    assert await availability(database, event) == 5


async def test_reservation_of_user_is_visible_to_user_and_staff_only(database: Database) -> None:
    owner, other, staff = await make_user(database), await make_user(database), await make_user(database, is_staff=True)
    row = await make_event_reservation(database, user=owner)
    for viewer in (ANYBODY, Viewer(None), Viewer(other.id), Viewer(other.id, in_the_open=True)):
        for attempt in (
            find_reservation(database.primary, viewer=viewer, reservation_id=row.id),
            change_tickets(database.primary, viewer=viewer, reservation_id=row.id, tickets=2),
            cancel_reservation(database.primary, viewer=viewer, reservation_id=row.id),
        ):
            with pytest.raises(ReservationNotFound):
                await attempt
    for viewer in (Viewer(owner.id), Viewer(staff.id)):
        assert (await find_reservation(database.primary, viewer=viewer, reservation_id=row.id)).id == row.id
        assert (await cancel_reservation(database.primary, viewer=viewer, reservation_id=row.id)).cancelled


async def test_reservation_without_user_is_visible_in_the_open_and_to_staff(database: Database) -> None:
    user, staff = await make_user(database), await make_user(database, is_staff=True)
    row = await make_event_reservation(database)
    for viewer in (ANYBODY, Viewer(user.id, in_the_open=True), Viewer(staff.id)):
        assert await find_reservation(database.primary, viewer=viewer, reservation_id=row.id) == row
    for viewer in (Viewer(None), Viewer(user.id)):
        with pytest.raises(ReservationNotFound):
            await find_reservation(database.primary, viewer=viewer, reservation_id=row.id)


async def test_every_change_of_tickets_is_one_statement(database: Database, statements: Statements) -> None:
    row = await make_event_reservation(database)
    statements.clear()
    await reserve_tickets(database.primary, user_id=None, event_id=row.event_id, tickets=2)
    await change(database, row, 3)
    await cancel_reservation(database.primary, viewer=ANYBODY, reservation_id=row.id)
    assert len(statements) == 3
