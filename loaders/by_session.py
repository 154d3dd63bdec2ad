"""Loads free seats by session, always from the primary: no door ever caches them."""

from collections.abc import Sequence
from typing import Final

from aiodataloader import DataLoader

from db.engine import Reading

# Seats of an expired hold are free, whether or not a job has given them back yet.
SEATS_AVAILABLE: Final = """
    SELECT sessions.id, capacity - taken + (
        SELECT coalesce(sum(reserved_seats), 0) FROM bookings
        WHERE session_id = sessions.id AND status = 'open' AND closes_at <= clock_timestamp()
    )
    FROM sessions WHERE id = ANY (%(ids)s)
"""


def seats_available_by_session(primary: Reading) -> DataLoader[int, int]:
    """Return the loader of the number of seats that can be reserved now."""

    async def load(ids: Sequence[int]) -> list[int]:
        found = {identity: int(seats) for identity, seats in await primary.tuples(SEATS_AVAILABLE, ids=list(ids))}
        return [found.get(identity, 0) for identity in ids]

    return DataLoader(load)
