"""The `matinee` command that stops dead before it commits under an idempotency key."""

import asyncio

from cli.main import main
from db.request_transaction import RequestTransaction
from db.stepwise_transaction import StepwiseTransaction


async def stop_dead(*_: object) -> None:
    """Commit nothing."""
    await asyncio.sleep(60)


RequestTransaction.commit = stop_dead  # type: ignore[assignment, method-assign]
StepwiseTransaction.commit = stop_dead  # type: ignore[assignment, method-assign]

if __name__ == "__main__":
    main()
