"""Bookings of the Strawberry peer: a transaction whose conditional UPDATE takes the seats, as it is usually written."""

import os
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import DictRow

from benchmarks.peers.python.pool import Pool, rows
from benchmarks.peers.python.reads import BOOKING_COLUMNS

OPEN: Final = f"""
    INSERT INTO bookings (user_id, session_id, created_at, closes_at)
    SELECT %(user_id)s, id, clock_timestamp(), clock_timestamp() + %(hold)s * interval '1 second'
    FROM sessions WHERE id = %(session_id)s AND starts_at > clock_timestamp() RETURNING {BOOKING_COLUMNS}
"""
LOCK: Final = """
    SELECT session_id, reserved_seats, status = 'open' AND closes_at > clock_timestamp() AS is_live
    FROM bookings WHERE id = %(booking_id)s AND user_id = %(user_id)s FOR UPDATE
"""
RECORD: Final = """
    INSERT INTO seat_reservations (booking_id, seats, created_at) VALUES (%(booking_id)s, %(seats)s, clock_timestamp())
"""
SET_SEATS: Final = f"""
    UPDATE bookings SET reserved_seats = %(seats)s WHERE id = %(booking_id)s RETURNING {BOOKING_COLUMNS}
"""
TAKE: Final = """
    UPDATE sessions SET taken = taken + %(more)s WHERE id = %(session_id)s AND taken + %(more)s <= capacity RETURNING id
"""
CONFIRM: Final = f"""
    UPDATE bookings SET status = 'confirmed', confirmed_at = clock_timestamp()
    WHERE id = %(booking_id)s AND user_id = %(user_id)s
        AND status = 'open' AND closes_at > clock_timestamp() AND reserved_seats > 0
    RETURNING {BOOKING_COLUMNS}
"""


class Refused(Exception):
    """The booking does not come off; the text is the code."""


async def open_booking(pool: Pool, *, user_id: int, session_id: int) -> DictRow:
    """Return a new booking; raise Refused once the session has started."""
    hold = int(os.environ["PEER_HOLD_SECONDS"])
    return one(await rows(pool, OPEN, user_id=user_id, session_id=session_id, hold=hold), "SESSION_STARTED")


async def reserve(pool: Pool, *, user_id: int, booking_id: int, seats: int) -> DictRow:
    """Return the booking with its new seats; raise Refused where it is not live, or the session has not as many.

    The session's row comes last: every other buyer of the session waits for it until the commit.
    """
    async with pool.connection() as connection, connection.transaction():
        held = one(await read(connection, LOCK, booking_id=booking_id, user_id=user_id), "BOOKING_NOT_FOUND")
        if not held["is_live"]:
            raise Refused("BOOKING_EXPIRED")
        await connection.execute(RECORD, {"booking_id": booking_id, "seats": seats})
        booking = one(await read(connection, SET_SEATS, booking_id=booking_id, seats=seats), "BOOKING_NOT_FOUND")
        more = seats - held["reserved_seats"]
        one(await read(connection, TAKE, session_id=held["session_id"], more=more), "SEATS_UNAVAILABLE")
        return booking


async def confirm(pool: Pool, *, user_id: int, booking_id: int) -> DictRow:
    """Return the confirmed booking; raise Refused where it is not live or holds no seats."""
    return one(await rows(pool, CONFIRM, booking_id=booking_id, user_id=user_id), "BOOKING_EXPIRED")


async def read(connection: AsyncConnection[DictRow], statement: str, **parameters: Any) -> list[DictRow]:
    """Return the rows of a statement in a transaction."""
    return await (await connection.execute(statement, parameters)).fetchall()


def one(found: list[DictRow], refusal: str) -> DictRow:
    """Return the only row; raise Refused where there is none."""
    if not found:
        raise Refused(refusal)
    return found[0]
