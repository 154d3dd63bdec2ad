"""The request count over all servers: each run of one writes what it has counted, and reads what the others have."""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from db.engine import Database, Transaction
from runtime.request_count import Counted, RequestCounter

# A reset is known to all servers long before.
REMEMBERED_SECONDS: Final = 3.0
# Who resets tells its own memory. Where it was killed in between, the database does.
TOLD_BY_NOW_SECONDS: Final = 2.0

# Counts of an older generation were reset; what they are is nobody's business any more.
RESET: Final = """
    WITH reset AS (
        INSERT INTO request_count_resets (generation, run, reset_at) VALUES (1, %(run)s, clock_timestamp())
        ON CONFLICT (id) DO UPDATE SET
            generation = request_count_resets.generation + 1, run = excluded.run, reset_at = clock_timestamp()
        RETURNING generation
    ), gone AS (
        DELETE FROM request_counts WHERE generation < (SELECT generation FROM reset)
    )
    SELECT generation FROM reset
"""
# The whole of what the run has counted, and never how much more: written twice, or late, it is still right.
WRITE: Final = """
    INSERT INTO request_counts (run, generation, counted) VALUES (%(run)s, %(generation)s, %(counted)s)
    ON CONFLICT (run) DO UPDATE SET
        counted = CASE WHEN request_counts.generation = excluded.generation
            THEN greatest(request_counts.counted, excluded.counted) ELSE excluded.counted END,
        generation = excluded.generation
    WHERE excluded.generation >= request_counts.generation
"""
READ: Final = """
    SELECT latest.generation, latest.by_this_run, latest.seconds_ago, (
        SELECT coalesce(sum(counted), 0)::bigint FROM request_counts
        WHERE generation = latest.generation AND run <> %(run)s
    ) FROM (
        SELECT generation, run = %(run)s AS by_this_run,
            extract(epoch FROM clock_timestamp() - reset_at)::double precision AS seconds_ago
        FROM request_count_resets
        UNION ALL SELECT 0, false, 0.0 WHERE NOT EXISTS (SELECT FROM request_count_resets)
    ) AS latest
"""


@dataclass(frozen=True, slots=True)
class History:
    """What this run had counted a moment ago, so that a reset elsewhere takes effect here when it was made."""

    moments: deque[tuple[float, int]] = field(default_factory=deque)

    def note(self, live: int) -> None:
        """Remember what is counted now."""
        now = time.monotonic()
        self.moments.append((now, live))
        while self.moments[0][0] < now - REMEMBERED_SECONDS:
            self.moments.popleft()

    def live_then(self, seconds_ago: float) -> int | None:
        """Return what was counted so long ago, None where that is not remembered."""
        then = time.monotonic() - seconds_ago
        return next((live for moment, live in reversed(self.moments) if moment <= then), None)


async def reset(tx: Transaction, tally: RequestCounter) -> int:
    """Begin a generation in which nothing is counted yet, for all servers, and return it.

    Once it is durable, tell it to the tally (`learn(generation, 0)`), so that this machine's workers know it at once.
    """
    generation: int = await tx.value(RESET, run=tally.counted().run)
    return generation


async def add_up(
    database: Database, tally: RequestCounter, history: History, *, written: Counted | None = None
) -> Counted:
    """Write what this run has counted, unless that was `written` before; read the others', and return what was written.

    Raises Unavailable.
    """
    counted = tally.counted()
    if counted != written:
        async with database.transaction() as tx:
            await tx.execute(WRITE, run=counted.run, generation=counted.generation, counted=counted.number)
    ((generation, by_this_run, seconds_ago, others),) = await database.primary.tuples(READ, run=counted.run)
    if not by_this_run or generation == counted.generation or seconds_ago > TOLD_BY_NOW_SECONDS:
        tally.learn(generation, others, live_then=history.live_then(seconds_ago))
    return counted
