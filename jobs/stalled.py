"""Runs again what a killed worker has left behind."""

from typing import Final

import structlog
from procrastinate import App, JobContext
from procrastinate.jobs import Job, Status

from domain import export
from edge.services import Services

EVERY_TEN_SECONDS: Final = "* * * * * */10"
# A worker that has not given a sign of life for so long is dead. With the ten seconds above its jobs run again in less
# than the minute that the contract allows.
SILENT_SECONDS: Final = 20.0
# One that kills its worker each time would do so for ever.
MOST_ATTEMPTS: Final = 10

NAME: Final = "stalled:run_stalled_jobs_again"

log = structlog.get_logger("matinee.jobs")


def add_to(queue: App) -> None:
    """Add the job to a queue: every ten seconds, unless the one before still waits."""
    task = queue.task(name=NAME, queueing_lock="run_stalled_jobs_again", pass_context=True)(run_stalled_jobs_again)
    queue.periodic(cron=EVERY_TEN_SECONDS)(task)


async def run_stalled_jobs_again(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - procrastinate gives it
    """Queue the jobs of dead workers again."""
    services: Services = context.additional_context["services"]
    for job in await context.app.job_manager.get_stalled_jobs(seconds_since_heartbeat=SILENT_SECONDS):
        if job.id != context.job.id:
            await rescue(context, job, services)


async def rescue(context: JobContext, job: Job, services: Services) -> None:
    """Queue a job again, or end it: a periodic one comes again by itself, and one may have failed too often."""
    manager = context.app.job_manager
    if job.queueing_lock is not None:
        await manager.finish_job(job, Status.FAILED, delete_job=True)
    elif job.attempts >= MOST_ATTEMPTS:
        await manager.finish_job(job, Status.FAILED, delete_job=False)
        async with services.database.transaction() as tx:
            await export.give_up(
                tx, export_id=int(str(job.task_kwargs["export_id"])), error="The server gave up on it."
            )
    else:
        log.warning("job of a dead worker runs again", task=job.task_name, job=job.id)
        await manager.retry_job(job)
