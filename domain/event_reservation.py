"""Reservations of an event's tickets: who may see them, and how they are made, changed and cancelled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from db.engine import StatementRunner
from db.models import EventReservation
from domain import stock
from errors import EventNotFound, EventOver, InvalidInput, ReservationCancelled, ReservationNotFound, SeatsUnavailable

# A reservation without a user was made by REST without a token: it is open to everybody (docs/contract/events.md).
MAY_SEE: Final = """(
    user_id = %(viewer_id)s::bigint
    OR user_id IS NULL AND %(in_the_open)s
    OR EXISTS (SELECT FROM users WHERE users.id = %(viewer_id)s::bigint AND is_staff)
)"""
SEE: Final = f"SELECT * FROM event_reservations WHERE id = %(id)s AND {MAY_SEE}"
RESERVE: Final = stock.write_sale(
    stock.EVENT_TICKETS,
    which="id = %(event_id)s AND deleted_at IS NULL",
    columns=("user_id",),
    moments=("created_at", "updated_at"),
)
CHANGE: Final = stock.write_change(
    stock.EVENT_TICKETS,
    which=MAY_SEE,
    more="CASE WHEN %(cancel)s THEN 0 ELSE %(number)s::bigint END - held.tickets",
    when="NOT held.cancelled",
    # A cancelled reservation keeps the number of tickets that it held.
    change="""
        UPDATE event_reservations SET
            tickets = CASE WHEN %(cancel)s THEN held.tickets ELSE %(number)s::bigint END,
            cancelled = %(cancel)s,
            updated_at = clock_timestamp()
        FROM held, counted WHERE event_reservations.id = held.id
        RETURNING event_reservations.*
    """,
)
# Runs before several changes in one transaction, as stock.LOCK_ALL does.
LOCK_ALL: Final = """
    SELECT FROM events WHERE id = ANY (
        ARRAY(SELECT event_id FROM event_reservations WHERE id = ANY (%(reservation_ids)s)) || %(event_ids)s::bigint[]
    )
    ORDER BY id FOR NO KEY UPDATE
"""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who reads a reservation: a user or nobody; `in_the_open` shows them reservations without a user."""

    user_id: int | None
    in_the_open: bool = False

    @property
    def parameters(self) -> dict[str, object]:
        """The parameters of MAY_SEE."""
        return {"viewer_id": self.user_id, "in_the_open": self.in_the_open}


async def find_reservation(runner: StatementRunner, *, viewer: Viewer, reservation_id: int) -> EventReservation:
    """Return the reservation; raise ReservationNotFound where there is none that the viewer may see."""
    found = await runner.row(EventReservation, SEE, id=reservation_id, **viewer.parameters)
    if found is None:
        raise ReservationNotFound
    return found


async def reserve_tickets(
    runner: StatementRunner, *, user_id: int | None, event_id: int, tickets: int
) -> EventReservation:
    """Return a new reservation of so many tickets, a user's or nobody's.

    Raises InvalidInput, EventNotFound, EventOver once its date has passed, and SeatsUnavailable where the event has
    fewer left; then nothing is changed.
    """
    check_tickets(tickets)
    parameters = {"user_id": user_id, "event_id": event_id, "number": tickets}
    found = await runner.make_rows(stock.make_sale_outcome_maker(EventReservation), RESERVE, parameters)
    if not found:
        raise EventNotFound
    if found[0].row is None and found[0].is_over:
        raise EventOver
    if found[0].row is None:
        raise SeatsUnavailable(path=("input", "tickets"), seats_available=found[0].available)
    runner.touch("event", event_id)
    return found[0].row


async def change_tickets(
    runner: StatementRunner, *, viewer: Viewer, reservation_id: int, tickets: int
) -> EventReservation:
    """Return the reservation with `tickets` as its new total.

    Raises InvalidInput, ReservationNotFound, ReservationCancelled, EventOver where tickets would be added once the
    event's date has passed, and SeatsUnavailable where the event has fewer left; then nothing is changed.
    """
    check_tickets(tickets)
    row, outcome = await change_or_cancel(runner, viewer=viewer, reservation_id=reservation_id, tickets=tickets)
    if not outcome.is_changed and row.cancelled:
        raise ReservationCancelled
    if not outcome.is_changed and outcome.is_over and tickets > row.tickets:
        raise EventOver
    if not outcome.is_changed:
        raise SeatsUnavailable(path=("input", "tickets"), seats_available=outcome.available)
    return row


async def cancel_reservation(runner: StatementRunner, *, viewer: Viewer, reservation_id: int) -> EventReservation:
    """Return the reservation, cancelled; cancelling it again changes nothing. Raises ReservationNotFound."""
    row, _ = await change_or_cancel(runner, viewer=viewer, reservation_id=reservation_id)
    return row


async def change_or_cancel(
    runner: StatementRunner, *, viewer: Viewer, reservation_id: int, tickets: int | None = None
) -> tuple[EventReservation, stock.SaleOutcome[EventReservation]]:
    """Return the reservation and the outcome of its change: to `tickets` tickets, or cancelled where that is None."""
    parameters = {"id": reservation_id, "number": tickets, "cancel": tickets is None, **viewer.parameters}
    found = await runner.make_rows(stock.make_sale_outcome_maker(EventReservation), CHANGE, parameters)
    if not found or found[0].row is None:
        raise ReservationNotFound
    if found[0].is_changed:
        runner.touch("event", found[0].row.event_id)
    return found[0].row, found[0]


def check_tickets(tickets: int) -> None:
    """Raise InvalidInput unless the number of tickets is at least 1 and at most MOST_SEATS."""
    if not 1 <= tickets <= stock.MOST_SEATS:
        problem = f"must be a whole number from 1 to {stock.MOST_SEATS}"
        raise InvalidInput(path=("input", "tickets"), field="tickets", problem=problem)


def lock_events(changes: Sequence[Mapping[str, object]]) -> list[tuple[str, Mapping[str, object]]]:
    """Return the only statement that locks the events of several sales and changes of tickets."""
    reservation_ids = [change["id"] for change in changes if "id" in change]
    event_ids = [change["event_id"] for change in changes if "event_id" in change]
    return [(LOCK_ALL, {"reservation_ids": reservation_ids, "event_ids": event_ids})]
