"""A job that reads all provider prices once a minute, so that prices and exports are current without visitors."""

from typing import Final

from procrastinate import App, JobContext

from edge.services import Services

EVERY_MINUTE: Final = "* * * * *"
NAME: Final = "prices:refresh_prices"


def register_jobs(queue: App) -> None:
    """Register the job with a queue: every minute, unless the previous one still waits."""
    task = queue.task(name=NAME, queueing_lock="refresh_prices", pass_context=True)(refresh_prices)
    queue.periodic(cron=EVERY_MINUTE)(task)


async def refresh_prices(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - procrastinate gives it
    """Fetch the prices of all providers concurrently."""
    services: Services = context.additional_context["services"]
    await services.prices.refresh()
