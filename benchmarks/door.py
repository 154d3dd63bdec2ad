"""What each request costs a server beside its own work, and how that compares with another checkout.

    python -m benchmarks.door                         this checkout alone
    python -m benchmarks.door --against ../before     this checkout and another one, in turns
    python -m benchmarks.door --cached                with the response cache on

Each server has one worker, runs in production mode with its limits on, and writes its log to a file. Both use one
PostgreSQL with the demo data. wrk loads them in turns with 16 connections. What is printed is the server's CPU time for a
request, in milliseconds, as the median of all rounds: `empty` is `{__typename}`, which does no work of its own. Needs wrk
(apt-get install wrk); Linux only.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import psycopg

from benchmarks.peers import load, usage
from benchmarks.peers.__main__ import database
from benchmarks.peers.requests import Load, Request, query, read_document
from benchmarks.peers.scenarios import make_page_views
from benchmarks.peers.servers import Server, await_answer, environment, free_port

CONNECTIONS: Final = 16
WARM_UP_SECONDS: Final = 1
LOADS: Final = {
    "empty": Load([query("{ __typename }")]),
    "flat-list": Load([query(read_document("flat_list"))]),
    "rest-list": Load([Request("GET", "/v1/movies?limit=20")]),
    "page-view": make_page_views(),
}


@contextmanager
def serving(checkout: Path, *, database_url: str, folder: Path, subject: str) -> Iterator[Server]:
    """Yield a server that runs the code of a checkout."""
    port, log = free_port(), folder / f"{checkout.name}.log"
    environ = os.environ | environment(subject, database_url=database_url, workers=1, port=port)
    command = [sys.executable, "-m", "cli", "serve", "--port", str(port), "--no-jobs"]
    with (
        log.open("w") as output,
        subprocess.Popen(command, cwd=checkout, env=environ, stdout=output, stderr=output) as process,  # noqa: S603 - ours
    ):
        try:
            server = Server(checkout.name, process.pid, f"http://127.0.0.1:{port}", log)
            await_answer(server, process)
            yield server
        finally:
            process.terminate()


def measure(servers: Sequence[Server], name: str, *, rounds: int, seconds: float, postmaster: int) -> None:
    """Print what a request of this load costs each server."""

    def run(server: Server, seconds: float) -> load.Run:
        return load.run_wrk(
            server, LOADS[name], connections=CONNECTIONS, seconds=seconds, postmaster=postmaster, checks=False
        )

    for server in servers:
        run(server, WARM_UP_SECONDS)
    runs: dict[Server, list[load.Run]] = {server: [] for server in servers}
    for number in range(rounds):
        # Each is first in turn.
        for server in servers if number % 2 else tuple(reversed(servers)):
            runs[server].append(run(server, seconds))
    for server, found in runs.items():
        costs = [each.server_cpu_ms or 0.0 for each in found]
        rate = statistics.median(each.requests_a_second for each in found)
        print(
            f"{name:10} {server.name:10} {statistics.median(costs):.3f} ms ({min(costs):.3f} to {max(costs):.3f}),"
            f" {rate:,.0f} a second",
            flush=True,
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.door", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="another checkout of this server")
    parser.add_argument("--loads", nargs="+", choices=LOADS, default=list(LOADS), metavar="NAME",
                        help=f"what to send: {', '.join(LOADS)} (default: all)")  # fmt: skip
    parser.add_argument("--rounds", type=int, default=5, help="turns of each server (default 5)")
    parser.add_argument("--seconds", type=float, default=2, help="length of a turn (default 2)")
    parser.add_argument("--cached", action="store_true", help="with the response cache, which is off otherwise")
    parser.add_argument("--folder", type=Path, help="keep the database here, for later runs")
    options = parser.parse_args()
    checkouts = [Path.cwd(), *([options.against.resolve()] if options.against else [])]
    subject = "matinee-cached" if options.cached else "matinee"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="matinee-door-")))
        url = stack.enter_context(database(options.folder, scale=1))
        postmaster = usage.postmaster(stack.enter_context(psycopg.connect(url)))
        servers = [
            stack.enter_context(serving(each, database_url=url, folder=folder, subject=subject)) for each in checkouts
        ]
        for name in options.loads:
            measure(servers, name, rounds=options.rounds, seconds=options.seconds, postmaster=postmaster)


if __name__ == "__main__":
    main()
