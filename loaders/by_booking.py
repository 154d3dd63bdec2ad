"""Loads the changes of bookings' seats."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from aiodataloader import DataLoader
from sqlalchemy import literal_column

from db import paging, selects
from db.engine import StatementRunner
from db.models import SeatReservation
from loaders.shielded import ShieldedLoader

LATEST: Final = f"""
    SELECT latest.* FROM unnest(%(ids)s::bigint[]) AS asked (id)
    CROSS JOIN LATERAL ({paging.compile_sql(selects.select_latest_changes(literal_column("asked.id")))}) AS latest
"""  # noqa: S608 - nothing of a caller's is in it


def reservations_by_booking(primary: StatementRunner) -> DataLoader[int, list[SeatReservation]]:
    """Return the loader of the latest 100 changes of each booking's seats, oldest first."""

    async def load(ids: Sequence[int]) -> list[list[SeatReservation]]:
        found: defaultdict[int, list[SeatReservation]] = defaultdict(list)
        for row in await primary.rows(SeatReservation, LATEST, ids=list(ids)):
            found[row.booking_id].append(row)
        return [sorted(found[identity], key=lambda row: row.id) for identity in ids]

    return ShieldedLoader(load)
