"""What the response cache costs: the time until other servers show a change, the memory of a full cache, and the notices.

    python -m benchmarks.cached_changes [--changes 200] [--rounds 5] [--seconds 3]

It starts two servers of one worker on one database with the demo data. A movie is rated through the first one, and the second
one is asked for it without a token, again and again, until its answer from memory has changed; the time counts from the answer
to the rating. Then the second one is asked for different lists until its cache is full, and its resident memory is read (Linux
only). At last 16 callers rate as fast as they can, in turns with and without the trigger that announces ratings.
"""

import argparse
import asyncio
import itertools
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import Final

import httpx
import psycopg

from benchmarks.open_loop import describe
from benchmarks.server import Server, make_folder, print_load, resident, serving, sign_up
from db import migrate
from db.embedded.postmaster import run_embedded

LIMITS: Final = {f"MATINEE_LIMIT_{name}": "off" for name in ("COST", "SIGN_IN", "SIGN_UP")}
RATERS: Final = 16
# More than the cache takes: each list has about 50 kB.
LISTS: Final = 600
TRIGGER: Final = "ALTER TABLE movies {} TRIGGER catalogue_ratings"


async def make_rater(client: httpx.AsyncClient, number: int) -> dict[str, str]:
    """Return the header of a new user."""
    return {"Authorization": f"Bearer {await sign_up(client, f'rater{number}@example.org')}"}


async def measure_delay(writing: httpx.AsyncClient, reading: httpx.AsyncClient, *, changes: int) -> None:
    """Print how long it takes until the other server shows a change."""
    headers, took = await make_rater(writing, 0), []
    movie = (await reading.get("/v1/movies?limit=1")).json()["movies"][0]["id"]
    values = itertools.cycle([0, 5])
    for _ in range(changes):
        before = (await reading.get(f"/v1/movies/{movie}")).headers["etag"]
        body = {"value": next(values)}
        (await writing.post(f"/v1/movies/{movie}/rate", json=body, headers=headers)).raise_for_status()
        began = time.perf_counter()
        while (await reading.get(f"/v1/movies/{movie}")).headers["etag"] == before:
            pass
        took.append(time.perf_counter() - began)
        await asyncio.sleep(0.02)
    print(f"change to other server   {describe(took)}   {changes} changes")


async def measure_memory(reading: httpx.AsyncClient, server: Server) -> None:
    """Print what a full cache takes."""
    before = resident(server.pid)
    for number in range(LISTS):
        # Parameters that the endpoint does not know are ignored, and belong to the key.
        (await reading.get(f"/v1/movies?limit=100&number={number}")).raise_for_status()
    metrics = (await reading.get("/metrics")).text
    kept = next(line for line in metrics.splitlines() if line.startswith("matinee_response_cache_bytes"))
    after = resident(server.pid)
    print(f"memory {before / 1e6:.1f} MB before, {after / 1e6:.1f} MB with {float(kept.split()[-1]) / 1e6:.1f} MB kept")


async def measure_notices(writing: httpx.AsyncClient, url: str, *, rounds: int, seconds: float) -> None:
    """Print how many ratings a second are done with and without their notices, in turns."""
    raters = [await make_rater(writing, 1 + number) for number in range(RATERS)]
    movies = [movie["id"] for movie in (await writing.get("/v1/movies?limit=100")).json()["movies"]]

    async def rate_repeatedly(rater: dict[str, str], until: float) -> int:
        number = 0
        while time.perf_counter() < until:
            path, body = f"/v1/movies/{movies[number % len(movies)]}/rate", {"value": number % 6}
            (await writing.post(path, json=body, headers=rater)).raise_for_status()
            number += 1
        return number

    ratios = []
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(rounds):
            done = []
            for mode in ("ENABLE ALWAYS", "DISABLE"):
                connection.execute(TRIGGER.format(mode).encode())
                until = time.perf_counter() + seconds
                done.append(sum(await asyncio.gather(*(rate_repeatedly(rater, until) for rater in raters))) / seconds)
            ratios.append(done[0] / done[1])
            print(f"ratings with notices {done[0]:6.0f}/s   without {done[1]:6.0f}/s   ratio {ratios[-1]:.2f}")
        connection.execute(TRIGGER.format("ENABLE ALWAYS").encode())
    print(f"median ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), {RATERS} callers")


async def measure(servers: list[Server], url: str, options: argparse.Namespace) -> None:
    """Print everything."""
    async with (
        httpx.AsyncClient(base_url=servers[0].address, timeout=30) as writing,
        httpx.AsyncClient(base_url=servers[1].address, timeout=30) as reading,
    ):
        await measure_delay(writing, reading, changes=options.changes)
        await measure_memory(reading, servers[1])
        await measure_notices(writing, url, rounds=options.rounds, seconds=options.seconds)
    print_load()


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    with ExitStack() as stack:
        folders = [stack.enter_context(make_folder()) for _ in range(3)]
        url = stack.enter_context(run_embedded(folders[0]))
        migrate.upgrade(url)
        variables = LIMITS | {"DATABASE_URL": url, "MATINEE_SECRET": "benchmark" * 4}
        subprocess.run([sys.executable, "-m", "cli", "demo"], env=os.environ | variables, check=True)
        servers = [stack.enter_context(serving(folder, **variables)) for folder in folders[1:]]
        asyncio.run(measure(servers, url, options))


if __name__ == "__main__":
    main()
