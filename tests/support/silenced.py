"""The `matinee` command that says no more once it has committed under an idempotency key: as if its answers were lost."""

import asyncio

from cli.main import main
from db.request_transaction import RequestTransaction

commit = RequestTransaction.commit


async def commit_and_fall_silent(request_tx: RequestTransaction) -> None:
    """Commit, and answer nobody."""
    await commit(request_tx)
    await asyncio.sleep(60)


RequestTransaction.commit = commit_and_fall_silent  # type: ignore[assignment, method-assign]

if __name__ == "__main__":
    main()
