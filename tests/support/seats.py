"""Bookings as tests drive them: each step in a transaction of its own, and the books that must balance after it."""

from typing import Final

from db import paging, selects
from db.engine import Database
from db.models import Booking, Session, User
from domain import booking, stock

SEEN: Final = paging.compile_sql(selects.select_by_ids(Booking))
FREE: Final = """
    SELECT capacity - taken + (
        SELECT coalesce(sum(reserved_seats), 0) FROM bookings
        WHERE session_id = sessions.id AND status = 'open' AND closes_at <= clock_timestamp()
    ) FROM sessions WHERE id = %(id)s
"""
# What a session has counted must be what its bookings hold, and what they hold the last that was recorded of them.
UNBALANCED: Final = """
    SELECT id FROM sessions WHERE taken <> (
        SELECT coalesce(sum(reserved_seats), 0) FROM bookings
        WHERE session_id = sessions.id AND status IN ('open', 'confirmed')
    )
    UNION ALL
    SELECT id FROM bookings WHERE reserved_seats <> coalesce((
        SELECT seats FROM seat_reservations WHERE booking_id = bookings.id ORDER BY id DESC LIMIT 1
    ), 0)
    UNION ALL
    SELECT id FROM bookings WHERE status IN ('cancelled', 'expired') AND reserved_seats <> 0
"""


async def open_by(database: Database, user: User, session: Session, *, hold_seconds: int = 60) -> Booking:
    """Return a booking that a user has just opened."""
    async with database.transaction() as tx:
        return await booking.open_booking(tx, user_id=user.id, session_id=session.id, hold_seconds=hold_seconds)


async def reserve(database: Database, held: Booking, seats: int) -> Booking:
    """Return the booking with so many seats, reserved by whose it is."""
    async with database.transaction() as tx:
        return await booking.reserve(tx, user_id=held.user_id, booking_id=held.id, seats=seats)


async def confirm(database: Database, held: Booking) -> Booking:
    """Return the booking, confirmed by whose it is."""
    async with database.transaction() as tx:
        return await booking.confirm(tx, user_id=held.user_id, booking_id=held.id)


async def cancel(database: Database, held: Booking) -> Booking:
    """Return the booking, cancelled by whose it is."""
    async with database.transaction() as tx:
        return await booking.cancel(tx, user_id=held.user_id, booking_id=held.id)


async def give_back(database: Database, *, batch: int = 500) -> int:
    """Return how many bookings the job's statement has closed."""
    async with database.transaction() as tx:
        return await stock.give_back(tx, batch=batch)


async def lapse(database: Database, held: Booking) -> None:
    """Let the booking's hold be over."""
    await database.primary.value(
        "UPDATE bookings SET closes_at = clock_timestamp() WHERE id = %(id)s RETURNING 1", id=held.id
    )


async def seen(database: Database, held: Booking) -> Booking:
    """Return the booking as every door reads it."""
    found = await database.primary.row(Booking, SEEN, ids=[held.id])
    assert found is not None
    return found


async def taken(database: Database, session: Session) -> int:
    """Return the seats that the session has counted as held or sold."""
    number: int = await database.primary.value("SELECT taken FROM sessions WHERE id = %(id)s", id=session.id)
    return number


async def free(database: Database, session: Session) -> int:
    """Return the seats that could be reserved now (docs/contract/cinema.md, Bookings)."""
    return int(await database.primary.value(FREE, id=session.id))


async def record(database: Database, held: Booking) -> list[int]:
    """Return the totals that were recorded of a booking, oldest first."""
    found = await database.primary.tuples(
        "SELECT seats FROM seat_reservations WHERE booking_id = %(id)s ORDER BY id", id=held.id
    )
    return [row[0] for row in found]


async def unbalanced(database: Database) -> list[int]:
    """Return the ids of sessions and bookings whose books do not balance."""
    return [row[0] for row in await database.primary.tuples(UNBALANCED)]
