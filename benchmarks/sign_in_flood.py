"""What a flood of sign-ins costs other requests: their latency with and without it, in turns.

    python -m benchmarks.sign_in_flood [--callers 32] [--rounds 5] [--seconds 3]

It starts a server of one worker with the demo data, and reads a list of movies again and again by one caller. In every
second turn some callers sign in as fast as they can. It prints the latencies of both kinds of turns, and how many sign-ins
there were. The callers run on the same processors as the server, so that a part of what they cost is their own.
"""

import argparse
import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx

from benchmarks.server import PASSWORD, make_folder, serving, sign_up

ACCOUNT: Final = {"email": "ada@example.org", "password": PASSWORD}
LIMITS: Final = {"MATINEE_LIMIT_SIGN_IN": "900000000/minute"}
LIST: Final = "/v1/movies?limit=20"
SIGN_IN: Final = "/v1/auth/signin"


async def read_lists(client: httpx.AsyncClient, *, seconds: float) -> list[float]:
    """Return the milliseconds that each read of a list took."""
    took, end = [], time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        (await client.get(LIST)).raise_for_status()
        took.append((time.perf_counter() - began) * 1000)
    return took


def flood(address: str, callers: int, counter: Any) -> None:  # noqa: ANN401 - ctypes gives it no type
    """Sign in by so many callers until the process is ended, and count the answers."""

    async def sign_in_repeatedly(client: httpx.AsyncClient) -> None:
        while True:
            if (await client.post(SIGN_IN, json=ACCOUNT)).status_code == httpx.codes.OK:
                counter.value += 1

    async def sign_in_together() -> None:
        limits = httpx.Limits(max_connections=callers)
        async with httpx.AsyncClient(base_url=address, limits=limits, timeout=30) as client:
            await asyncio.gather(*(sign_in_repeatedly(client) for _ in range(callers)))

    asyncio.run(sign_in_together())


@contextmanager
def flooding(address: str, *, callers: int) -> Iterator[Any]:
    """Flood the server from a process of its own for the length of a block; yield the counter of the sign-ins."""
    context = multiprocessing.get_context("spawn")
    counter = context.RawValue("Q", 0)
    process = context.Process(target=flood, args=(address, callers, counter), daemon=True)
    process.start()
    try:
        while not counter.value:
            time.sleep(0.05)
        yield counter
    finally:
        process.terminate()
        process.join()


async def measure(address: str, options: argparse.Namespace) -> None:
    """Print what reads take without and with a flood."""
    quiet: list[float] = []
    flooded: list[float] = []
    signed_in = 0
    async with httpx.AsyncClient(base_url=address, timeout=30) as client:
        await sign_up(client, ACCOUNT["email"])
        await read_lists(client, seconds=1)
        for _ in range(options.rounds):
            quiet += await read_lists(client, seconds=options.seconds)
            with flooding(address, callers=options.callers) as counter:
                before = counter.value
                flooded += await read_lists(client, seconds=options.seconds)
                signed_in += counter.value - before
    print(f"without: {describe(quiet)}")
    print(f"with {signed_in / options.rounds / options.seconds:.0f} sign-ins a second: {describe(flooded)}")


def describe(took: list[float]) -> str:
    """Return the median and the 99th percentile of latencies."""
    return f"p50 {statistics.median(took):.1f} ms, p99 {statistics.quantiles(took, n=100)[98]:.1f} ms"


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--callers", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    with make_folder() as folder, serving(folder, **LIMITS) as server:
        asyncio.run(measure(server.address, options))


if __name__ == "__main__":
    main()
