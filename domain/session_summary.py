"""What a session shows and where, in a few words, for lists that name nothing but that."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from db.engine import Reading

# Ids of sessions are unique, so each comes back once however many bookings name it.
OF_SESSIONS: Final = """
    SELECT sessions.id, movies.id, movies.title, places.id, places.name
    FROM sessions JOIN movies ON movies.id = movie_id JOIN places ON places.id = place_id
    WHERE sessions.id = ANY (%(ids)s)
"""


@dataclass(frozen=True, slots=True)
class Showing:
    """The movie and the place of a session."""

    movie_id: int
    title: str
    place_id: int
    name: str


async def of_sessions(reading: Reading, session_ids: Sequence[int]) -> dict[int, Showing]:
    """Return the showing of each session by the session's id; a session that is not there has none."""
    found = await reading.tuples(OF_SESSIONS, ids=list(set(session_ids))) if session_ids else []
    return {session_id: Showing(*showing) for session_id, *showing in found}
