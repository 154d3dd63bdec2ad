"""The number of requests that all servers have served."""

from typing import Final

from domain import request_count
from resolvers.context import Context

# GraphQL's Int has 32 bits; REST has the full number.
LARGEST: Final = 2**31 - 1


async def read_count(context: Context) -> int:
    """Return the count, this request included; for signed-in callers."""
    _ = context.user_id
    return min(context.services.request_counter.count_since_reset(), LARGEST)


async def reset_count(context: Context) -> int:
    """Return the count after its reset: here at once, on other servers within a second; for signed-in callers."""
    _ = context.user_id
    async with context.database.transaction() as tx:
        generation = await request_count.begin_generation(tx, context.services.request_counter)
    context.services.request_counter.merge_others(generation, 0)
    return await read_count(context)
