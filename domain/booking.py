"""The state machine of bookings: an open booking becomes confirmed, cancelled or expired, and then never changes again."""

from typing import Any, Final, NoReturn

from db.engine import StatementRunner
from db.models import Booking, BookingStatus
from db.shared_change import ManyChanges, SharedChange
from domain import stock
from errors import (
    BookingCancelled,
    BookingConfirmed,
    BookingExpired,
    BookingNotFound,
    InvalidSeats,
    NoSeatsReserved,
    Refusal,
    SeatsChanged,
    SeatsUnavailable,
    SessionNotFound,
    SessionStarted,
)

CLOSED: Final[dict[BookingStatus, type[Refusal]]] = {
    BookingStatus.EXPIRED: BookingExpired,
    BookingStatus.CONFIRMED: BookingConfirmed,
    BookingStatus.CANCELLED: BookingCancelled,
}

OPEN_ALONE: Final = """
    WITH chosen AS MATERIALIZED (
        SELECT id, starts_at, clock_timestamp() AS moment FROM sessions WHERE id = %(session_id)s
    ), opened AS (
        INSERT INTO bookings (user_id, session_id, created_at, closes_at)
        SELECT %(user_id)s, id, moment, moment + %(hold_seconds)s * interval '1 second'
        FROM chosen WHERE starts_at > moment
        RETURNING *
    )
    SELECT opened.* FROM chosen LEFT JOIN opened ON true
"""

OPEN: Final = SharedChange(
    OPEN_ALONE,
    many=ManyChanges(
        """
        chosen AS MATERIALIZED (
            SELECT place, user_id, session_id, hold_seconds, starts_at, clock_timestamp() AS moment, snowflake() AS id
            FROM asked JOIN sessions ON sessions.id = session_id ORDER BY place
        ), opened AS (
            INSERT INTO bookings (id, user_id, session_id, created_at, closes_at)
            SELECT id, user_id, session_id, moment, moment + hold_seconds * interval '1 second'
            FROM chosen WHERE starts_at > moment
            RETURNING *
        )
        SELECT chosen.place, opened.* FROM chosen LEFT JOIN opened USING (id)
        """,
        columns={"user_id": "bigint", "session_id": "bigint", "hold_seconds": "int"},
    ),
)

# The booking alone is locked: its seats were taken when they were reserved, so the session's stock stays as it is.
CONFIRM_ALONE: Final = """
    WITH held AS MATERIALIZED (
        SELECT id, status, reserved_seats, closes_at FROM bookings
        WHERE id = %(booking_id)s AND user_id = %(user_id)s
        FOR NO KEY UPDATE
    ), live AS MATERIALIZED (
        SELECT held.*, moment, status = 'open' AND closes_at > moment AS is_live
        FROM held CROSS JOIN LATERAL (SELECT clock_timestamp() AS moment) AS clock
    ), confirmed AS (
        UPDATE bookings SET status = 'confirmed', confirmed_at = live.moment
        FROM live WHERE bookings.id = live.id AND live.is_live AND live.reserved_seats > 0
            AND live.reserved_seats = coalesce(%(seats)s::int, live.reserved_seats)
        RETURNING bookings.*
    )
    SELECT
        CASE WHEN live.status = 'open' AND NOT live.is_live THEN 'expired' ELSE live.status END AS was,
        live.reserved_seats AS held,
        0 AS seats_available,
        confirmed.*
    FROM live LEFT JOIN confirmed ON true
"""


CONFIRM: Final = SharedChange(
    CONFIRM_ALONE,
    many=ManyChanges(
        """
        held AS MATERIALIZED (
            SELECT place, seats, bookings.id, status, reserved_seats, closes_at
            FROM asked JOIN bookings ON bookings.id = booking_id AND bookings.user_id = asked.user_id
            ORDER BY bookings.id FOR NO KEY UPDATE OF bookings
        ), clock AS MATERIALIZED (
            SELECT count(*) AS locked, clock_timestamp() AS moment FROM held
        ), live AS MATERIALIZED (
            SELECT held.*, moment, status = 'open' AND closes_at > moment AS is_live FROM held CROSS JOIN clock
        ), confirmed AS (
            UPDATE bookings SET status = 'confirmed', confirmed_at = live.moment
            FROM live WHERE bookings.id = live.id AND live.is_live AND live.reserved_seats > 0
                AND live.reserved_seats = coalesce(live.seats, live.reserved_seats)
            RETURNING bookings.*
        )
        SELECT
            place,
            CASE WHEN live.status = 'open' AND NOT live.is_live THEN 'expired' ELSE live.status END AS was,
            live.reserved_seats AS held,
            0 AS seats_available,
            confirmed.*
        FROM live LEFT JOIN confirmed ON confirmed.id = live.id
        """,
        columns={"user_id": "bigint", "booking_id": "bigint", "seats": "int"},
        key="booking_id",
        # Changes of seats lock sessions before bookings.
        locks_in_order=False,
    ),
)


async def open_booking(tx: StatementRunner, *, user_id: int, session_id: int, hold_seconds: int) -> Booking:
    """Return a new booking without seats, open for `hold_seconds` by the database's clock.

    Raises SessionNotFound, and SessionStarted once the session has started.
    """
    parameters = {"user_id": user_id, "session_id": session_id, "hold_seconds": hold_seconds}
    found = await tx.make_rows(make_booking, OPEN, parameters)
    if not found:
        raise SessionNotFound
    if found[0] is None:
        raise SessionStarted
    return found[0]


def make_booking(**columns: Any) -> Booking | None:
    """Return a row of OPEN; its columns are all NULL where the session has started."""
    return stock.make_booking_row(**columns) if columns["id"] is not None else None


async def reserve(tx: StatementRunner, *, user_id: int, booking_id: int, seats: int) -> Booking:
    """Return the booking with `seats` as its new total; 0 frees them all. The booking does not stay open longer.

    Raises InvalidSeats, BookingNotFound, BookingExpired, BookingConfirmed, BookingCancelled, and SeatsUnavailable
    where the session has fewer seats left; then nothing is changed.
    """
    check_seats(seats)
    return require_booking(await stock.hold(tx, user_id=user_id, booking_id=booking_id, seats=seats))


def check_seats(seats: int) -> int:
    """Return the number of seats; raise InvalidSeats unless it is from 0 to MOST_SEATS."""
    if not 0 <= seats <= stock.MOST_SEATS:
        raise InvalidSeats(path=("input", "seats"), field="seats", limit=stock.MOST_SEATS)
    return seats


async def confirm(tx: StatementRunner, *, user_id: int, booking_id: int, seats: int | None = None) -> Booking:
    """Return the booking confirmed: from now on nobody can change it.

    `seats` is the number that the user has seen, so that nobody confirms a change that they have not seen.
    Raises BookingNotFound, BookingExpired, BookingConfirmed, BookingCancelled, NoSeatsReserved, and SeatsChanged where
    the booking holds another number of seats than `seats`.
    """
    parameters = {"user_id": user_id, "booking_id": booking_id, "seats": seats}
    found = await tx.make_rows(make_confirmation, CONFIRM, parameters)
    held, outcome = found[0] if found else (0, None)
    if outcome and outcome.booking is None and outcome.was is BookingStatus.OPEN:
        if held == 0:
            raise NoSeatsReserved
        raise SeatsChanged(path=("input", "seats"), held=held, seats=seats)
    return require_booking(outcome)


def make_confirmation(*, held: int, **columns: Any) -> tuple[int, stock.BookingOutcome]:
    """Return a row of CONFIRM: the seats that the booking held, and the outcome of the confirmation."""
    return held, stock.make_booking_outcome(**columns)


async def cancel(tx: StatementRunner, *, user_id: int, booking_id: int) -> Booking:
    """Return the booking cancelled and its seats free again.

    Raises BookingNotFound, BookingExpired, BookingConfirmed, BookingCancelled.
    """
    return require_booking(await stock.hold(tx, user_id=user_id, booking_id=booking_id, seats=0, cancel=True))


def require_booking(outcome: stock.BookingOutcome | None) -> Booking:
    """Return the changed booking; raise the refusal where it was not changed."""
    if outcome is None:
        raise BookingNotFound
    if outcome.booking is None:
        raise_refusal(outcome)
    return outcome.booking


def raise_refusal(outcome: stock.BookingOutcome) -> NoReturn:
    """Raise the reason why an existing booking was not changed."""
    if outcome.was in CLOSED:
        raise CLOSED[outcome.was]
    raise SeatsUnavailable(path=("input", "seats"), seats_available=outcome.seats_available)
