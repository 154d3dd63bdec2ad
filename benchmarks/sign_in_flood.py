"""What a flood of sign-ins costs other requests: their latency with and without it, in turns.

    python -m benchmarks.sign_in_flood [--callers 32] [--rounds 5] [--seconds 3]

It starts a server of one worker with the demo data, and reads a list of movies again and again by one caller. In every
second turn some callers sign in as fast as they can. It prints the latencies of both kinds of turns, and how many sign-ins
there were. The callers run on the same processors as the server, so that a part of what they cost is their own.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx

from benchmarks.server import serving

ACCOUNT: Final = {"email": "ada@example.org", "password": "correct horse battery"}
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


@asynccontextmanager
async def flooding(client: httpx.AsyncClient, *, callers: int) -> AsyncIterator[list[int]]:
    """Sign in by so many callers for the length of a block; yield the statuses of the answers."""
    statuses: list[int] = []

    async def sign_in_repeatedly() -> None:
        while True:
            statuses.append((await client.post(SIGN_IN, json=ACCOUNT)).status_code)

    tasks = [asyncio.create_task(sign_in_repeatedly()) for _ in range(callers)]
    try:
        yield statuses
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def measure(address: str, options: argparse.Namespace) -> None:
    """Print what reads take without and with a flood."""
    quiet: list[float] = []
    flooded: list[float] = []
    signed_in = 0
    limits = httpx.Limits(max_connections=options.callers + 1)
    async with httpx.AsyncClient(base_url=address, limits=limits, timeout=30) as client:
        (await client.post("/v1/auth/signup", json=ACCOUNT)).raise_for_status()
        await read_lists(client, seconds=1)
        for _ in range(options.rounds):
            quiet += await read_lists(client, seconds=options.seconds)
            async with flooding(client, callers=options.callers) as statuses:
                flooded += await read_lists(client, seconds=options.seconds)
            signed_in += statuses.count(httpx.codes.OK)
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
    with tempfile.TemporaryDirectory(prefix="matinee-flood-") as folder:
        Path(folder).chmod(0o755)
        with serving(folder, **LIMITS) as server:
            asyncio.run(measure(server.address, options))


if __name__ == "__main__":
    main()
