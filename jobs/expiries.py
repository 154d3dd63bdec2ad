"""Closes bookings whose hold is over and gives their seats back; nobody waits for it, it only keeps the books short."""

from typing import Final

import structlog
from procrastinate import App, JobContext

from domain import stock
from services import Services

EVERY_TEN_SECONDS: Final = "* * * * * */10"
BATCH: Final = 500

NAME: Final = "expiries:give_back_expired_seats"

log = structlog.get_logger("matinee.jobs")


def add_to(queue: App) -> None:
    """Add the job to a queue: every ten seconds, unless the one before still waits."""
    task = queue.task(name=NAME, queueing_lock="give_back_expired_seats", pass_context=True)(give_back_expired_seats)
    queue.periodic(cron=EVERY_TEN_SECONDS)(task)


async def give_back_expired_seats(context: JobContext, timestamp: int) -> None:
    """Close everything that has expired, a batch a transaction, so that no session stays locked for long."""
    services: Services = context.additional_context["services"]
    closed = BATCH
    while closed == BATCH:
        async with services.database.transaction() as tx:
            closed = await stock.give_back(tx, batch=BATCH)
        if closed:
            log.info("expired bookings closed", bookings=closed, scheduled_at=timestamp)
