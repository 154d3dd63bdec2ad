"""The request count over all servers: each server process writes its own count and reads the others'."""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from db.engine import Database, Transaction
from runtime.request_count import CountReport, RequestCounter

# Longer than a reset takes to reach all servers.
REMEMBERED_SECONDS: Final = 3.0
# The process that resets updates its own memory at once. After this time, it has been killed before it could, and the
# database's value is used.
TOLD_BY_NOW_SECONDS: Final = 2.0

# Counts of an older generation were reset, and are deleted.
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
# Writes the whole count, never an increment: it is right even when it is written twice or late.
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
    """The latest counts of this run, so that a reset on another server takes effect from its own instant."""

    moments: deque[tuple[float, int]] = field(default_factory=deque)

    def note(self, live: int) -> None:
        """Remember the present count."""
        now = time.monotonic()
        self.moments.append((now, live))
        while self.moments[0][0] < now - REMEMBERED_SECONDS:
            self.moments.popleft()

    def live_then(self, seconds_ago: float) -> int | None:
        """Return the count of that many seconds ago, None where it is not remembered."""
        then = time.monotonic() - seconds_ago
        return next((live for moment, live in reversed(self.moments) if moment <= then), None)


async def begin_generation(tx: Transaction, counter: RequestCounter) -> int:
    """Begin a new generation, whose count is 0 on all servers, and return its number.

    After the commit the caller passes it to the counter (`learn(generation, 0)`), so that this machine's workers use it at once.
    """
    generation: int = await tx.value(RESET, run=counter.make_report().run)
    return generation


async def add_up(
    database: Database, counter: RequestCounter, history: History, *, written: CountReport | None = None
) -> CountReport:
    """Write the count of this run, unless it equals `written`; read the others', and return what was written.

    Raises Unavailable.
    """
    counted = counter.make_report()
    if counted != written:
        async with database.transaction() as tx:
            await tx.execute(WRITE, run=counted.run, generation=counted.generation, counted=counted.number)
    ((generation, by_this_run, seconds_ago, others),) = await database.primary.tuples(READ, run=counted.run)
    if not by_this_run or generation == counted.generation or seconds_ago > TOLD_BY_NOW_SECONDS:
        counter.merge_others(generation, others, live_then=history.live_then(seconds_ago))
    return counted
