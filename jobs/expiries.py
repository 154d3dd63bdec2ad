"""Jobs that clean up expired rows. Every read already ignores them, so no caller waits for these jobs."""

from collections.abc import AsyncIterator, Awaitable
from functools import partial
from typing import Final, Protocol

import structlog
from procrastinate import App, JobContext

from db.engine import Transaction
from domain import idempotency, page_view, show, stock
from edge.services import Services

EVERY_TEN_SECONDS: Final = "* * * * * */10"
EVERY_MINUTE: Final = "* * * * *"
# When few buy tickets.
EVERY_NIGHT: Final = "20 3 * * *"
BATCH: Final = 500

NAME: Final = "expiries:give_back_expired_seats"
DELETE_SHOWS: Final = "expiries:delete_expired_shows"
DELETE_KEYS: Final = "expiries:delete_expired_keys"
DELETE_VIEWS: Final = "expiries:delete_old_page_views"


class CleanUp(Protocol):
    """Cleans up `batch` rows at most, and returns how many it found."""

    def __call__(self, tx: Transaction, *, batch: int) -> Awaitable[int]:
        """Clean up in this transaction."""


log = structlog.get_logger("matinee.jobs")


def register_jobs(queue: App) -> None:
    """Register the periodic jobs with a queue; a job is not queued again while the previous one waits."""
    task = queue.task(name=NAME, queueing_lock="give_back_expired_seats", pass_context=True)(give_back_expired_seats)
    queue.periodic(cron=EVERY_TEN_SECONDS)(task)
    task = queue.task(name=DELETE_SHOWS, queueing_lock="delete_expired_shows", pass_context=True)(delete_expired_shows)
    queue.periodic(cron=EVERY_MINUTE)(task)
    task = queue.task(name=DELETE_KEYS, queueing_lock="delete_expired_keys", pass_context=True)(delete_expired_keys)
    queue.periodic(cron=EVERY_MINUTE)(task)
    task = queue.task(name=DELETE_VIEWS, queueing_lock="delete_old_page_views", pass_context=True)(
        delete_old_page_views
    )
    queue.periodic(cron=EVERY_NIGHT)(task)


async def give_back_expired_seats(context: JobContext, timestamp: int) -> None:
    """Close expired bookings, so that the column `taken` no longer counts their seats."""
    async for closed in clean_up_in_batches(context, stock.give_back):
        log.info("expired bookings closed", bookings=closed, scheduled_at=timestamp)


async def delete_expired_shows(context: JobContext, timestamp: int) -> None:
    """Delete shows eight hours after their start, with the personal data on their tickets."""
    async for deleted in clean_up_in_batches(context, show.delete_expired_shows):
        log.info("expired shows deleted", shows=deleted, scheduled_at=timestamp)


async def delete_expired_keys(context: JobContext, timestamp: int) -> None:
    """Delete idempotency keys older than a day, with their recorded responses."""
    async for deleted in clean_up_in_batches(context, idempotency.delete_expired_keys):
        log.info("expired idempotency keys deleted", keys=deleted, scheduled_at=timestamp)


async def delete_old_page_views(context: JobContext, timestamp: int) -> None:
    """Delete page views older than the setting says, where it does."""
    services: Services = context.additional_context["services"]
    days = services.settings.page_view_days
    if days is None:
        return
    async for deleted in clean_up_in_batches(context, partial(page_view.delete_old_page_views, days=days)):
        log.info("old page views deleted", page_views=deleted, scheduled_at=timestamp)


async def clean_up_in_batches(context: JobContext, clean_up: CleanUp) -> AsyncIterator[int]:
    """Yield the number of rows that each transaction cleaned up, until none are left.

    Each batch has a transaction of its own, so that no lock is held long.
    """
    services: Services = context.additional_context["services"]
    done = BATCH
    while done == BATCH:
        async with services.database.transaction() as tx:
            done = await clean_up(tx, batch=BATCH)
        if done:
            yield done
