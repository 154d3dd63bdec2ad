"""Tidies up what has expired; every read leaves it out already, so nobody waits for this."""

from typing import Final

import structlog
from procrastinate import App, JobContext

from domain import idempotency, show, stock
from services import Services

EVERY_TEN_SECONDS: Final = "* * * * * */10"
EVERY_MINUTE: Final = "* * * * *"
BATCH: Final = 500

NAME: Final = "expiries:give_back_expired_seats"
DELETE_SHOWS: Final = "expiries:delete_expired_shows"
DELETE_KEYS: Final = "expiries:delete_expired_keys"

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
    """Close everything that has expired, a batch a transaction, so that no session stays locked for long."""
    services: Services = context.additional_context["services"]
    closed = BATCH
    while closed == BATCH:
        async with services.database.transaction() as tx:
            closed = await stock.give_back(tx, batch=BATCH)
        if closed:
            log.info("expired bookings closed", bookings=closed, scheduled_at=timestamp)


async def delete_expired_shows(context: JobContext, timestamp: int) -> None:
    """Delete the shows whose eight hours are over, with the names and numbers on their tickets."""
    services: Services = context.additional_context["services"]
    deleted = BATCH
    while deleted == BATCH:
        async with services.database.transaction() as tx:
            deleted = await show.delete_expired(tx, batch=BATCH)
        if deleted:
            log.info("expired shows deleted", shows=deleted, scheduled_at=timestamp)


async def delete_expired_keys(context: JobContext, timestamp: int) -> None:
    """Delete the idempotency keys whose day is over, with the answers that were kept under them."""
    services: Services = context.additional_context["services"]
    deleted = BATCH
    while deleted == BATCH:
        async with services.database.transaction() as tx:
            deleted = await idempotency.delete_expired(tx, batch=BATCH)
        if deleted:
            log.info("expired idempotency keys deleted", keys=deleted, scheduled_at=timestamp)
