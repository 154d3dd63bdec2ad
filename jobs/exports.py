"""Jobs that write the files of exports, with retries, and delete them once they have expired."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final

import structlog
from procrastinate import App, JobContext, RetryStrategy

from domain import export
from domain.export import Superseded
from edge.services import Services
from errors import Unavailable, UpstreamUnavailable

# After 2, 4, 8, 16, 32 and 64 seconds.
RETRIES: Final = 6
BATCH: Final = 1000
REPORT_EVERY: Final = 10_000
EVERY_TEN_MINUTES: Final = "*/10 * * * *"
REASONS: Final[dict[type[BaseException], str]] = {
    asyncio.CancelledError: "The server was stopped.",
    Unavailable: "The database did not answer.",
    UpstreamUnavailable: "The file could not be stored.",
}

EXPIRE: Final = "exports:keep_exports"

log = structlog.get_logger("matinee.jobs")


def register_jobs(queue: App) -> None:
    """Register the jobs with a queue: one for each requested export, and one that expires exports every ten minutes."""
    retry = RetryStrategy(max_attempts=RETRIES, exponential_wait=2)
    queue.task(name=export.TASK, queue=export.QUEUE, retry=retry, pass_context=True)(write_export)
    task = queue.task(name=EXPIRE, queueing_lock="keep_exports", pass_context=True)(expire_exports)
    queue.periodic(cron=EVERY_TEN_MINUTES)(task)


async def write_export(context: JobContext, export_id: int) -> None:
    """Write the file of an export and complete it; a failure is recorded with the export, and the job is retried."""
    services: Services = context.additional_context["services"]
    async with services.database.transaction() as tx:
        attempt = await export.begin_attempt(tx, export_id=export_id)
    if attempt is None:
        return
    try:
        await write_file(services, export_id=export_id, attempt=attempt)
    except Superseded:
        log.info("another worker has taken over the export", export=export_id, attempt=attempt)
    except (Exception, asyncio.CancelledError) as error:
        last = context.job.attempts >= RETRIES
        known = REASONS.get(type(error))
        reason = known or "Something went wrong on our side."
        log.warning(
            "export failed", export=export_id, attempt=attempt, reason=reason, last=last, exc_info=known is None
        )
        async with services.database.transaction() as tx:
            await export.end_attempt(tx, export_id=export_id, attempt=attempt, error=reason, last=last)
        raise


async def write_file(services: Services, *, export_id: int, attempt: int) -> None:
    """Write the file, and complete the export."""
    rows = 0
    reader = services.database.primary
    made = export.write_lines(reader, export_id=export_id, attempt=attempt, batch=BATCH, report_every=REPORT_EVERY)

    async def parts() -> AsyncIterator[bytes]:
        nonlocal rows
        async for part, so_far in made:
            rows = so_far
            yield part

    async with aclosing(made):
        await services.store.write(export.name_file(export_id), parts())
    async with services.database.transaction() as tx:
        done = await export.complete_export(tx, export_id=export_id, attempt=attempt, rows=rows)
    log.info("export written", export=export_id, attempt=attempt, rows=rows, completed=done)


async def expire_exports(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - procrastinate gives it
    """Run `delete_expired_files`, then `request_daily_export`."""
    services: Services = context.additional_context["services"]
    await delete_expired_files(services)
    await request_daily_export(services)


async def delete_expired_files(services: Services) -> None:
    """Delete the files of exports that have expired; a file that cannot be deleted is tried again by the next run."""
    for export_id in await export.list_due_exports(services.database.primary):
        try:
            await services.store.delete(export.name_file(export_id))
        except UpstreamUnavailable:
            log.warning("could not delete the file of an expired export", export=export_id)
            continue
        async with services.database.transaction() as tx:
            await export.expire_export(tx, export_id=export_id)


async def request_daily_export(services: Services) -> None:
    """Request the daily export where MATINEE_EXPORT_DAILY is on and none was requested today."""
    if services.settings.export_daily:
        async with services.database.transaction() as tx:
            await export.request_daily_export(tx)
