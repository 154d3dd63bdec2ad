"""How soon a server answers: on a new folder, and when its data are there; and what memory it then has.

    python -m benchmarks.start [--starts 5]

Each start is a new process, from the command to the first answer to a GraphQL query. What is installed is installed. What
else the machine does can only make a start longer, so that the shortest one is held to the bound.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import Final

import httpx

from benchmarks.server import make_folder, resident, serving

MOST_SECONDS: Final = 3.0
QUERY: Final = "{ movies(first: 1) { nodes { title } } }"


def started(folder: Path) -> tuple[float, int]:
    """Return the seconds until a query is answered, and the bytes of memory that the server has then."""
    begun = time.perf_counter()
    with serving(folder) as server:
        answer = httpx.post(f"{server.address}/graphql", json={"query": QUERY})
        seconds = time.perf_counter() - begun
        if not answer.json()["data"]["movies"]["nodes"]:
            raise SystemExit(answer.text)
        return seconds, resident(server.pid)


def main() -> None:
    """Measure; end with status 1 where a start takes too long."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=5)
    asked = parser.parse_args()
    with make_folder() as folder:
        first, _ = started(folder)
        print(f"the first start, with a new database and the demo data: {first:.2f} s")
        later = []
        for turn in range(1, asked.starts + 1):
            seconds, memory = started(folder)
            later.append(seconds)
            print(f"start {turn}: {seconds:.2f} s, {memory / 1e6:.1f} MB")
    print(f"with data: shortest {min(later):.2f} s, median {statistics.median(later):.2f} s; {MOST_SECONDS} s at most")
    sys.exit(min(later) > MOST_SECONDS)


if __name__ == "__main__":
    main()
