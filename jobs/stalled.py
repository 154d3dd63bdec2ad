"""A job that queues the jobs of killed workers again."""

from typing import Final

import structlog
from procrastinate import App, JobContext
from procrastinate.jobs import Job, Status

from domain import export
from edge.services import Services

EVERY_TEN_SECONDS: Final = "* * * * * */10"
# A worker without a heartbeat for this long is dead. With the ten seconds above its jobs run again within the minute
# that the contract allows (docs/contract/prices.md).
HEARTBEAT_TIMEOUT_SECONDS: Final = 20.0
# A job that kills its worker each time must end at some point.
MAX_ATTEMPTS: Final = 10

NAME: Final = "stalled:run_stalled_jobs_again"

log = structlog.get_logger("matinee.jobs")


def register_jobs(queue: App) -> None:
    """Register the job with a queue: every ten seconds, unless the previous one still waits."""
    task = queue.task(name=NAME, queueing_lock="run_stalled_jobs_again", pass_context=True)(run_stalled_jobs_again)
    queue.periodic(cron=EVERY_TEN_SECONDS)(task)


async def run_stalled_jobs_again(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - procrastinate gives it
    """Queue the jobs of dead workers again."""
    services: Services = context.additional_context["services"]
    for job in await context.app.job_manager.get_stalled_jobs(seconds_since_heartbeat=HEARTBEAT_TIMEOUT_SECONDS):
        if job.id != context.job.id:
            await requeue(context, job, services)


async def requeue(context: JobContext, job: Job, services: Services) -> None:
    """Queue a job again. End it instead where it is periodic, and so is queued again anyway, or was tried too often."""
    manager = context.app.job_manager
    if job.queueing_lock is not None:
        await manager.finish_job(job, Status.FAILED, delete_job=True)
    elif job.attempts >= MAX_ATTEMPTS:
        await manager.finish_job(job, Status.FAILED, delete_job=False)
        async with services.database.transaction() as tx:
            await export.give_up_export(
                tx, export_id=int(str(job.task_kwargs["export_id"])), error="The server gave up on it."
            )
    else:
        log.warning("requeued a job of a dead worker", task=job.task_name, job=job.id)
        await manager.retry_job(job)
