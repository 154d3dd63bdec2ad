"""The only writer of the seats of a session: takes and gives back under the session's lock, never more than there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg.rows import kwargs_row

from db.engine import Reading, Transaction
from db.models import Booking, BookingStatus

# A wire integer has 32 bits in GraphQL; more seats than that cannot even be asked for.
MOST_SEATS: Final = 2**31 - 1

# One round trip for every outcome, refusals included: a crowd in front of a sold-out session holds its lock no longer.
# The selling row is locked first, then what was sold of it, as everywhere; the clock is asked once both are locked, not
# at the transaction's start. A row that is locked is read in its newest version, so the difference to what the booking
# holds is never worked out from stale seats. Expired holds of others are given back where the take needs them; the
# caller's own booking is never among them. The one conditional UPDATE is what makes overselling impossible; the CHECK
# of the table stands behind it. Its condition asks for what was `taken` in the row that is locked: sessions.taken would
# first be the one from before a wait, and the seats that were freed meanwhile would not be found.
CHANGE: Final = """
    WITH selling AS MATERIALIZED (
        SELECT id, capacity, taken FROM sessions
        WHERE id = (SELECT session_id FROM bookings WHERE id = %(booking_id)s AND user_id = %(user_id)s)
        FOR NO KEY UPDATE
    ), held AS MATERIALIZED (
        SELECT bookings.id, bookings.status, bookings.reserved_seats, bookings.closes_at
        FROM selling JOIN bookings ON bookings.session_id = selling.id
        WHERE bookings.id = %(booking_id)s
        FOR NO KEY UPDATE OF bookings
    ), live AS MATERIALIZED (
        SELECT held.*, moment, status = 'open' AND closes_at > moment AS is_live
        FROM held CROSS JOIN LATERAL (SELECT clock_timestamp() AS moment) AS clock
    ), lapsed AS MATERIALIZED (
        SELECT bookings.id, bookings.reserved_seats
        FROM selling CROSS JOIN live JOIN bookings ON bookings.session_id = selling.id
        WHERE live.is_live AND selling.taken + %(seats)s::bigint - live.reserved_seats > selling.capacity
            AND bookings.status = 'open' AND bookings.closes_at <= live.moment AND bookings.id <> live.id
        FOR NO KEY UPDATE OF bookings
    ), freed AS MATERIALIZED (
        SELECT coalesce(sum(reserved_seats), 0) AS seats FROM lapsed
    ), taken AS (
        UPDATE sessions SET taken = selling.taken - freed.seats + %(seats)s::bigint - live.reserved_seats
        FROM selling, live, freed
        WHERE sessions.id = selling.id AND live.is_live
            AND selling.taken - freed.seats + %(seats)s::bigint - live.reserved_seats <= sessions.capacity
        RETURNING sessions.id
    ), expired AS (
        UPDATE bookings SET status = 'expired', reserved_seats = 0
        FROM lapsed, taken WHERE bookings.id = lapsed.id
    ), changed AS (
        UPDATE bookings SET
            reserved_seats = %(seats)s::bigint,
            status = CASE WHEN %(cancel)s THEN 'cancelled' ELSE 'open' END,
            cancelled_at = CASE WHEN %(cancel)s THEN live.moment END
        FROM live, taken WHERE bookings.id = live.id
        RETURNING bookings.*
    ), recorded AS (
        INSERT INTO seat_reservations (booking_id, seats, created_at)
        SELECT live.id, %(seats)s::bigint, live.moment FROM live, taken WHERE live.reserved_seats <> %(seats)s::bigint
        UNION ALL
        SELECT lapsed.id, 0, live.moment FROM live, taken, lapsed WHERE lapsed.reserved_seats > 0
    )
    SELECT
        CASE WHEN live.status = 'open' AND NOT live.is_live THEN 'expired' ELSE live.status END AS was,
        selling.capacity - selling.taken + freed.seats AS seats_available,
        changed.*
    FROM selling CROSS JOIN live CROSS JOIN freed LEFT JOIN changed ON true
"""

# Before several changes in one transaction: every session that they touch, in id order, so that two such transactions
# never wait for each other in a ring.
LOCK_ALL: Final = """
    SELECT FROM sessions WHERE id IN (SELECT session_id FROM bookings WHERE id = ANY (%(booking_ids)s))
    ORDER BY id FOR NO KEY UPDATE
"""

# Sessions in id order, and none that somebody else is busy with: the next run comes soon enough.
GIVE_BACK: Final = """
    WITH due AS MATERIALIZED (
        SELECT id, session_id FROM bookings
        WHERE status = 'open' AND closes_at <= clock_timestamp()
        ORDER BY closes_at LIMIT %(batch)s
    ), selling AS MATERIALIZED (
        SELECT id FROM sessions WHERE id IN (SELECT session_id FROM due)
        ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
    ), lapsed AS MATERIALIZED (
        SELECT bookings.id, bookings.session_id, bookings.reserved_seats, clock_timestamp() AS moment
        FROM selling JOIN due ON due.session_id = selling.id JOIN bookings ON bookings.id = due.id
        WHERE bookings.status = 'open'
        FOR NO KEY UPDATE OF bookings
    ), expired AS (
        UPDATE bookings SET status = 'expired', reserved_seats = 0 FROM lapsed WHERE bookings.id = lapsed.id
    ), recorded AS (
        INSERT INTO seat_reservations (booking_id, seats, created_at)
        SELECT id, 0, moment FROM lapsed WHERE reserved_seats > 0
    ), freed AS (
        UPDATE sessions SET taken = taken - gone.seats
        FROM (SELECT session_id, sum(reserved_seats) AS seats FROM lapsed GROUP BY session_id) AS gone
        WHERE sessions.id = gone.session_id
    )
    SELECT count(*) FROM lapsed
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of a change: the booking as it is now, None where it was refused, and what it was refused for."""

    booking: Booking | None
    was: BookingStatus
    seats_available: int


async def hold(tx: Reading, *, user_id: int, booking_id: int, seats: int, cancel: bool = False) -> Attempt | None:
    """Make `seats` the total of a user's open booking, all or nothing; None where the user has no such booking."""
    parameters = {"user_id": user_id, "booking_id": booking_id, "seats": seats, "cancel": cancel}
    found = await tx.fetch(kwargs_row(attempt), CHANGE, parameters)
    return found[0] if found else None


def attempt(*, was: str, seats_available: int, **columns: Any) -> Attempt:
    """Return a row of CHANGE; the booking's columns are all NULL where nothing was changed."""
    booking = Booking.model_construct(**columns) if columns["id"] is not None else None
    return Attempt(booking, BookingStatus(was), int(seats_available))


def lock_all(changes: Sequence[Mapping[str, object]]) -> tuple[str, Mapping[str, object]]:
    """Return the statement that locks what several changes of bookings will change."""
    return LOCK_ALL, {"booking_ids": [change["booking_id"] for change in changes if "booking_id" in change]}


async def give_back(tx: Transaction, *, batch: int) -> int:
    """Close up to `batch` bookings whose hold is over and free their seats; return how many it was."""
    closed: int = await tx.value(GIVE_BACK, batch=batch)
    return closed
