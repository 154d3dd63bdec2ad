"""The schedule: one room a place, so no session may run into another there."""

from datetime import datetime
from typing import Any, Final

from psycopg.rows import kwargs_row

from db import selects
from db.engine import Transaction
from db.models import Session
from errors import InvalidDate, MovieNotFound, PlaceNotFound, SessionNotFound, SessionOverlaps, StillInUse

COLUMNS: Final = ", ".join(column.name for column in selects.list_columns(Session))

# Everybody who changes the schedule of a place waits here first; what they then read is up to date. Places come before
# movies and movies before sessions; only the triggers that keep a movie's dates come to it from its sessions, and then
# the place is locked already.
LOCK_PLACE: Final = "SELECT capacity FROM places WHERE id = %(place_id)s FOR NO KEY UPDATE"
LOCK_PLACE_OF: Final = """
    SELECT id FROM places WHERE id = (SELECT place_id FROM sessions WHERE id = %(id)s) FOR NO KEY UPDATE
"""

# From start to start plus duration; no movie lasts longer than a day, so the index on starts bounds the search.
RIVAL: Final = """
    SELECT FROM sessions AS other
    WHERE other.place_id = asked.place_id AND other.id IS DISTINCT FROM asked.id
        AND other.starts_at < asked.starts_at + asked.duration * interval '1 minute'
        AND other.ends_at > asked.starts_at AND other.starts_at > asked.starts_at - interval '1 day'
"""
# The movie's row is locked, so that its duration stays what the session's end is worked out from.
SCHEDULE: Final = f"""
    WITH asked AS MATERIALIZED (
        SELECT NULL::bigint AS id, %(place_id)s::bigint AS place_id, %(starts_at)s::timestamptz AS starts_at, duration
        FROM movies WHERE id = %(movie_id)s FOR NO KEY UPDATE
    ), facts AS MATERIALIZED (
        SELECT asked.*, starts_at <= clock_timestamp() AS is_past, EXISTS ({RIVAL}) AS clashes FROM asked
    ), made AS (
        INSERT INTO sessions (movie_id, place_id, starts_at, capacity)
        SELECT %(movie_id)s, place_id, starts_at, %(capacity)s FROM facts WHERE NOT is_past AND NOT clashes
        RETURNING {COLUMNS}
    )
    SELECT facts.is_past, facts.clashes, made.* FROM facts LEFT JOIN made ON true
"""
MOVE: Final = f"""
    WITH asked AS MATERIALIZED (
        SELECT sessions.id, place_id, %(starts_at)s::timestamptz AS starts_at, duration
        FROM sessions JOIN movies ON movies.id = movie_id
        WHERE sessions.id = %(id)s FOR NO KEY UPDATE OF sessions
    ), facts AS MATERIALIZED (
        SELECT asked.*, starts_at <= clock_timestamp() AS is_past, EXISTS ({RIVAL}) AS clashes FROM asked
    ), made AS (
        UPDATE sessions SET starts_at = facts.starts_at FROM facts
        WHERE sessions.id = facts.id AND NOT is_past AND NOT clashes
        RETURNING {", ".join(f"sessions.{column.name}" for column in selects.list_columns(Session))}
    )
    SELECT facts.is_past, facts.clashes, made.* FROM facts LEFT JOIN made ON true
"""
LOCK: Final = """
    SELECT id FROM sessions
    WHERE id = %(id)s OR movie_id = %(movie_id)s OR place_id = %(place_id)s
    ORDER BY id FOR UPDATE
"""
# Locked, so that what is being confirmed at this moment is waited for, and seen as what it has become.
BOOKED: Final = """
    WITH found AS MATERIALIZED (
        SELECT status, closes_at FROM bookings WHERE session_id = ANY (%(ids)s) ORDER BY id FOR UPDATE
    )
    SELECT EXISTS (SELECT FROM found WHERE status = 'confirmed' OR status = 'open' AND closes_at > clock_timestamp())
"""
# An end in the year 10000 is none that Python, or ISO 8601 as agreed on, can write down.
NO_MORE_YEARS: Final = 9999


async def schedule_session(tx: Transaction, *, movie_id: int, place_id: int, starts_at: datetime) -> Session:
    """Return the new session with the place's capacity of today.

    Raises PlaceNotFound, MovieNotFound, InvalidDate for a start that is not to come, SessionOverlaps.
    """
    check_start(starts_at)
    capacity = await tx.value(LOCK_PLACE, place_id=place_id)
    if capacity is None:
        raise PlaceNotFound
    parameters = {"movie_id": movie_id, "place_id": place_id, "starts_at": starts_at, "capacity": capacity}
    found = await tx.fetch(kwargs_row(make_session), SCHEDULE, parameters)
    if not found:
        raise MovieNotFound
    return found[0]


async def reschedule_session(tx: Transaction, *, session_id: int, starts_at: datetime) -> Session:
    """Return the session with its new start; its bookings go with it.

    Raises SessionNotFound, InvalidDate for a start that is not to come, SessionOverlaps.
    """
    check_start(starts_at)
    await tx.tuples(LOCK_PLACE_OF, id=session_id)
    found = await tx.fetch(kwargs_row(make_session), MOVE, {"id": session_id, "starts_at": starts_at})
    if not found:
        raise SessionNotFound
    return found[0]


def check_start(starts_at: datetime) -> None:
    """Raise InvalidDate for a start so late that its end could not be written down."""
    if starts_at.year >= NO_MORE_YEARS:
        raise InvalidDate(
            path=("input", "startsAt"), field="startsAt", problem=f"must be before the year {NO_MORE_YEARS}"
        )


def make_session(*, is_past: bool, clashes: bool, **columns: Any) -> Session:
    """Return a row of SCHEDULE or MOVE; raise what it was refused for."""
    if is_past:
        raise InvalidDate(path=("input", "startsAt"), field="startsAt", problem="must be in the future")
    if clashes:
        raise SessionOverlaps(path=("input", "startsAt"))
    return Session.model_construct(**columns)


async def delete_session(tx: Transaction, *, session_id: int) -> None:
    """Delete the session with its cancelled and expired bookings; raise SessionNotFound or StillInUse."""
    await tx.tuples(LOCK_PLACE_OF, id=session_id)
    if not await delete_sessions(tx, session_id=session_id):
        raise SessionNotFound


async def delete_sessions(
    tx: Transaction, *, session_id: int | None = None, movie_id: int | None = None, place_id: int | None = None
) -> int:
    """Delete the sessions of a movie or place, or one; return how many; raise StillInUse while bookings hang on them.

    An open or confirmed booking hangs on its session; an expired one does not, whether or not a job has closed it.
    The caller has locked their places.
    """
    locked = await tx.tuples(LOCK, id=session_id, movie_id=movie_id, place_id=place_id)
    ids = [row[0] for row in locked]
    # By a statement of its own: what was booked while we waited for the locks must be seen.
    if await tx.value(BOOKED, ids=ids):
        raise StillInUse
    await tx.execute("DELETE FROM bookings WHERE session_id = ANY (%(ids)s)", ids=ids)
    await tx.execute("DELETE FROM sessions WHERE id = ANY (%(ids)s)", ids=ids)
    return len(ids)
