"""Tickets sold at the counter: sold, moved to another show, deleted. They hold personal data."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from db import paging, selects
from db.engine import StatementRunner
from db.models import SHOW_CAPACITY, SHOW_LIFE, Ticket
from db.shared_change import LockedChange
from domain import instants, stock
from domain.text import find_number_faults, find_text_faults
from errors import InvalidDate, Refusal, SeatsUnavailable, TicketNotFound, refuse

LONGEST_NAME: Final = 200
LONGEST_PHONE_NUMBER: Final = 50

BY_ID: Final = paging.compile_sql(selects.select_by_ids(Ticket))


def write_locks(*, ids: str = "'{}'", timings: str = "'{}'") -> str:
    """Return the SQL that takes the locks of changes of these tickets, and of changes at the times of these shows.

    It runs before a change in its transaction, so that the change sees what whoever had the locks before has done. A ticket's
    show can change, and shows are locked before tickets: who has the lock of a ticket knows which show to lock. A show that
    is not there yet has no row to lock, and is added by its first sale alone, for a refused one must leave none behind: who
    adds it has the lock of its time. These locks are numbers, taken in their order, those of times below zero.
    """
    return f"""
        WITH wanted AS MATERIALIZED (
            SELECT unnest({ids}::bigint[]) AS number
            UNION
            SELECT - (extract(epoch FROM timing) * 1000000)::bigint FROM unnest({timings}::timestamptz[]) AS timing
            WHERE NOT EXISTS (SELECT FROM shows WHERE show_timing = timing)
            ORDER BY number
        )
        SELECT pg_advisory_xact_lock(number) FROM wanted
    """


ONE_ID: Final = "ARRAY[%(id)s]"
ONE_TIMING: Final = "ARRAY[%(show_timing)s]"
SOLD: Final = "%(number)s::bigint"
BOOK: Final = LockedChange(
    f"""
    WITH selling AS MATERIALIZED (
        {stock.write_lock("shows", "show_timing = %(show_timing)s::timestamptz", sold_until="show_timing")}
    ), closing AS MATERIALIZED (
        -- Read once the show is locked, which counting it makes sure of, and also where there is none yet.
        SELECT %(show_timing)s::timestamptz <= clock_timestamp() AS is_over FROM (SELECT count(*) FROM selling) AS locked
    ), opened AS (
        {stock.write_opening(number=SOLD, beside="closing", when="NOT is_over")}
    ), counted AS (
        {stock.write_count("shows", more=SOLD, beside="closing", when="NOT is_over")}
    ), sold AS (
        INSERT INTO tickets (show_id, ticket_count, user_name, phone_number)
        SELECT id, {SOLD}, %(user_name)s::text, %(phone_number)s::text
        FROM (SELECT id FROM counted UNION ALL SELECT id FROM opened) AS chosen
        RETURNING *
    )
    SELECT coalesce(capacity - taken, {SHOW_CAPACITY}) AS available, is_over, sold.id IS NOT NULL AS is_changed, sold.*
    FROM closing LEFT JOIN selling ON true LEFT JOIN sold ON true
    """,
    lock=write_locks(timings=ONE_TIMING),
)
LIVE: Final = f"EXISTS (SELECT FROM shows WHERE id = show_id AND show_timing > clock_timestamp() - {SHOW_LIFE})"
MOVED: Final = "CASE WHEN selling.id = room.id THEN held.ticket_count ELSE - held.ticket_count END"
COUNT_MOVE: Final = stock.write_count("shows", more=MOVED, beside="held, room")
BOTH: Final = "SELECT show_id FROM known UNION SELECT id FROM shows WHERE show_timing = %(show_timing)s::timestamptz"
OPEN_FOR_MOVE: Final = stock.write_opening(
    number="held.ticket_count", beside="held, clock", when="%(show_timing)s::timestamptz > moment"
)
# The clock is asked once both shows are locked: either may have begun, or be gone, during the wait for the other's lock.
MOVE: Final = LockedChange(
    f"""
    WITH known AS MATERIALIZED (
        SELECT * FROM tickets WHERE id = %(id)s AND {LIVE}
    ), selling AS MATERIALIZED (
        {stock.write_lock("shows", f"id = ANY (ARRAY({BOTH})) ORDER BY id", sold_until="show_timing")}
    ), clock AS MATERIALIZED (
        SELECT clock_timestamp() AS moment FROM (SELECT count(*) FROM selling) AS locked
    ), held AS MATERIALIZED (
        SELECT known.* FROM clock CROSS JOIN known JOIN selling ON selling.id = known.show_id
        WHERE show_timing > moment - {SHOW_LIFE}
    ), target AS MATERIALIZED (
        SELECT selling.* FROM clock CROSS JOIN selling
        WHERE show_timing = %(show_timing)s::timestamptz AND show_timing > moment
    ), opened AS (
        {OPEN_FOR_MOVE}
    ), room AS MATERIALIZED (
        SELECT target.id FROM target, held
        WHERE target.id <> held.show_id AND target.taken + held.ticket_count <= target.capacity
        UNION ALL SELECT id FROM opened
    ), counted AS (
        {COUNT_MOVE}
    ), moved AS (
        UPDATE tickets SET show_id = room.id FROM held, room WHERE tickets.id = held.id
    )
    SELECT
        coalesce(target.capacity - target.taken, {SHOW_CAPACITY}) AS available,
        %(show_timing)s::timestamptz <= moment AS is_over,
        room.id IS NOT NULL OR target.id IS NOT DISTINCT FROM held.show_id AS is_changed,
        held.id, held.user_name, held.phone_number, held.ticket_count, coalesce(room.id, held.show_id) AS show_id
    FROM clock CROSS JOIN held LEFT JOIN target ON true LEFT JOIN room ON true
    """,
    lock=write_locks(ids=ONE_ID, timings=ONE_TIMING),
)
DELETE: Final = LockedChange(
    stock.write_change(
        stock.COUNTER_TICKETS,
        which=LIVE,
        more="- held.ticket_count",
        # Asked again once the show is locked: it may have expired during the wait for the lock.
        when=f"selling.show_timing > clock_timestamp() - {SHOW_LIFE}",
        change="DELETE FROM tickets USING held, counted WHERE tickets.id = held.id RETURNING tickets.*",
    ),
    lock=write_locks(ids=ONE_ID),
)
# Run before several changes in one transaction, as the locks of one change: then every show that is there, in id order. The
# second statement begins once the tickets are locked, so it finds the shows that they are for.
LOCKS: Final = write_locks(ids="%(ids)s", timings="%(timings)s")
LOCK_SHOWS: Final = """
    SELECT FROM shows WHERE id = ANY (ARRAY(
        SELECT show_id FROM tickets WHERE id = ANY (%(ids)s::bigint[])
        UNION ALL SELECT id FROM shows WHERE show_timing = ANY (%(timings)s::timestamptz[])
    ))
    ORDER BY id FOR NO KEY UPDATE
"""
make_outcome: Final = stock.make_sale_outcome_maker(Ticket)


async def find_ticket(runner: StatementRunner, *, ticket_id: int) -> Ticket:
    """Return the ticket; raise TicketNotFound where there is none or its show has expired."""
    found = await runner.row(Ticket, BY_ID, ids=[ticket_id])
    if found is None:
        raise TicketNotFound
    return found


async def book_ticket(
    runner: StatementRunner, *, user_name: str, phone_number: str, ticket_count: int, show_timing: datetime
) -> Ticket:
    """Return a new ticket for `ticket_count` people at the show of that time, which is created where there is none.

    Raises all InvalidInputs at once, InvalidDate for a time that is not in the future, and SeatsUnavailable where the
    show has fewer left; then nothing is changed.
    """
    check_ticket(user_name=user_name, phone_number=phone_number, ticket_count=ticket_count, show_timing=show_timing)
    parameters = {
        "user_name": user_name,
        "phone_number": phone_number,
        "number": ticket_count,
        "show_timing": show_timing,
    }
    (outcome,) = await runner.make_rows(make_outcome, BOOK, parameters)
    if outcome.is_over:
        raise refuse_past_timing()
    if outcome.row is None:
        raise SeatsUnavailable(path=("input", "ticketCount"), seats_available=outcome.available)
    return outcome.row


async def update_timing(runner: StatementRunner, *, ticket_id: int, show_timing: datetime) -> Ticket:
    """Return the ticket, moved to the show of that time, which is created where there is none.

    Raises TicketNotFound, InvalidDate for a time that is not in the future, and SeatsUnavailable where that show has
    fewer left; then nothing is changed.
    """
    refuse(list(find_timing_faults(show_timing)))
    found = await runner.make_rows(make_outcome, MOVE, {"id": ticket_id, "show_timing": show_timing})
    if not found or found[0].row is None:
        raise TicketNotFound
    if found[0].is_over:
        raise refuse_past_timing()
    if not found[0].is_changed:
        raise SeatsUnavailable(path=("input", "showTiming"), seats_available=found[0].available)
    return found[0].row


async def delete_ticket(runner: StatementRunner, *, ticket_id: int) -> None:
    """Delete the ticket, which frees its number for others; raise TicketNotFound."""
    found = await runner.make_rows(make_outcome, DELETE, {"id": ticket_id})
    if not found or not found[0].is_changed:
        raise TicketNotFound


def lock_shows(changes: Sequence[Mapping[str, object]]) -> list[tuple[str, Mapping[str, object]]]:
    """Return the statements that take the locks of several sales, moves and deletions of tickets."""
    ids = [change["id"] for change in changes if "id" in change]
    timings = [change["show_timing"] for change in changes if "show_timing" in change]
    parameters = {"ids": ids, "timings": timings}
    return [(LOCKS, parameters), (LOCK_SHOWS, parameters)]


def refuse_past_timing() -> InvalidDate:
    """Return the refusal of a show that has begun."""
    return InvalidDate(path=("input", "showTiming"), field="showTiming", problem="must be in the future")


def check_ticket(*, user_name: str, phone_number: str, ticket_count: int, show_timing: datetime) -> None:
    """Raise all faults of a ticket's values."""
    faults: list[Refusal] = [
        *find_text_faults("userName", user_name, longest=LONGEST_NAME),
        *find_text_faults("phoneNumber", phone_number, longest=LONGEST_PHONE_NUMBER),
        *find_number_faults("ticketCount", ticket_count, smallest=1, largest=stock.MOST_SEATS),
        *find_timing_faults(show_timing),
    ]
    refuse(faults)


def find_timing_faults(show_timing: datetime) -> Iterator[InvalidDate]:
    """Yield the fault of a time that can be found without a clock: a year that cannot be stored."""
    if not instants.can_be_stored(show_timing):
        yield InvalidDate(path=("input", "showTiming"), field="showTiming", problem=instants.STORABLE)
