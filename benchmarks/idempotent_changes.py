"""What an idempotency key costs: changes of bookings with a key and without one, in turns.

    python -m benchmarks.idempotent_changes                        this checkout alone
    python -m benchmarks.idempotent_changes --against ../before    this checkout and another one

`hot` are 64 callers who reserve in one session, `many` are 16 callers in 500 sessions, `lone` is one caller. Each server has
one worker and runs in production mode. What is printed for each is the median of all rounds: requests a second, the median time of a
request, and the CPU time that it costs the server and PostgreSQL, in milliseconds; then, of one more run, how many transactions
PostgreSQL has committed and how often it has written its log to disk, for a request. Linux only.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg

from benchmarks.door import serving
from benchmarks.open_loop import Callers, send_in_turns
from benchmarks.peers import usage
from benchmarks.peers.__main__ import database
from benchmarks.peers.requests import read_document
from benchmarks.peers.servers import Server
from benchmarks.peers.subjects import BOOKINGS, Subjects, make_subjects, open_bookings

CROWDS: Final = {"hot": 64, "many": 16, "lone": 1}
# A session of PostgreSQL that waits says only after ten seconds what it has done.
STATISTICS_SECONDS: Final = 11
HOT_BOOKINGS: Final = 5000
OK: Final = range(200, 201)
COUNTS: Final = """
    SELECT (SELECT sum(xact_commit) FROM pg_stat_database), (SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal')
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run showed."""

    rate: float
    p50_ms: float
    server_ms: float
    database_ms: float


class Requests:
    """Changes of seats in bookings, as GraphQL mutations: each booking in turn gets 1 seat, then 2, then 1 again."""

    def __init__(self, bookings: Sequence[tuple[int, str]], *, is_keyed: bool) -> None:
        """Change these bookings, given with the tokens of their users."""
        self._bookings, self._is_keyed = cycle(bookings), is_keyed
        self._number = count(time.time_ns())
        self._document = read_document("reserve_seats")

    def choose(self, number: int) -> tuple[str, bytes]:
        """Return the kind and the bytes of the next request."""
        booking, token = next(self._bookings)
        variables = {"booking": f"bok_{booking}", "seats": 1 + number % 2}
        body = json.dumps({"query": self._document, "variables": variables}).encode()
        head = (
            f"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n"
        )
        if self._is_keyed:
            head += f"Idempotency-Key: {next(self._number)}\r\n"
        return "reserve", head.encode() + b"\r\n" + body


def make_bookings(subjects: Subjects, load: str) -> list[tuple[int, str]]:
    """Return the open bookings that a load changes, with the tokens of their users."""
    if load == "hot":
        return open_bookings(subjects, number=HOT_BOOKINGS)[1]
    tokens = {account.id: account.token for account in subjects.accounts}
    found = []
    for session_id in subjects.sessions:
        parameters = {"users": list(tokens), "session_id": session_id, "number": 4}
        found += subjects.connection.execute(BOOKINGS, parameters).fetchall()
    return [(booking_id, tokens[user_id]) for booking_id, user_id in found]


def run(server: Server, requests: Requests, *, crowd: int, seconds: float, postmaster: int) -> tuple[Run, int]:
    """Return what a run showed, and the number of its requests; raise AssertionError where one was refused."""
    address = urlsplit(server.address)
    callers = Callers(address.hostname or "", address.port or 0)
    before = usage.cpu_seconds(server.pid), usage.cpu_seconds(postmaster)
    began = time.perf_counter()
    samples = asyncio.run(send_in_turns(callers, requests.choose, crowd=crowd, seconds=seconds))
    took = time.perf_counter() - began
    after = usage.cpu_seconds(server.pid), usage.cpu_seconds(postmaster)
    times = samples.of("reserve", OK)
    number = len(samples.all)
    assert len(times) == number, f"{number - len(times)} of {number} were refused"  # noqa: S101 - nothing to compare then
    spent = [(now - then) / number * 1000 for then, now in zip(before, after, strict=True)]
    return Run(number / took, statistics.median(times) * 1000, *spent), number


def read_counts(connection: psycopg.Connection[Any]) -> list[int]:
    """Return how many transactions were committed and how often the log was written to disk, up to now."""
    time.sleep(STATISTICS_SECONDS)
    return [int(each) for each in connection.execute(COUNTS).fetchone() or ()]


def measure(servers: Sequence[Server], load: str, options: argparse.Namespace, subjects: Subjects) -> None:
    """Print what a load costs each server, with and without keys."""
    connection = subjects.connection
    bookings, postmaster = make_bookings(subjects, load), usage.postmaster(connection)
    ways = [(server, is_keyed) for server in servers for is_keyed in (True, False)]
    runs: dict[tuple[Server, bool], list[Run]] = {way: [] for way in ways}

    def take(way: tuple[Server, bool], seconds: float) -> tuple[Run, int]:
        server, is_keyed = way
        requests = Requests(bookings, is_keyed=is_keyed)
        return run(server, requests, crowd=CROWDS[load], seconds=seconds, postmaster=postmaster)

    for number in range(options.rounds + 1):
        # Each is first in turn; the first round warms up.
        for way in ways if number % 2 else reversed(ways):
            runs[way].append(take(way, options.seconds)[0])
    for way, found in runs.items():
        print(f"{load:5} {describe(way)}  {' '.join(write_medians(found[1:]))}", end="", flush=True)
        if options.counts:
            before = read_counts(connection)
            asked = take(way, options.seconds)[1]
            done = [(now - then) / asked for then, now in zip(before, read_counts(connection), strict=True)]
            print(f"  commits {done[0]:.2f}, writes to disk {done[1]:.2f}", end="")
        print(flush=True)


def describe(way: tuple[Server, bool]) -> str:
    """Return the name of a server and whether there are keys."""
    return f"{way[0].name:10} {'key' if way[1] else 'no key':6}"


def write_medians(runs: Sequence[Run]) -> Iterator[str]:
    """Yield the medians of runs."""
    yield f"{statistics.median(each.rate for each in runs):7.0f}/s"
    yield f"p50 {statistics.median(each.p50_ms for each in runs):6.2f} ms"
    yield f"server {statistics.median(each.server_ms for each in runs):.3f} ms"
    yield f"database {statistics.median(each.database_ms for each in runs):.3f} ms"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.idempotent_changes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="another checkout of this server")
    parser.add_argument("--loads", nargs="+", choices=CROWDS, default=list(CROWDS), metavar="NAME",
                        help=f"what to send: {', '.join(CROWDS)} (default: all)")  # fmt: skip
    parser.add_argument(
        "--rounds", type=int, default=3, help="turns of each, after one that does not count (default 3)"
    )
    parser.add_argument("--seconds", type=float, default=2, help="length of a turn (default 2)")
    parser.add_argument("--counts", action="store_true", help="count commits and writes to disk, which takes long")
    options = parser.parse_args()
    checkouts = [Path.cwd(), *([options.against.resolve()] if options.against else [])]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="matinee-keys-")))
        url = stack.enter_context(database(None, scale=1))
        servers = [
            stack.enter_context(serving(each, database_url=url, folder=folder, subject="matinee")) for each in checkouts
        ]
        subjects = make_subjects(stack.enter_context(psycopg.connect(url, autocommit=True)))
        for load in options.loads:
            measure(servers, load, options, subjects)


if __name__ == "__main__":
    main()
