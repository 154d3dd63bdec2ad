"""The movie and place of sessions, for lists that show their names only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from db.engine import Reading

# Ids of sessions are unique, so each is returned once, however many bookings refer to it.
OF_SESSIONS: Final = """
    SELECT sessions.id, movies.id, movies.title, places.id, places.name
    FROM sessions JOIN movies ON movies.id = movie_id JOIN places ON places.id = place_id
    WHERE sessions.id = ANY (%(ids)s)
"""


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """The movie and the place of a session."""

    movie_id: int
    title: str
    place_id: int
    name: str


async def read_summaries(reading: Reading, session_ids: Sequence[int]) -> dict[int, SessionSummary]:
    """Return the summary of each session by the session's id; a session that does not exist has none."""
    found = await reading.tuples(OF_SESSIONS, ids=list(set(session_ids))) if session_ids else []
    return {session_id: SessionSummary(*showing) for session_id, *showing in found}
