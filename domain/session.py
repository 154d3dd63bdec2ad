"""The schedule: a place has one room, so its sessions must not overlap."""

from datetime import datetime
from typing import Any, Final

from psycopg.rows import kwargs_row

from db import selects
from db.engine import Transaction
from db.models import Session
from db.pipeline.statement import make_row_maker
from errors import InvalidDate, MovieNotFound, PlaceNotFound, SessionNotFound, SessionOverlaps, StillInUse

COLUMNS: Final = ", ".join(column.name for column in selects.list_columns(Session))

# Every change of a place's schedule takes this lock first, so that what it reads afterwards is up to date. Places are locked
# before movies and movies before sessions. Only the triggers that update a movie's dates lock it after its sessions, and
# then the place is locked already.
LOCK_PLACE: Final = "SELECT capacity FROM places WHERE id = %(place_id)s FOR NO KEY UPDATE"
LOCK_PLACE_OF: Final = """
    SELECT id FROM places WHERE id = (SELECT place_id FROM sessions WHERE id = %(id)s) FOR NO KEY UPDATE
"""

# A session lasts from its start to start plus duration; no movie is longer than a day, so the index on starts bounds the search.
RIVAL: Final = """
    SELECT FROM sessions AS other
    WHERE other.place_id = planned.place_id AND other.id IS DISTINCT FROM planned.id
        AND other.starts_at < planned.starts_at + planned.duration * interval '1 minute'
        AND other.ends_at > planned.starts_at AND other.starts_at > planned.starts_at - interval '1 day'
"""
# The movie's row is locked, so that the duration from which the session's end is computed does not change.
SCHEDULE: Final = f"""
    WITH planned AS MATERIALIZED (
        SELECT NULL::bigint AS id, %(place_id)s::bigint AS place_id, %(starts_at)s::timestamptz AS starts_at, duration
        FROM movies WHERE id = %(movie_id)s FOR NO KEY UPDATE
    ), facts AS MATERIALIZED (
        SELECT planned.*, starts_at <= clock_timestamp() AS is_past, EXISTS ({RIVAL}) AS clashes FROM planned
    ), made AS (
        INSERT INTO sessions (movie_id, place_id, starts_at, capacity)
        SELECT %(movie_id)s, place_id, starts_at, %(capacity)s FROM facts WHERE NOT is_past AND NOT clashes
        RETURNING {COLUMNS}
    )
    SELECT facts.is_past, facts.clashes, made.* FROM facts LEFT JOIN made ON true
"""
MOVE: Final = f"""
    WITH planned AS MATERIALIZED (
        SELECT sessions.id, place_id, %(starts_at)s::timestamptz AS starts_at, duration
        FROM sessions JOIN movies ON movies.id = movie_id
        WHERE sessions.id = %(id)s FOR NO KEY UPDATE OF sessions
    ), facts AS MATERIALIZED (
        SELECT planned.*, starts_at <= clock_timestamp() AS is_past, EXISTS ({RIVAL}) AS clashes FROM planned
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
# Locks the bookings, so that it waits for a confirmation that is under way, and reads its outcome.
BOOKED: Final = """
    WITH found AS MATERIALIZED (
        SELECT status, closes_at FROM bookings WHERE session_id = ANY (%(ids)s) ORDER BY id FOR UPDATE
    )
    SELECT EXISTS (SELECT FROM found WHERE status = 'confirmed' OR status = 'open' AND closes_at > clock_timestamp())
"""
# Neither Python nor ISO 8601 can write an end in the year 10000.
NO_MORE_YEARS: Final = 9999


async def schedule_session(tx: Transaction, *, movie_id: int, place_id: int, starts_at: datetime) -> Session:
    """Return the new session with the present capacity of the place.

    Raises PlaceNotFound, MovieNotFound, InvalidDate for a start that is not in the future, SessionOverlaps.
    """
    check_start(starts_at)
    capacity = await tx.value(LOCK_PLACE, place_id=place_id)
    if capacity is None:
        raise PlaceNotFound
    parameters = {"movie_id": movie_id, "place_id": place_id, "starts_at": starts_at, "capacity": capacity}
    found = await tx.fetch(kwargs_row(make_session), SCHEDULE, parameters)
    if not found:
        raise MovieNotFound
    tx.touch("programme", found[0].id)
    return found[0]


async def reschedule_session(tx: Transaction, *, session_id: int, starts_at: datetime) -> Session:
    """Return the session with its new start; its bookings stay.

    Raises SessionNotFound, InvalidDate for a start that is not in the future, SessionOverlaps.
    """
    check_start(starts_at)
    await tx.tuples(LOCK_PLACE_OF, id=session_id)
    found = await tx.fetch(kwargs_row(make_session), MOVE, {"id": session_id, "starts_at": starts_at})
    if not found:
        raise SessionNotFound
    tx.touch("programme", session_id)
    return found[0]


def check_start(starts_at: datetime) -> None:
    """Raise InvalidDate for a start in the year 9999 or later, whose end could not be written."""
    if starts_at.year >= NO_MORE_YEARS:
        raise InvalidDate(
            path=("input", "startsAt"), field="startsAt", problem=f"must be before the year {NO_MORE_YEARS}"
        )


def make_session(*, is_past: bool, clashes: bool, **columns: Any) -> Session:
    """Return a row of SCHEDULE or MOVE; raise the reason of a refusal."""
    if is_past:
        raise InvalidDate(path=("input", "startsAt"), field="startsAt", problem="must be in the future")
    if clashes:
        raise SessionOverlaps(path=("input", "startsAt"))
    return make_row_maker(Session)(**columns)


async def delete_session(tx: Transaction, *, session_id: int) -> None:
    """Delete the session with its cancelled and expired bookings; raise SessionNotFound or StillInUse."""
    await tx.tuples(LOCK_PLACE_OF, id=session_id)
    if not await delete_sessions(tx, session_id=session_id):
        raise SessionNotFound
    tx.touch("programme", session_id)


async def delete_sessions(
    tx: Transaction, *, session_id: int | None = None, movie_id: int | None = None, place_id: int | None = None
) -> int:
    """Delete the sessions of a movie or place, or one; return how many; raise StillInUse while bookings refer to them.

    Open and confirmed bookings count; expired ones do not, whether or not a job has closed them.
    The caller has locked their places.
    """
    locked = await tx.tuples(LOCK, id=session_id, movie_id=movie_id, place_id=place_id)
    ids = [row[0] for row in locked]
    # A second statement: it sees bookings that were made while this transaction waited for the locks.
    if await tx.value(BOOKED, ids=ids):
        raise StillInUse
    await tx.execute("DELETE FROM bookings WHERE session_id = ANY (%(ids)s)", ids=ids)
    await tx.execute("DELETE FROM sessions WHERE id = ANY (%(ids)s)", ids=ids)
    return len(ids)
