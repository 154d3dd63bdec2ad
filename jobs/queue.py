"""The queue: procrastinate on connections of its own, so that jobs never wait for requests, nor requests for jobs."""

import asyncio
from typing import Final

import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.jobs import DeleteJobCondition

from db import engine
from jobs import expiries
from services import Services

# One to listen, one to fetch jobs, one to spare.
CONNECTIONS: Final = 3
GRACE_SECONDS: Final = 5.0
START_OVER_SECONDS: Final = 5.0

log = structlog.get_logger("matinee.jobs")


async def work(services: Services) -> None:
    """Run jobs until cancelled; start over when the database has gone away meanwhile."""
    while True:
        try:
            await work_once(services)
        except Exception as error:  # noqa: BLE001  # whatever it was, bookings still expire tomorrow
            log.warning("job worker starts over", reason=str(error), seconds=START_OVER_SECONDS)
        await asyncio.sleep(START_OVER_SECONDS)


def make_queue() -> App:
    """Return the queue with all its jobs, not yet connected.

    A new one each time, its jobs added one by one: a Blueprint is renamed by every queue that it is added to.
    """
    queue = App(connector=PsycopgConnector())
    expiries.add_to(queue)
    return queue


async def work_once(services: Services) -> None:
    """Run jobs until cancelled or until the database goes away."""
    settings = services.settings
    bounds = {"statement_seconds": settings.statement_seconds, "lock_seconds": settings.lock_seconds}
    # Procrastinate commits by itself, and says autocommit of its own where it listens.
    async with engine.pool(settings.database_url or "", size=CONNECTIONS, autocommit=False, **bounds) as pool:
        queue = make_queue()
        async with queue.open_async(pool):
            await queue.run_worker_async(
                additional_context={"services": services},
                delete_jobs=DeleteJobCondition.SUCCESSFUL,
                install_signal_handlers=False,
                shutdown_graceful_timeout=GRACE_SECONDS,
            )
