"""Adds up the request count of all servers. It runs outside of the queue, for it writes this process's own memory."""

import asyncio
import time
from typing import Final

import structlog

from domain import request_count
from domain.request_count import History
from edge.services import Services
from errors import Unavailable
from runtime.logs import describe_error
from runtime.request_count import CountReport

# Each server writes its count and reads the others' at this interval, so a count is at most a second behind.
EVERY_SECONDS: Final = 0.5
SAMPLE_SECONDS: Final = 0.025

log = structlog.get_logger("matinee.jobs")


async def add_up_forever(services: Services) -> None:
    """Write and read counts until cancelled; without a database only this machine's own count grows."""
    written: CountReport | None = None
    history, due = History(), 0.0
    while True:
        history.note(services.request_counter.count_live())
        if time.monotonic() >= due:
            try:
                written = await request_count.add_up(
                    services.database, services.request_counter, history, written=written
                )
            except Exception as error:  # noqa: BLE001  # the loop must survive any failure: the next attempt may succeed
                log.warning("request count of other servers is unknown for now", reason=describe_error(error))
            due = time.monotonic() + EVERY_SECONDS
        await asyncio.sleep(SAMPLE_SECONDS)


async def write_final_count(services: Services) -> None:
    """Write what was counted since the last write, so that a server loses nothing when it ends."""
    try:
        await request_count.add_up(services.database, services.request_counter, History())
    except Unavailable:
        log.warning("could not write the last requests to the request count")
