"""Adds up the request count of all servers, outside the queue: it is memory of this very process that is written."""

import asyncio
import time
from typing import Final

import structlog

from domain import request_count
from domain.request_count import History
from edge.services import Services
from errors import Unavailable
from runtime.request_count import Counted

# Its own count is read by others as often: together they are a second behind at most.
EVERY_SECONDS: Final = 0.5
NOTED_EVERY_SECONDS: Final = 0.025

log = structlog.get_logger("matinee.jobs")


async def keep_adding_up(services: Services) -> None:
    """Write and read counts until cancelled; without a database this machine's own count goes on."""
    written: Counted | None = None
    history, due = History(), 0.0
    while True:
        history.note(services.request_counter.live())
        if time.monotonic() >= due:
            try:
                written = await request_count.add_up(
                    services.database, services.request_counter, history, written=written
                )
            except Exception as error:  # noqa: BLE001  # whatever it was, the next time may be better
                log.warning("the request count is this server's own for now", reason=str(error))
            due = time.monotonic() + EVERY_SECONDS
        await asyncio.sleep(NOTED_EVERY_SECONDS)


async def write_last(services: Services) -> None:
    """Write what was counted since; a server that ends loses nothing."""
    try:
        await request_count.add_up(services.database, services.request_counter, History())
    except Unavailable:
        log.warning("the last requests were not counted")
