"""Ticketed events: staff create, change and delete them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from db import paging, selects
from db.engine import StatementRunner, Transaction
from db.models import Event
from domain import instants, stock
from domain.text import find_number_faults, find_text_faults
from errors import EventNotFound, InvalidDate, Refusal, refuse

LONGEST_NAME: Final = 200
LONGEST_DESCRIPTION: Final = 5000

COLUMNS: Final = ", ".join(column.name for column in selects.list_columns(Event))
BY_ID: Final = paging.compile_sql(selects.select_by_ids(Event))
CREATE: Final = f"""
    INSERT INTO events (name, description, date, capacity, created_at, updated_at)
    VALUES (%(name)s, %(description)s, %(date)s, %(availability)s, statement_timestamp(), statement_timestamp())
    RETURNING {COLUMNS}
"""
UPDATE: Final = f"""
    UPDATE events SET
        name = coalesce(%(name)s, name),
        description = coalesce(%(description)s, description),
        date = coalesce(%(date)s, date),
        updated_at = clock_timestamp()
    WHERE id = %(id)s AND deleted_at IS NULL
    RETURNING {COLUMNS}
"""
HIDE: Final = """
    UPDATE events SET deleted_at = clock_timestamp(), updated_at = clock_timestamp()
    WHERE id = %(id)s AND deleted_at IS NULL
    RETURNING id
"""
CANCEL_ALL: Final = f"""
    WITH selling AS MATERIALIZED (
        {stock.write_lock("events", "id = %(id)s")}
    ), cancelled AS (
        UPDATE event_reservations SET cancelled = true, updated_at = clock_timestamp()
        FROM selling WHERE event_id = selling.id AND NOT cancelled
        RETURNING tickets
    ), freed AS MATERIALIZED (
        SELECT coalesce(sum(tickets), 0) AS tickets FROM cancelled
    )
    {stock.write_count("events", more="- freed.tickets", beside="freed")}
"""


async def find_event(runner: StatementRunner, *, event_id: int) -> Event:
    """Return the event; raise EventNotFound where there is none or it was deleted."""
    found = await runner.row(Event, BY_ID, ids=[event_id])
    if found is None:
        raise EventNotFound
    return found


async def create_event(tx: Transaction, *, name: str, description: str, date: datetime, availability: int) -> Event:
    """Return the new event with `availability` tickets to sell; raise all InvalidInputs at once."""
    check_event(name=name, description=description, date=date, availability=availability)
    (made,) = await tx.rows(Event, CREATE, name=name, description=description, date=date, availability=availability)
    return made


async def update_event(
    tx: Transaction,
    *,
    event_id: int,
    name: str | None = None,
    description: str | None = None,
    date: datetime | None = None,
) -> Event:
    """Return the event with the given values; raise all InvalidInputs at once, and EventNotFound."""
    check_event(name=name, description=description, date=date)
    if (name, description, date) == (None, None, None):
        return await find_event(tx, event_id=event_id)
    found = await tx.row(Event, UPDATE, id=event_id, name=name, description=description, date=date)
    if found is None:
        raise EventNotFound
    return found


async def delete_event(tx: Transaction, *, event_id: int) -> None:
    """Hide the event and cancel its live reservations; raise EventNotFound. No row is destroyed."""
    if await tx.value(HIDE, id=event_id) is None:
        raise EventNotFound
    # A second statement: it sees reservations that were made while this transaction waited for the lock.
    await tx.execute(CANCEL_ALL, id=event_id)


def check_event(
    *, name: str | None, description: str | None, date: datetime | None, availability: int | None = None
) -> None:
    """Raise all faults of an event's values; a description may be empty, a name may not."""
    faults: list[Refusal] = [
        *find_text_faults("name", name, longest=LONGEST_NAME),
        *find_text_faults("description", description or None, longest=LONGEST_DESCRIPTION),
        *find_date_faults(date),
        *find_number_faults("availability", availability, smallest=0, largest=stock.MOST_SEATS),
    ]
    refuse(faults)


def find_date_faults(date: datetime | None) -> Iterator[InvalidDate]:
    """Yield the fault of an event's date; it may be in the past."""
    if date is not None and not instants.can_be_stored(date):
        yield InvalidDate(path=("input", "date"), field="date", problem=instants.STORABLE)
