"""Matinee and the servers that a team would use instead, side by side.

    python -m benchmarks.peers                                    all scenarios, one worker, ten times the demo data
    python -m benchmarks.peers --scenarios flat-list node         these alone
    python -m benchmarks.peers --peers matinee mercurius          these servers alone, and what they are measured against
    python -m benchmarks.peers --workers 2 --scale 100            two processes each, a hundred times the demo data
    python -m benchmarks.peers --write docs/performance.md        put the tables into the page, too

All servers share one PostgreSQL, which is made in a temporary folder. First each of them answers the same requests, and
the run ends where an answer differs. Then they are loaded in turns, round by round, and each is compared with the
reference of the same round: a machine whose speed drifts slows both. A ratio of 2.00 is twice as many requests a second;
a CPU ratio of 2.00 is half of the reference's server CPU for a request, which other work on the machine changes less.
CPU is that of a request, in the server's processes and in PostgreSQL's. Every server runs in production mode with ten
connections for each worker; Matinee keeps its limits and writes its log to a file, the peers write none.

Needs `make peers` once (Node and its packages) and wrk (apt-get install wrk); Linux only.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from benchmarks.peers import page, turns
from benchmarks.peers.report import Result, render, summarize
from benchmarks.peers.scenarios import NAMED, Scenario
from benchmarks.peers.servers import TITLES, PeerError
from db.embedded.postmaster import run_embedded


def main() -> None:
    """Measure and print; end with status 1 where a server is not there or answers what it must not."""
    options = read_options()
    print(f"load average {os.getloadavg()[0]:.1f}; anything above 0.5 is somebody else's work", flush=True)
    results = []
    try:
        with database(options.folder, scale=options.scale) as url:
            for name in options.scenarios:
                results.append(measure(NAMED[name], url, options))
                print(f"\n{render(results[-1])}\n", flush=True)
                if options.write:
                    page.write(options.write, results)
    except PeerError as error:
        sys.exit(str(error))


def read_options() -> argparse.Namespace:
    """Return the arguments of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenarios", nargs="+", choices=NAMED, default=list(NAMED), metavar="NAME",
                        help=f"what to measure: {', '.join(NAMED)} (default: all)")  # fmt: skip
    parser.add_argument("--peers", nargs="+", choices=TITLES, default=list(TITLES), metavar="NAME",
                        help=f"what to measure it on: {', '.join(TITLES)} (default: all)")  # fmt: skip
    parser.add_argument("--rounds", type=int, default=3, help="turns of each server (default 3)")
    parser.add_argument("--seconds", type=float, default=4, help="length of a turn (default 4)")
    parser.add_argument("--workers", type=int, choices=(1, 2), default=1, help="processes of a server (default 1)")
    parser.add_argument("--scale", type=int, choices=(1, 10, 100), default=10, help="times the demo data (default 10)")
    parser.add_argument("--folder", type=Path, help="keep the database here, for later runs at the same scale")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables into this page")
    return parser.parse_args()


@contextmanager
def database(folder: Path | None, *, scale: int) -> Iterator[str]:
    """Yield the URL of a database with the demo data, made in a temporary folder or kept in the one that is named."""
    with tempfile.TemporaryDirectory(prefix="matinee-peers-") as temporary:
        place = folder or Path(temporary)
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o755)
        with run_embedded(place) as url:
            arguments = ["migrate"] if has_movies(url) else ["demo", "--scale", str(scale)]
            environ = {key: value for key, value in os.environ.items() if not key.startswith("MATINEE_")}
            subprocess.run(  # noqa: S603 - no input of others
                [Path(sys.executable).with_name("matinee"), *arguments],
                env=environ | {"MATINEE_DATA_DIR": str(place)},
                check=True,
            )
            yield url


def has_movies(url: str) -> bool:
    """Return whether the demo data are there already."""
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT to_regclass('movies')").fetchone()
        return bool(found and found[0] and connection.execute("SELECT FROM movies LIMIT 1").rowcount)


def measure(scenario: Scenario, url: str, options: argparse.Namespace) -> Result:
    """Return what a scenario showed."""
    print(f"{scenario.title}", flush=True)
    peers = [peer for peer in scenario.peers if peer in options.peers or peer == scenario.peers[0]]
    before = os.getloadavg()[0]
    with psycopg.connect(url, autocommit=True) as connection:
        runs = turns.take(
            scenario, peers, connection, url, rounds=options.rounds, seconds=options.seconds, workers=options.workers
        )
    return Result(
        scenario=scenario.name,
        workers=options.workers,
        scale=options.scale,
        rounds=options.rounds,
        seconds=options.seconds,
        measured_on=datetime.now(UTC).date().isoformat(),
        commit=commit(),
        machine=machine(),
        load_average=before,
        rows=summarize(runs, reference=scenario.peers[0]),
    )


def commit() -> str:
    """Return the short hash of the commit that is measured."""
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S607
    return done.stdout.strip() or "unknown"


def machine() -> str:
    """Return what the machine is: processors, memory and versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} processors, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
