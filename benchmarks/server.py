"""A server of its own for what is measured from outside: a process with a folder for its data, and users."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

PASSWORD: Final = "correct horse battery"  # noqa: S105 - of accounts that live as long as the benchmark


@dataclass(frozen=True, slots=True)
class Server:
    """One that answers: its process id and its address."""

    pid: int
    address: str


@contextmanager
def make_folder() -> Iterator[Path]:
    """Yield a temporary folder that PostgreSQL's own user may enter."""
    with tempfile.TemporaryDirectory(prefix="matinee-benchmark-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        yield folder


@contextmanager
def serving(folder: Path, **variables: str) -> Iterator[Server]:
    """Yield a server of one worker with the demo data, told these variables besides; its log is in the folder."""
    command = [sys.executable, "-m", "cli", "serve", "--port", "0"]
    told = os.environ | {"MATINEE_DATA_DIR": str(folder)} | variables
    with (
        (folder / "log").open("w") as log,
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


async def sign_up(client: httpx.AsyncClient, email: str) -> str:
    """Return a token of a new user."""
    account = {"email": email, "password": PASSWORD}
    (await client.post("/v1/auth/signup", json=account)).raise_for_status()
    token: str = (await client.post("/v1/auth/signin", json=account)).json()["token"]
    return token


def print_load() -> None:
    """Print how busy the machine is: figures of a busy one say little."""
    print(f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


def resident(pid: int) -> int:
    """Return the bytes of memory that a process has (Linux only)."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0
