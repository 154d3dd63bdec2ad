"""The queue: procrastinate on connections of its own, so that jobs never wait for requests, nor requests for jobs."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Final

import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.jobs import DeleteJobCondition

from db import engine
from domain import export
from edge.services import Services
from jobs import expiries, exports, prices, stalled

# Two to listen, one to fetch jobs, two to spare.
CONNECTIONS: Final = 5
GRACE_SECONDS: Final = 5.0
HEARTBEAT_SECONDS: Final = 5.0
# How many jobs run at once. Apart, so that what is short never waits for what is long.
QUEUES: Final = {"default": 4, export.QUEUE: 1}
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
    for jobs in (expiries, exports, prices, stalled):
        jobs.add_to(queue)
    return queue


async def work_once(services: Services) -> None:
    """Run jobs until cancelled or until the database goes away."""
    settings = services.settings
    pool_of_jobs = engine.pool(
        settings.database_url or "",
        size=CONNECTIONS,
        statement_seconds=settings.statement_seconds,
        lock_seconds=settings.lock_seconds,
        # Procrastinate commits by itself, and says autocommit of its own where it listens.
        autocommit=False,
    )
    async with pool_of_jobs as pool:
        queue = make_queue()
        async with queue.open_async(pool):
            await together([run(queue, kind, services, at_once=at_once) for kind, at_once in QUEUES.items()])


async def together(workers: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run workers until one of them ends, which it does without a word when its connection is cut; then end all."""
    tasks = [asyncio.create_task(worker) for worker in workers]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def run(queue: App, kind: str, services: Services, *, at_once: int) -> None:
    """Run the jobs of one queue."""
    await queue.run_worker_async(
        queues=[kind],
        concurrency=at_once,
        additional_context={"services": services},
        delete_jobs=DeleteJobCondition.SUCCESSFUL,
        install_signal_handlers=False,
        shutdown_graceful_timeout=GRACE_SECONDS,
        update_heartbeat_interval=HEARTBEAT_SECONDS,
        stalled_worker_timeout=stalled.SILENT_SECONDS,
    )
