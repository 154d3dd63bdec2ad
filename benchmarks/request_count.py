"""What counting costs a trivial route: the whole app with and without it, turn by turn.

    python -m benchmarks.request_count [--requests 500] [--rounds 200]

It asks `/livez` of the app itself, without a socket, whose cost would hide the difference: of a request that is served
the share is smaller still. Without counting, the tally's `add` does nothing; as even that is a call, the call alone is
timed too, and set against the time of a request. The larger of the two is the result. No database is needed. What is
timed is the processor's time, in short turns, so that neighbours and drift trouble both ways alike.
"""

import argparse
import asyncio
import gc
import logging
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Final
from unittest import mock

import structlog
from starlette.applications import Starlette
from starlette.types import Message, Scope

from app import create_app
from config.settings import Settings
from runtime.request_count import RequestCounter, join_counter, make_shared_counter_file

# Of the throughput of a trivial route.
MOST: Final = 0.02
SCOPE: Scope = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/livez",
    "raw_path": b"/livez",
    "query_string": b"",
    "root_path": "",
    "headers": [(b"host", b"localhost")],
    "client": ("127.0.0.1", 50000),
    "server": ("127.0.0.1", 8000),
}

CALLS: Final = 200_000

Add = Callable[[RequestCounter], None]
Way = Callable[[int], Awaitable[float]]


def answering(app: Starlette, counting: Add) -> Way:
    """Return what answers so many requests, counted in this way, and returns the seconds."""

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(_: Message) -> None:
        pass

    async def run(requests: int) -> float:
        with mock.patch.object(RequestCounter, "add", counting):
            started = time.process_time()
            for _ in range(requests):
                await app({**SCOPE}, receive, send)
            return time.process_time() - started

    return run


def without(_: RequestCounter) -> None:
    """Count nothing."""


async def compared(less: Way, more: Way, *, requests: int, rounds: int) -> tuple[float, float]:
    """Return by how much longer `more` took, in the median of all rounds, and the seconds of one of its requests."""
    ratios, seconds = [], []
    for turn in range(rounds):
        # Each goes first in turn.
        if turn % 2:
            short, long = await less(requests), await more(requests)
        else:
            long, short = await more(requests), await less(requests)
        ratios.append(long / short - 1)
        seconds.append(long / requests)
    return statistics.median(ratios), statistics.median(seconds)


def seconds_of_a_call(tally_: RequestCounter) -> float:
    """Return how long one call takes, the loop around it included."""
    started = time.process_time()
    for _ in range(CALLS):
        tally_.add()
    return (time.process_time() - started) / CALLS


def main() -> None:
    """Compare, print, and end with status 1 where counting costs more than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=200)
    asked = parser.parse_args()
    # The access log is not what is measured, and would be most of it.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    settings = Settings.from_env({"MATINEE_SECRET": "s" * 32, "DATABASE_URL": "postgresql://nobody@localhost/none"})
    gc.freeze()
    with make_shared_counter_file() as file:
        app = create_app(settings, counts=file)
        ways = (answering(app, without), answering(app, RequestCounter.add))
        paired, request = asyncio.run(compared(*ways, requests=asked.requests, rounds=asked.rounds))
        call = seconds_of_a_call(join_counter(file, worker=1))
    print(f"in turns, without and with counting: {paired:+.2%}")
    print(f"one call {call * 1e9:.0f} ns, one request {request * 1e6:.1f} µs: {call / request:+.2%}")
    cost = max(paired, call / request)
    print(f"counting costs {cost:.2%} of a trivial route, {MOST:.0%} at most")
    sys.exit(cost > MOST)


if __name__ == "__main__":
    main()
