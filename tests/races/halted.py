"""The `matinee` command that stops dead before it commits under an idempotency key."""

import asyncio

from cli import main
from db.held import Held


async def stop_dead(_: Held) -> None:
    """Commit nothing."""
    await asyncio.sleep(60)


Held.commit = stop_dead  # type: ignore[assignment, method-assign]

if __name__ == "__main__":
    main()
