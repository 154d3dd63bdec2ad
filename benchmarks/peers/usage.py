"""What processes use: CPU time and memory of a server and of PostgreSQL, read from /proc (Linux only)."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Process:
    """What /proc tells of a process: `ended_ticks` is the CPU time of children that have ended."""

    pid: int
    parent: int
    ticks: int
    ended_ticks: int
    resident_bytes: int


def read_stat(text: str) -> Process:
    """Return what a line of /proc/PID/stat says; the command in it may hold blanks and parentheses."""
    before, _, after = text.rpartition(")")
    fields = after.split()
    own, ended = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
    return Process(int(before.split()[0]), int(fields[1]), own, ended, int(fields[21]) * PAGE_BYTES)


def processes() -> Iterator[Process]:
    """Yield all processes of the machine."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            yield read_stat(path.read_text())
        except (FileNotFoundError, ProcessLookupError):
            continue


def tree(root: int) -> list[Process]:
    """Return a process and all that descend from it."""
    children: dict[int, list[Process]] = {}
    for process in processes():
        children.setdefault(process.parent, []).append(process)
        if process.pid == root:
            children.setdefault(-1, []).append(process)
    found, waiting = [], children.get(-1, [])
    while waiting:
        process = waiting.pop()
        found.append(process)
        waiting += children.get(process.pid, [])
    return found


def cpu_seconds(root: int) -> float:
    """Return the CPU time of a process, its descendants, and those of them that have ended."""
    return sum(each.ticks + each.ended_ticks for each in tree(root)) / TICKS_A_SECOND


def resident_mb(root: int) -> float:
    """Return the resident memory of a process and its descendants in megabytes."""
    return sum(each.resident_bytes for each in tree(root)) / 1e6


def postmaster(connection: psycopg.Connection[Any]) -> int:
    """Return the process id of the PostgreSQL server behind a connection, which runs on this machine."""
    return read_stat(Path(f"/proc/{connection.info.backend_pid}/stat").read_text()).parent
