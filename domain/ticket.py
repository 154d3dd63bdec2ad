"""Tickets sold at the counter: sold, moved to another show, deleted. They hold personal data."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from psycopg.rows import kwargs_row

from db import paging, selects
from db.engine import StatementRunner, Transaction
from db.models import SHOW_LIFE, Ticket
from db.pipeline.statement import make_row_maker
from domain import instants, stock
from domain.text import find_number_faults, find_text_faults
from errors import InvalidDate, Refusal, SeatsUnavailable, TicketNotFound, refuse

LONGEST_NAME: Final = 200
LONGEST_PHONE_NUMBER: Final = 50

BY_ID: Final = paging.compile_sql(selects.select_by_ids(Ticket))
OPEN_SHOW: Final = """
    INSERT INTO shows (show_timing) SELECT %(show_timing)s WHERE %(show_timing)s > clock_timestamp()
    ON CONFLICT (show_timing) DO NOTHING
"""
BOOK: Final = stock.write_sale(
    stock.COUNTER_TICKETS,
    which="show_timing = %(show_timing)s",
    columns=("user_name", "phone_number"),
)
# A ticket's show can change, and shows are locked before tickets. So a transaction that moves or deletes a ticket takes this
# lock first, and then knows which shows to lock.
ALONE: Final = "SELECT pg_advisory_xact_lock(%(ticket_id)s)"
LIVE: Final = f"EXISTS (SELECT FROM shows WHERE id = show_id AND show_timing > clock_timestamp() - {SHOW_LIFE})"
MOVED: Final = "CASE WHEN selling.id = room.id THEN held.ticket_count ELSE - held.ticket_count END"
COUNT_MOVE: Final = stock.write_count("shows", more=MOVED, beside="held, room")
BOTH: Final = "SELECT show_id FROM known UNION SELECT id FROM shows WHERE show_timing = %(show_timing)s"
# The clock is asked once both shows are locked: either may have begun, or be gone, during the wait for the other's lock.
MOVE: Final = f"""
    WITH known AS MATERIALIZED (
        SELECT * FROM tickets WHERE id = %(ticket_id)s AND {LIVE}
    ), selling AS MATERIALIZED (
        {stock.write_lock("shows", f"id = ANY (ARRAY({BOTH})) ORDER BY id", sold_until="show_timing")}
    ), clock AS MATERIALIZED (
        SELECT clock_timestamp() AS moment FROM (SELECT count(*) FROM selling) AS locked
    ), held AS MATERIALIZED (
        SELECT known.* FROM clock CROSS JOIN known JOIN selling ON selling.id = known.show_id
        WHERE show_timing > moment - {SHOW_LIFE}
    ), target AS MATERIALIZED (
        SELECT selling.* FROM clock CROSS JOIN selling WHERE show_timing = %(show_timing)s AND show_timing > moment
    ), room AS MATERIALIZED (
        SELECT target.id FROM target, held
        WHERE target.id <> held.show_id AND target.taken + held.ticket_count <= target.capacity
    ), counted AS (
        {COUNT_MOVE}
    ), moved AS (
        UPDATE tickets SET show_id = room.id FROM held, room WHERE tickets.id = held.id
    )
    SELECT
        target.id AS target_id,
        target.capacity - target.taken AS available,
        held.id, held.user_name, held.phone_number, held.ticket_count, coalesce(room.id, held.show_id) AS show_id
    FROM held LEFT JOIN target ON true LEFT JOIN room ON true
"""
DELETE: Final = stock.write_change(
    stock.COUNTER_TICKETS,
    which=LIVE,
    more="- held.ticket_count",
    # Asked again once the show is locked: it may have expired during the wait for the lock.
    when=f"selling.show_timing > clock_timestamp() - {SHOW_LIFE}",
    change="DELETE FROM tickets USING held, counted WHERE tickets.id = held.id RETURNING tickets.*",
)


async def find_ticket(runner: StatementRunner, *, ticket_id: int) -> Ticket:
    """Return the ticket; raise TicketNotFound where there is none or its show has expired."""
    found = await runner.row(Ticket, BY_ID, ids=[ticket_id])
    if found is None:
        raise TicketNotFound
    return found


async def book_ticket(
    tx: Transaction, *, user_name: str, phone_number: str, ticket_count: int, show_timing: datetime
) -> Ticket:
    """Return a new ticket for `ticket_count` people at the show of that time, which is created where there is none.

    Raises all InvalidInputs at once, InvalidDate for a time that is not in the future, and SeatsUnavailable where the
    show has fewer left.
    """
    check_ticket(user_name=user_name, phone_number=phone_number, ticket_count=ticket_count, show_timing=show_timing)
    parameters = {
        "user_name": user_name,
        "phone_number": phone_number,
        "number": ticket_count,
        "show_timing": show_timing,
    }
    await tx.execute(OPEN_SHOW, show_timing=show_timing)
    found = await tx.fetch(kwargs_row(stock.make_sale_outcome_maker(Ticket)), BOOK, parameters)
    if not found or found[0].is_over:
        raise refuse_past_timing()
    if found[0].row is None:
        raise SeatsUnavailable(path=("input", "ticketCount"), seats_available=found[0].available)
    return found[0].row


async def update_timing(tx: Transaction, *, ticket_id: int, show_timing: datetime) -> Ticket:
    """Return the ticket, moved to the show of that time, which is created where there is none.

    Raises TicketNotFound, InvalidDate for a time that is not in the future, and SeatsUnavailable where that show has
    fewer left; then the transaction must be rolled back, and the ticket keeps its show.
    """
    refuse(list(find_timing_faults(show_timing)))
    await tx.execute(ALONE, ticket_id=ticket_id)
    await tx.execute(OPEN_SHOW, show_timing=show_timing)
    found = await tx.fetch(kwargs_row(make_moved_ticket), MOVE, {"ticket_id": ticket_id, "show_timing": show_timing})
    if not found:
        raise TicketNotFound
    return found[0]


def make_moved_ticket(*, target_id: int | None, available: int | None, **columns: Any) -> Ticket:
    """Return a row of MOVE; raise the reason of a refusal."""
    if target_id is None:
        raise refuse_past_timing()
    if columns["show_id"] != target_id:
        raise SeatsUnavailable(path=("input", "showTiming"), seats_available=available)
    return make_row_maker(Ticket)(**columns)


async def delete_ticket(tx: Transaction, *, ticket_id: int) -> None:
    """Delete the ticket, which frees its number for others; raise TicketNotFound."""
    await tx.execute(ALONE, ticket_id=ticket_id)
    found = await tx.fetch(kwargs_row(stock.make_sale_outcome_maker(Ticket)), DELETE, {"id": ticket_id})
    if not found or not found[0].is_changed:
        raise TicketNotFound


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
