"""The `matinee` command that says no more once it has committed under an idempotency key: as if its answers were lost."""

import asyncio
from collections.abc import Sequence

from cli.main import main
from db.commits import Bound
from db.request_transaction import RequestTransaction
from db.stepwise_transaction import StepwiseTransaction

commit, commit_batch = RequestTransaction.commit, StepwiseTransaction.commit


async def commit_and_fall_silent(request_tx: RequestTransaction) -> None:
    """Commit, and answer nobody."""
    await commit(request_tx)
    await asyncio.sleep(60)


async def commit_batch_and_fall_silent(transaction: StepwiseTransaction, statements: Sequence[Bound]) -> None:
    """Commit, and answer nobody."""
    await commit_batch(transaction, statements)
    await asyncio.sleep(60)


RequestTransaction.commit = commit_and_fall_silent  # type: ignore[assignment, method-assign]
StepwiseTransaction.commit = commit_batch_and_fall_silent  # type: ignore[assignment, method-assign]

if __name__ == "__main__":
    main()
