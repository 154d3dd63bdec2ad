"""Compares the journal with the database: nothing acknowledged is missing, nothing is sold twice, no seat is lost."""

from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from tests.failover.journal import Journal
from tests.failover.programs import FaultError, wait_until
from tests.failover.server import HOLD_SECONDS

# The job that gives seats back runs every 10 s; jobs of a dead worker begin again after 20 s.
GIVING_BACK_SECONDS: Final = HOLD_SECONDS + 45.0
CONFIRMED: Final = "SELECT id, reserved_seats FROM bookings WHERE status = 'confirmed' AND session_id = ANY(%s)"
# Seats of an open booking whose time is over can be reserved by others at once; a job gives them back.
UNBALANCED: Final = """
    SELECT id, taken FROM sessions WHERE id = ANY(%s) AND taken <> (
        SELECT coalesce(sum(reserved_seats), 0) FROM bookings
        WHERE session_id = sessions.id AND status IN ('open', 'confirmed')
    )
"""
LOST_SEATS: Final = """
    SELECT id, taken, capacity, (
        SELECT coalesce(sum(reserved_seats), 0)::int FROM bookings
        WHERE session_id = sessions.id AND status = 'confirmed'
    ) AS sold
    FROM sessions WHERE id = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong, in words; nothing where the journal and the database agree."""

    acknowledged: int
    missing: list[int]
    faults: list[str] = field(default_factory=list)


def audit(url: str, journal: Journal, sessions: list[int]) -> Findings:
    """Return what the database says about a journal whose buyers have stopped."""
    stored = dict(query(url, CONFIRMED, sessions))
    promised = {entry.booking: entry.seats for entry in journal.confirmed}
    missing = find_missing(url, journal, sessions)
    faults = [f"acknowledged and not there: {len(missing)} confirmations"] if missing else []
    if len(promised) != len(journal.confirmed):
        faults.append("one booking was acknowledged for two purchases")
    other = [booking for booking, seats in promised.items() if stored.get(booking, seats) != seats]
    if other:
        faults.append(f"stored with another number of seats: {other}")
    unknown = stored.keys() - promised.keys()
    if len(unknown) > journal.unsettled:
        faults.append(f"confirmed and never acknowledged: {len(unknown)}, of which {journal.unsettled} were given up")
    unbalanced = query(url, UNBALANCED, sessions)
    if unbalanced:
        faults.append(f"sessions that count other seats than their bookings have: {unbalanced}")
    return Findings(len(promised), missing, faults)


def find_missing(url: str, journal: Journal, sessions: list[int]) -> list[int]:
    """Return the bookings whose confirmation was acknowledged and that are not confirmed."""
    # The journal before the database: buyers may be at work, and what is acknowledged after the query is not missing.
    acknowledged = {entry.booking for entry in journal.confirmed}
    return sorted(acknowledged - dict(query(url, CONFIRMED, sessions)).keys())


def find_lost_seats(url: str, sessions: list[int]) -> list[str]:
    """Return the sessions that sold too much, or that still count seats which nobody has once all holds are over."""

    def balanced() -> bool:
        return all(taken == sold for _, taken, _, sold in query(url, LOST_SEATS, sessions))

    try:
        wait_until(balanced, seconds=GIVING_BACK_SECONDS, what="abandoned seats are given back")
    except FaultError as error:
        return [str(error)]
    return [
        f"session {session} has sold {sold} of {capacity} seats"
        for session, _, capacity, sold in query(url, LOST_SEATS, sessions)
        if sold > capacity
    ]


def query(url: str, statement: str, sessions: list[int]) -> list[tuple[Any, ...]]:
    """Return the rows of a statement about sessions."""
    with psycopg.connect(url, connect_timeout=5) as connection:
        return connection.execute(statement.encode(), [sessions]).fetchall()
