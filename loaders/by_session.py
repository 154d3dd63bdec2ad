"""Loads free seats by session, always from the primary: they are never cached."""

from collections.abc import Sequence
from typing import Final

from aiodataloader import DataLoader

from db import selects
from db.engine import StatementRunner
from loaders.shielded import ShieldedLoader

SEATS_AVAILABLE: Final = f"""
    SELECT sessions.id, {selects.write_seats_available(of="sessions")}
    FROM sessions WHERE id = ANY (%(ids)s)
"""  # noqa: S608 - nothing of a caller's is in it


def seats_available_by_session(primary: StatementRunner) -> DataLoader[int, int]:
    """Return the loader of the number of seats that can be reserved now."""

    async def load(ids: Sequence[int]) -> list[int]:
        found = {identity: int(seats) for identity, seats in await primary.tuples(SEATS_AVAILABLE, ids=list(ids))}
        return [found.get(identity, 0) for identity in ids]

    return ShieldedLoader(load)
