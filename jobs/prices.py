"""Asks the providers once a minute: what is known of prices, and goes into exports, is kept when nobody looks, too."""

from typing import Final

from procrastinate import App, JobContext

from edge.services import Services

EVERY_MINUTE: Final = "* * * * *"
NAME: Final = "prices:refresh_prices"


def add_to(queue: App) -> None:
    """Add the job to a queue: every minute, unless the one before still waits."""
    task = queue.task(name=NAME, queueing_lock="refresh_prices", pass_context=True)(refresh_prices)
    queue.periodic(cron=EVERY_MINUTE)(task)


async def refresh_prices(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - procrastinate gives it
    """Ask all providers, side by side."""
    services: Services = context.additional_context["services"]
    await services.prices.refresh()
