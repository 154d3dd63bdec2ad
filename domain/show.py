"""Shows at the counter, identified by their time: each sells twenty tickets, and expires eight hours after its start."""

from datetime import datetime
from typing import Final

from db import paging, selects
from db.engine import StatementRunner, Transaction
from db.models import SHOW_LIFE, Show
from errors import ShowNotFound

BY_ID: Final = paging.compile_sql(selects.select_by_ids(Show))
BY_TIMING: Final = f"""
    SELECT * FROM shows
    WHERE show_timing = %(show_timing)s AND show_timing > clock_timestamp() - {SHOW_LIFE}
"""
# Skips locked rows: nobody sells for a show that has begun, so a lock here belongs to a deletion of tickets.
DELETE_EXPIRED: Final = f"""
    WITH expired AS MATERIALIZED (
        SELECT id FROM shows WHERE show_timing <= statement_timestamp() - {SHOW_LIFE}
        ORDER BY id LIMIT %(batch)s FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM shows USING expired WHERE shows.id = expired.id RETURNING shows.id
    )
    SELECT count(*) FROM gone
"""


async def find_show(
    runner: StatementRunner, *, show_id: int | None = None, show_timing: datetime | None = None
) -> Show:
    """Return the show of this id or time, or both; raise ShowNotFound where there is none or it has expired."""
    by_id = None if show_id is None else await runner.row(Show, BY_ID, ids=[show_id])
    if show_timing is None or show_id is not None:
        found = by_id
    else:
        found = await runner.row(Show, BY_TIMING, show_timing=show_timing)
    if found is None or (show_timing is not None and found.show_timing != show_timing):
        raise ShowNotFound
    return found


async def delete_expired_shows(tx: Transaction, *, batch: int) -> int:
    """Delete up to `batch` expired shows with their tickets; return how many were deleted."""
    deleted: int = await tx.value(DELETE_EXPIRED, batch=batch)
    return deleted
