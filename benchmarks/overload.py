"""What becomes of requests when ten times as many arrive as a worker can answer.

    python -m benchmarks.overload [--times 10] [--seconds 15] [--bookings 10]

It starts a server of one worker with the demo data. 32 signed-in callers that send one request after the other find its
capacity; `--bookings` percent of the requests open a booking, the others read a list of movies with their sessions. Then as
many requests a second arrive as `--times` the capacity, whether or not earlier ones are answered. It prints for both kinds
how many were accepted and refused, and how long that took from the moment when the request was due: with the wait for a
connection, in the kernel and in the callers, which run on the same processors. `inside` is what the server's own log says,
from a request's head to its answer. Meanwhile it asks the probe ten times a second.
"""

import argparse
import asyncio
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

from benchmarks.open_loop import Callers, Samples, describe, send_in_turns, send_steadily
from benchmarks.server import make_folder, print_load, serving, sign_up

# No limit of one caller, since one sends everything; the others as they are.
VARIABLES: Final = {"MATINEE_LIMIT_COST": "off", "MATINEE_LIMIT_CONNECTIONS": "100000"}
SESSIONS: Final = "{ movies(first: 5) { nodes { id sessions(first: 5) { nodes { id } } } } }"
LIST: Final = """{ movies(sort: NEW, first: 50) { nodes { title description rating sessions(first: 5) {
    nodes { startsAt seatsAvailable place { name address } } } } } }"""
BROWSING, BOOKING, PROBE = "browsing", "booking", "probe"
ACCEPTED: Final = range(200, 300)
REFUSED: Final = range(503, 504)
CROWD: Final = 32
PROBES_A_SECOND: Final = 10


@dataclass(frozen=True)
class Mix:
    """What is sent: reads, and a share of bookings."""

    read: bytes
    bookings: list[bytes]
    percent: int

    def choose(self, number: int) -> tuple[str, bytes]:
        """Return what the request of this number is."""
        # Spread over each hundred: a multiple of 37 modulo 100 takes all values.
        if number * 37 % 100 < self.percent:
            return BOOKING, self.bookings[number % len(self.bookings)]
        return BROWSING, self.read


def write_request(method: str, path: str, token: str, body: object = None) -> bytes:
    """Return the bytes of a request."""
    sent = b"" if body is None else json.dumps(body).encode()
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: cinema.local",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        f"Content-Length: {len(sent)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + sent


async def make_mix(address: str, *, percent: int) -> Mix:
    """Return requests by a new user."""
    async with httpx.AsyncClient(base_url=address, timeout=30) as client:
        token = await sign_up(client, "ada@example.org")
        found = (await client.post("/graphql", json={"query": SESSIONS})).json()["data"]["movies"]["nodes"]
    sessions = [session["id"] for movie in found for session in movie["sessions"]["nodes"]]
    bookings = [write_request("POST", f"/v1/sessions/{each}/book", token) for each in sessions]
    return Mix(write_request("POST", "/graphql", token, {"query": LIST}), bookings, percent)


def report(samples: Samples, kind: str, *, seconds: float) -> None:
    """Print what became of the requests of a kind."""
    of_kind = [each for each in samples.all if each.kind == kind]
    accepted, refused = samples.of(kind, ACCEPTED), samples.of(kind, REFUSED)
    others = len(of_kind) - len(accepted) - len(refused)
    print(f"{kind:9}{len(of_kind) / seconds:8.0f}/s   accepted {len(accepted) / seconds:6.0f}/s   {describe(accepted)}")
    print(f"{'':21}refused  {len(refused) / seconds:6.0f}/s   {describe(refused)}   other answers {others}")


def read_log(log: Path, *, since: str, path: str, statuses: range) -> list[float]:
    """Return the seconds that requests took inside of the server, by its log since an instant."""
    lines = (json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if '"event":"request"' in line)
    return [
        line["ms"] / 1000
        for line in lines
        if line["timestamp"] >= since and line["path"].endswith(path) and line["status"] in statuses
    ]


async def measure(address: str, log: Path, options: argparse.Namespace) -> None:
    """Print the capacity, and what happens past it."""
    where = urlsplit(address)
    callers, probing = [Callers(where.hostname or "", where.port or 80) for _ in range(2)]
    mix = await make_mix(address, percent=options.bookings)
    await send_in_turns(callers, mix.choose, crowd=CROWD, seconds=3)
    alone = await send_in_turns(callers, mix.choose, crowd=CROWD, seconds=options.seconds / 2)
    capacity = sum(each.status in ACCEPTED for each in alone.all) / (options.seconds / 2)
    print(f"capacity {capacity:.0f}/s with {CROWD} callers")
    for kind in (BROWSING, BOOKING):
        report(alone, kind, seconds=options.seconds / 2)
    rate = capacity * options.times
    print(f"offered {rate:.0f}/s")
    probe = (PROBE, write_request("GET", "/livez", ""))
    began, since = time.perf_counter(), datetime.now(UTC).isoformat()
    flooded, probed = await asyncio.gather(
        send_steadily(callers, mix.choose, rate=rate, seconds=options.seconds),
        send_steadily(probing, lambda _: probe, rate=PROBES_A_SECOND, seconds=options.seconds),
    )
    print(f"all answered after {time.perf_counter() - began:.1f} s")
    for kind in (BROWSING, BOOKING):
        report(flooded, kind, seconds=options.seconds)
    report(probed, PROBE, seconds=options.seconds)
    for kind, path in ((BROWSING, "/graphql"), (BOOKING, "/book")):
        print(f"{kind:9}inside, accepted  {describe(read_log(log, since=since, path=path, statuses=ACCEPTED))}")
    print_load()


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=float, default=10)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--bookings", type=int, default=10)
    options = parser.parse_args()
    with make_folder() as folder, serving(folder, **VARIABLES) as server:
        asyncio.run(measure(server.address, folder / "log", options))


if __name__ == "__main__":
    main()
