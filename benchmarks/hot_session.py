"""Everybody reserves in one session: changes that share a commit against a transaction each.

    python -m benchmarks.hot_session [--callers 64] [--rounds 5]

It makes a database of its own in a temporary folder, or on the server of TEST_DATABASE_URL, and prints the ratio of
the two ways, pair by pair: they take turns, so a machine whose speed drifts slows both.
"""

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass

from benchmarks.server import make_folder
from db import cursors, migrate, opening
from db.commit_batching import CommitBatcher
from db.embedded.postmaster import run_embedded
from db.engine import Database
from domain import booking, stock

BOOKINGS = 2000
Way = Callable[[int, int], Awaitable[object]]

MAKE = """
    WITH movie AS (
        INSERT INTO movies (title, description, poster, duration) VALUES ('Hot', 'Hot', '/hot', 100) RETURNING id
    ), place AS (
        INSERT INTO places (name, address, capacity) VALUES ('Hot', 'Hot', 100000) RETURNING id
    )
    SELECT movie.id, place.id FROM movie, place
"""
OPEN = """
    WITH session AS (
        INSERT INTO sessions (movie_id, place_id, starts_at, capacity)
        VALUES (%(movie_id)s, %(place_id)s, now() + interval '1 day', 100000) RETURNING id
    ), account AS (
        INSERT INTO users (username, password_hash) VALUES ('hot' || %(bookings)s || clock_timestamp(), '') RETURNING id
    )
    INSERT INTO bookings (user_id, session_id, created_at, closes_at)
    SELECT account.id, session.id, now(), now() + interval '1 hour'
    FROM session, account, generate_series(1, %(bookings)s)
    RETURNING user_id, id
"""


@dataclass(frozen=True)
class Crowd:
    """Bookings of one session, none of which holds a seat yet."""

    user_id: int
    bookings: Sequence[int]


@asynccontextmanager
async def fresh_database(url: str) -> AsyncIterator[Database]:
    """Yield a pool of connections to a migrated database."""
    codec = cursors.make_codec([b"benchmark" * 4])
    async with opening.connect_database(
        url, read_conninfo=None, cursors=codec, size=8, statement_seconds=5, lock_seconds=5
    ) as database:
        yield database


async def crowd(database: Database) -> Crowd:
    """Return the open bookings of a session of their own."""
    async with database.transaction() as tx:
        movie_id, place_id = (await tx.tuples(MAKE))[0]
        made = await tx.tuples(OPEN, movie_id=movie_id, place_id=place_id, bookings=BOOKINGS)
    return Crowd(made[0][0], [row[1] for row in made])


async def seconds(way: Way, made: Crowd, callers: int) -> float:
    """Return how long the crowd takes, `callers` of them at a time."""
    waiting: Iterator[int] = iter(made.bookings)

    async def caller() -> None:
        for booking_id in waiting:
            await way(made.user_id, booking_id)

    started = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return time.perf_counter() - started


async def measure(url: str, *, callers: int, rounds: int) -> None:
    """Print what both ways took, and their ratio."""
    async with fresh_database(url) as database:
        shared = CommitBatcher(database.primary.pool, lock_all=stock.lock_sessions)

        async def together(user_id: int, booking_id: int) -> None:
            await booking.reserve(shared, user_id=user_id, booking_id=booking_id, seats=1)

        async def alone(user_id: int, booking_id: int) -> None:
            async with database.transaction() as tx:
                await booking.reserve(tx, user_id=user_id, booking_id=booking_id, seats=1)

        ratios = []
        for place in range(rounds + 1):
            took = [await seconds(way, await crowd(database), callers) for way in (together, alone)]
            if place == 0:  # to warm up
                continue
            ratios.append(took[1] / took[0])
            print(f"shared {BOOKINGS / took[0]:7.0f}/s   alone {BOOKINGS / took[1]:7.0f}/s   ratio {ratios[-1]:.2f}")
    print(f"median ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), {callers} callers")


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--callers", type=int, default=64, help="how many reserve at the same time (default 64)")
    parser.add_argument("--rounds", type=int, default=5, help="pairs that count, after one that does not (default 5)")
    asked = parser.parse_args()
    with ExitStack() as stack:
        url = os.environ.get("TEST_DATABASE_URL") or stack.enter_context(
            run_embedded(stack.enter_context(make_folder()))
        )
        migrate.upgrade(url)
        asyncio.run(measure(url, callers=asked.callers, rounds=asked.rounds))


if __name__ == "__main__":
    main()
