"""Tidies up what has expired; every read leaves it out already, so nobody waits for this."""

from collections.abc import AsyncIterator, Awaitable
from typing import Final, Protocol

import structlog
from procrastinate import App, JobContext

from db.engine import Transaction
from domain import idempotency, show, stock
from edge.services import Services

EVERY_TEN_SECONDS: Final = "* * * * * */10"
EVERY_MINUTE: Final = "* * * * *"
BATCH: Final = 500

NAME: Final = "expiries:give_back_expired_seats"
DELETE_SHOWS: Final = "expiries:delete_expired_shows"
DELETE_KEYS: Final = "expiries:delete_expired_keys"


class Tidy(Protocol):
    """Tidies up `batch` rows at most, and returns how many there were."""

    def __call__(self, tx: Transaction, *, batch: int) -> Awaitable[int]:
        """Do it in this transaction."""


log = structlog.get_logger("matinee.jobs")


def add_to(queue: App) -> None:
    """Add the jobs to a queue, each in its time, unless the one before still waits."""
    task = queue.task(name=NAME, queueing_lock="give_back_expired_seats", pass_context=True)(give_back_expired_seats)
    queue.periodic(cron=EVERY_TEN_SECONDS)(task)
    task = queue.task(name=DELETE_SHOWS, queueing_lock="delete_expired_shows", pass_context=True)(delete_expired_shows)
    queue.periodic(cron=EVERY_MINUTE)(task)
    task = queue.task(name=DELETE_KEYS, queueing_lock="delete_expired_keys", pass_context=True)(delete_expired_keys)
    queue.periodic(cron=EVERY_MINUTE)(task)


async def give_back_expired_seats(context: JobContext, timestamp: int) -> None:
    """Close everything that has expired, so that its seats are on the books as free."""
    async for closed in in_batches(context, stock.give_back):
        log.info("expired bookings closed", bookings=closed, scheduled_at=timestamp)


async def delete_expired_shows(context: JobContext, timestamp: int) -> None:
    """Delete the shows whose eight hours are over, with the names and numbers on their tickets."""
    async for deleted in in_batches(context, show.delete_expired):
        log.info("expired shows deleted", shows=deleted, scheduled_at=timestamp)


async def delete_expired_keys(context: JobContext, timestamp: int) -> None:
    """Delete the idempotency keys whose day is over, with the answers that were kept under them."""
    async for deleted in in_batches(context, idempotency.delete_expired):
        log.info("expired idempotency keys deleted", keys=deleted, scheduled_at=timestamp)


async def in_batches(context: JobContext, tidy: Tidy) -> AsyncIterator[int]:
    """Yield how many rows each transaction has tidied up until none are left: a batch each, so that no lock is held long."""
    services: Services = context.additional_context["services"]
    done = BATCH
    while done == BATCH:
        async with services.database.transaction() as tx:
            done = await tidy(tx, batch=BATCH)
        if done:
            yield done
