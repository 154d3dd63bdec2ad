"""A server of its own for what is measured from outside: a process with a folder for its data."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Server:
    """One that answers: its process id and its address."""

    pid: int
    address: str


@contextmanager
def serving(folder: str, **variables: str) -> Iterator[Server]:
    """Yield a server of one worker with the demo data, told these variables besides; its log is in the folder."""
    command = [sys.executable, "-m", "cli", "serve", "--port", "0"]
    told = os.environ | {"MATINEE_DATA_DIR": folder} | variables
    with (
        Path(folder, "log").open("w") as log,
        subprocess.Popen(  # noqa: S603 - no input of others
            command, env=told, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            found = next(filter(None, (re.search(r"http://\S+(?=/graphql)", line) for line in process.stdout)))
            yield Server(process.pid, found[0])
        finally:
            process.terminate()


def resident(pid: int) -> int:
    """Return the bytes of memory that a process has (Linux only)."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0
