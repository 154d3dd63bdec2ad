"""The request count over all servers: each run of one writes what it has counted, and reads what the others have."""

from typing import Final

from db.engine import Database, Transaction
from db.tally import Counted, Tally

# Counts of an older generation were reset; what they are is nobody's business any more.
RESET: Final = """
    WITH reset AS (
        INSERT INTO request_count_resets (generation) VALUES (1)
        ON CONFLICT (id) DO UPDATE SET generation = request_count_resets.generation + 1
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
    WITH latest AS (SELECT coalesce(max(generation), 0) AS generation FROM request_count_resets)
    SELECT latest.generation, coalesce(sum(counted), 0)::bigint
    FROM latest LEFT JOIN request_counts
        ON request_counts.generation = latest.generation AND request_counts.run <> %(run)s
    GROUP BY latest.generation
"""


async def reset(tx: Transaction) -> int:
    """Begin a generation in which nothing is counted yet, for all servers, and return it.

    Once it is durable, tell it to the tally (`learn(generation, 0)`), so that this machine's workers know it at once.
    """
    generation: int = await tx.value(RESET)
    return generation


async def add_up(database: Database, tally: Tally, *, written: Counted | None) -> Counted:
    """Write what this run has counted, unless that was `written` before; read the others', and return what was written.

    Raises Unavailable.
    """
    counted = tally.counted()
    if counted != written:
        async with database.transaction() as tx:
            await tx.execute(WRITE, run=counted.run, generation=counted.generation, counted=counted.number)
    ((generation, others),) = await database.primary.tuples(READ, run=counted.run)
    tally.learn(generation, others)
    return counted
