"""The job queue: procrastinate on connections of its own, so that jobs and requests never wait for each other."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Final

import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.jobs import DeleteJobCondition

from db.pool import make_pool
from domain import export
from edge.services import Services
from jobs import expiries, exports, prices, stalled
from runtime.logs import describe_error

# Two to listen, one to fetch jobs, two to spare.
CONNECTIONS: Final = 5
GRACE_SECONDS: Final = 5.0
HEARTBEAT_SECONDS: Final = 5.0
# How many jobs of each queue run at once. Exports have a queue of their own, so that short jobs never wait for them.
QUEUES: Final = {"default": 4, export.QUEUE: 1}
RESTART_SECONDS: Final = 5.0

log = structlog.get_logger("matinee.jobs")


async def run_jobs(services: Services) -> None:
    """Run jobs until cancelled; restart after the connection to the database was lost."""
    while True:
        try:
            await run_until_disconnected(services)
        except Exception as error:  # noqa: BLE001  # the loop must survive any failure: bookings still have to expire
            log.warning("job worker restarts", reason=describe_error(error), seconds=RESTART_SECONDS)
        await asyncio.sleep(RESTART_SECONDS)


def make_queue() -> App:
    """Return the queue with all its jobs, not yet connected.

    Each call makes a new one and registers the jobs again: procrastinate renames a Blueprint each time it is added to a queue.
    """
    queue = App(connector=PsycopgConnector())
    for jobs in (expiries, exports, prices, stalled):
        jobs.register_jobs(queue)
    return queue


async def run_until_disconnected(services: Services) -> None:
    """Run jobs until cancelled or until the connection to the database is lost."""
    settings = services.settings
    job_pool = make_pool(
        settings.direct_url or "",
        size=CONNECTIONS,
        statement_seconds=settings.statement_seconds,
        lock_seconds=settings.lock_seconds,
        # Procrastinate commits by itself, and sets autocommit where it listens.
        autocommit=False,
        # What requests have found out about the server holds for jobs as well.
        watch=services.database.primary.pool.watch,
    )
    async with job_pool as pool:
        queue = make_queue()
        async with queue.open_async(pool):
            await run_together([run_queue(queue, kind, services, at_once=at_once) for kind, at_once in QUEUES.items()])


async def run_together(workers: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run workers until one of them ends, then end all. A worker ends silently when its connection is cut."""
    tasks = [asyncio.create_task(worker) for worker in workers]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def run_queue(queue: App, kind: str, services: Services, *, at_once: int) -> None:
    """Run the jobs of one queue."""
    await queue.run_worker_async(
        queues=[kind],
        concurrency=at_once,
        additional_context={"services": services},
        delete_jobs=DeleteJobCondition.SUCCESSFUL,
        install_signal_handlers=False,
        shutdown_graceful_timeout=GRACE_SECONDS,
        update_heartbeat_interval=HEARTBEAT_SECONDS,
        stalled_worker_timeout=stalled.HEARTBEAT_TIMEOUT_SECONDS,
    )
