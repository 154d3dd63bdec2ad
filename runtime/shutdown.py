"""The deadlines of a shutdown, all counted from the signal, so that late steps do not add up."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Final

import structlog

# Supervisors kill a process 10 s after the signal. These are seconds after the signal too, not durations: a step that takes
# too long leaves less to those after it. Running requests come first and have 5 s (runtime/server.py).
SERVICES_CLOSED: Final = 6.5
WORKERS_ENDED: Final = 7.0
DATABASE_STOPPED: Final = 9.0


log = structlog.get_logger("matinee.shutdown")


@dataclass
class Shutdown:
    """When the shutdown of this process began, on the monotonic clock; None as long as no signal has come."""

    began: float | None = None


SHUTDOWN: Final = Shutdown()


def begin_shutdown() -> None:
    """Count the deadlines of the shutdown from now on; a second signal changes nothing."""
    if SHUTDOWN.began is None:
        SHUTDOWN.began = time.monotonic()


def limit_to_deadline(seconds: float, *, deadline: float) -> float:
    """Return `seconds`, or the time left until a deadline of the shutdown where that is less; at least 0.

    Without a signal, as in tests and after a failed start, no deadline counts yet.
    """
    if SHUTDOWN.began is None:
        return seconds
    return max(0.0, min(seconds, SHUTDOWN.began + deadline - time.monotonic()))


async def finish_together(steps: Iterable[Coroutine[Any, Any, object]], *, seconds: float) -> None:
    """Run the steps of a shutdown at the same time for at most `seconds`; cancel those that are late without waiting for them.

    An error of one step is logged, since the steps that follow have to run all the same.
    """
    running = [asyncio.create_task(step) for step in steps]
    if not running:
        return
    ended, late = await asyncio.wait(running, timeout=seconds)
    for step in late:
        step.cancel()
    for step in ended:
        if not step.cancelled() and (error := step.exception()) is not None:
            log.error("a step of the shutdown failed", exc_info=error)


def finish(step: Callable[[], object]) -> None:
    """Run a step of a shutdown that waits for nothing; log its error."""
    try:
        step()
    except Exception:
        log.exception("a step of the shutdown failed")
