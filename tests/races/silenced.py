"""The `matinee` command that says no more once it has committed under an idempotency key: as if its answers were lost."""

import asyncio

from cli import main
from db.held import Held

commit = Held.commit


async def commit_and_fall_silent(held: Held) -> None:
    """Commit, and answer nobody."""
    await commit(held)
    await asyncio.sleep(60)


Held.commit = commit_and_fall_silent  # type: ignore[assignment, method-assign]

if __name__ == "__main__":
    main()
