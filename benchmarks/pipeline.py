"""Reads over pipelined connections, over the pool, and over psycopg's own pipeline mode, in turns with pgbench.

    python -m benchmarks.pipeline [--callers 32] [--seconds 2] [--rounds 5] [--connections 2]

Each statement builds the JSON of its answer, as planned reads do. It makes a database of its own with the demo data, and
prints for each way the ratio to pgbench on the same statement and the CPU time that this process spends on one read.
"""

import argparse
import asyncio
import os
import re
import shutil
import statistics
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import uvloop
from psycopg import AsyncConnection, AsyncRawCursor

from benchmarks.hot_session import fresh_database
from benchmarks.server import make_folder
from db import migrate
from db.embedded.postmaster import run_embedded
from db.pipeline import PooledReads, RawReads, Statement, open_pipeline
from demo.load import load

LIST: Final = rb"""
    SELECT '[' || coalesce(string_agg(
        '{"id":"' || id || '","title":' || to_json(title) || ',"duration":' || duration || ',"rating":'
        || coalesce(rating::text, 'null') || ',"airingFrom":' || coalesce(to_json(airing_from)::text, 'null') || '}',
        ',' ORDER BY rating_order DESC, id DESC), '') || ']'
    FROM (SELECT * FROM movies ORDER BY rating_order DESC, id DESC LIMIT $1::bigint) AS movie
"""
ONE: Final = rb"""
    SELECT '{"id":"' || id || '","title":' || to_json(title) || ',"duration":' || duration || '}'
    FROM movies WHERE id = $1::bigint
"""
Read = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Spent:
    """What a way took in one round: reads a second, and CPU microseconds of this process a read."""

    rate: float
    microseconds: float


class OwnPipeline:
    """The public pipeline mode of psycopg: what waits goes out together, with a Sync after each statement."""

    def __init__(self, connections: list[AsyncConnection[Any]]) -> None:
        self._waiting: list[tuple[Statement, list[str], asyncio.Future[Any]]] = []
        self._idle = connections

    async def fetch_value(self, statement: Statement, parameters: list[bytes]) -> object:
        """Return the first column of the first row."""
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append((statement, [parameter.decode() for parameter in parameters], answer))
        if self._idle:
            connection = self._idle.pop()
            asyncio.get_running_loop().create_task(self._run(connection)).add_done_callback(
                lambda _: self._idle.append(connection)
            )
        return await answer

    async def _run(self, connection: AsyncConnection[Any]) -> None:
        while self._waiting:
            # A task more lets callers of the same instant go together.
            await asyncio.sleep(0)
            batch, self._waiting = self._waiting, []
            cursors = [AsyncRawCursor(connection) for _ in batch]
            async with connection.pipeline() as pipe:
                for cursor, (statement, parameters, _) in zip(cursors, batch, strict=True):
                    await cursor.execute(statement.sql, parameters)
                    await pipe.sync()
            for cursor, (_, _, answer) in zip(cursors, batch, strict=True):
                result = cursor.pgresult
                answer.set_result(result.get_value(0, 0) if result and result.ntuples else None)


async def spend(read: Read, *, callers: int, seconds: float) -> Spent:
    """Return what a way takes when so many callers read without a pause."""
    end, reads = time.perf_counter() + seconds, 0

    async def caller() -> None:
        nonlocal reads
        while time.perf_counter() < end:
            await read()
            reads += 1

    began, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return Spent(reads / (time.perf_counter() - began), (time.process_time() - used) / reads * 1e6)


def pgbench_rate(url: str, statement: Statement, value: int, *, callers: int, seconds: float, folder: Path) -> float:
    """Return how often a second pgbench runs a statement, prepared; 0 where there is no pgbench."""
    command = shutil.which("pgbench")
    if command is None:
        return 0.0
    script = folder / "script.sql"
    text = statement.sql.decode().replace("$1", ":value").replace("\n", " ")
    script.write_text(f"\\set value {value}\n{text};\n")
    options = ["-n", "-M", "prepared", "-c", str(callers), "-j", "1", "-T", str(max(1, round(seconds)))]
    printed = subprocess.run(  # noqa: S603 - no input of others
        [command, *options, "-f", str(script), url], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"tps = ([0-9.]+)", printed)
    return float(found[1]) if found else 0.0


@asynccontextmanager
async def ways(url: str, *, connections: int) -> AsyncIterator[Mapping[str, RawReads | OwnPipeline]]:
    """Yield what reads can go over."""
    bounds = {"connections": connections, "statement_seconds": 5.0, "lock_seconds": 2.0}
    async with (
        fresh_database(url) as database,
        open_pipeline(url, **bounds) as pipelined,  # type: ignore[arg-type]  # mypy cannot see into the mapping
    ):
        own = [await AsyncConnection.connect(url, autocommit=True) for _ in range(connections)]
        try:
            yield {
                "pipeline": pipelined,
                "psycopg's pipeline": OwnPipeline(own),
                "pool": PooledReads(database.primary.pool, 1.5),
            }
        finally:
            for connection in own:
                await connection.close()


async def measure(url: str, asked: argparse.Namespace, folder: Path) -> None:
    """Print the ratios for both statements."""
    async with fresh_database(url) as database:
        await load(database, scale=10)
        some_id = await database.primary.value("SELECT min(id) FROM movies")
    async with ways(url, connections=asked.connections) as known:
        for title, statement, value in (("list of 20", Statement(LIST), 20), ("one by id", Statement(ONE), some_id)):
            await compare(title, statement, value, known=known, asked=asked, url=url, folder=folder)


async def compare(
    title: str,
    statement: Statement,
    value: int,
    *,
    known: Mapping[str, RawReads | OwnPipeline],
    asked: argparse.Namespace,
    url: str,
    folder: Path,
) -> None:
    """Print what each way took for one statement, round by round in turns."""
    parameters = [b"%d" % value]
    found: dict[str, list[Spent]] = {name: [] for name in known}
    limits = []
    for place in range(asked.rounds + 1):
        # In a thread: the subprocess would stop the loop, and with it what looks after the connections.
        limit = await asyncio.to_thread(
            pgbench_rate, url, statement, value, callers=asked.pgbench, seconds=asked.seconds, folder=folder
        )
        for name, way in known.items():
            spent = await spend(
                partial(way.fetch_value, statement, parameters), callers=asked.callers, seconds=asked.seconds
            )
            if place:  # after one round to warm up
                found[name].append(spent)
        if place:
            limits.append(limit)
    print(f"{title}: pgbench {statistics.median(limits):7.0f}/s")
    for name, rounds in found.items():
        rate = statistics.median(spent.rate for spent in rounds)
        cpu = statistics.median(spent.microseconds for spent in rounds)
        ratios = sorted(spent.rate / limit for spent, limit in zip(rounds, limits, strict=True) if limit)
        shown = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) of pgbench" if ratios else ""
        print(f"  {name:20} {rate:7.0f}/s  {cpu:6.1f} µs of CPU a read  {shown}")


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--callers", type=int, default=32, help="how many read at the same time (default 32)")
    parser.add_argument("--pgbench", type=int, default=16, help="clients of pgbench (default 16)")
    parser.add_argument("--seconds", type=float, default=2, help="how long a way runs in a round (default 2)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count, after one that does not (default 5)")
    parser.add_argument("--connections", type=int, default=2, help="pipelined connections (default 2)")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(make_folder())
        url = os.environ.get("TEST_DATABASE_URL") or stack.enter_context(run_embedded(folder))
        migrate.upgrade(url)
        uvloop.run(measure(url, asked, folder))


if __name__ == "__main__":
    main()
