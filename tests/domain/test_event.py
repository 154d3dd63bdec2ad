from datetime import UTC, datetime

import pytest

from db.engine import Database
from db.models import Event
from domain import event, event_reservation, stock
from errors import EventNotFound, InvalidInput, Refusals
from tests.support.factories import soon
from tests.support.ticketing import availability, make_event, make_event_reservation, unbalanced


async def create(
    database: Database,
    *,
    name: str = "Rocket to Mars",
    description: str = "",
    date: datetime | None = None,
    availability: int = 3,
) -> Event:
    async with database.transaction() as tx:
        return await event.create_event(
            tx, name=name, description=description, date=date or soon(), availability=availability
        )


async def update(database: Database, changed: Event, **given: str | datetime) -> Event:
    async with database.transaction() as tx:
        return await event.update_event(tx, event_id=changed.id, **given)  # type: ignore[arg-type]  # as given


async def delete(database: Database, gone: Event) -> None:
    async with database.transaction() as tx:
        await event.delete_event(tx, event_id=gone.id)


async def test_new_event_has_all_tickets_left(database: Database) -> None:
    made = await create(database, date=datetime(2047, 10, 21, 9, tzinfo=UTC), availability=200)
    assert (made.name, made.availability, made.capacity, made.taken) == ("Rocket to Mars", 200, 200, 0)
    assert made.date == datetime(2047, 10, 21, 9, tzinfo=UTC)
    assert await event.find_event(database.primary, event_id=made.id) == made


async def test_new_event_has_equal_created_and_updated_instants(database: Database) -> None:
    # Two looks at a clock of microseconds often agree.
    made = [await create(database) for _ in range(50)]
    assert [row.updated_at for row in made] == [row.created_at for row in made]


@pytest.mark.parametrize("number", [0, stock.MOST_SEATS])
async def test_accepts_event_with_0_to_largest_number_of_tickets(database: Database, number: int) -> None:
    assert (await create(database, availability=number)).availability == number


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "\0"}, "name"),
        ({"description": "x" * 5001}, "description"),
        ({"description": "\ud800"}, "description"),
        ({"availability": -1}, "availability"),
        ({"availability": stock.MOST_SEATS + 1}, "availability"),
    ],
)
async def test_refuses_invalid_values_of_event(database: Database, given: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await create(database, **given)  # type: ignore[arg-type]  # wrong on purpose
    assert refused.value.words["field"] == field
    assert await database.primary.value("SELECT count(*) FROM events") == 0


async def test_refuses_all_faults_of_event_at_once(database: Database) -> None:
    with pytest.raises(Refusals) as refused:
        await create(database, name="", availability=-1)
    assert len(refused.value.exceptions) == 2


async def test_update_changes_given_values_only(database: Database) -> None:
    before = await make_event(database)
    renamed = await update(database, before, name="Rocket to Mars!")
    assert renamed.model_dump() == before.model_dump() | {"name": "Rocket to Mars!", "updated_at": renamed.updated_at}
    moved = await update(database, before, date=soon(99), description="")
    assert (moved.name, moved.description, moved.date) == ("Rocket to Mars!", "", soon(99))
    assert before.updated_at < renamed.updated_at < moved.updated_at


async def test_update_without_values_changes_nothing(database: Database) -> None:
    before = await make_event(database)
    assert await update(database, before) == before


async def test_delete_hides_event_and_cancels_its_reservations(database: Database) -> None:
    gone, other = await make_event(database), await make_event(database)
    lost = await make_event_reservation(database, event=gone, tickets=3)
    before = await make_event_reservation(database, event=gone, cancelled=True)
    kept = await make_event_reservation(database, event=other, tickets=2)
    await delete(database, gone)

    for attempt in (delete(database, gone), update(database, gone, name="x"), update(database, gone)):
        with pytest.raises(EventNotFound):
            await attempt
    with pytest.raises(EventNotFound):
        await event_reservation.reserve_tickets(database.primary, user_id=None, event_id=gone.id, tickets=1)
    viewer = event_reservation.Viewer(None, in_the_open=True)
    found = {
        row.id: await event_reservation.find_reservation(database.primary, viewer=viewer, reservation_id=row.id)
        for row in (lost, before, kept)
    }
    assert (found[lost.id].cancelled, found[lost.id].tickets) == (True, 3)
    assert found[lost.id].updated_at > lost.updated_at
    assert found[before.id] == before
    assert found[kept.id] == kept
    assert await unbalanced(database) == []
    assert await availability(database, gone) == 100
    assert await database.primary.value("SELECT count(*) FROM events") == 2


async def test_refuses_delete_of_missing_event(database: Database) -> None:
    await make_event(database)
    async with database.transaction() as tx:
        with pytest.raises(EventNotFound):
            await event.delete_event(tx, event_id=1)
