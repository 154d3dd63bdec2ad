"""Servers in processes of their own, on real sockets, that can be killed."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.factories import SECRET

ROOT: Final = Path(__file__).parents[2]
END_SECONDS: Final = 15


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is ready; a killed one has no time to tidy up."""

    address: str
    process: "subprocess.Popen[str]"

    def kill(self) -> None:
        """Kill it, if it has no workers apart from itself."""
        self.process.kill()
        self.process.wait(END_SECONDS)


@contextmanager
def running(module: str, *arguments: str, **variables: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Yield a `matinee` command once it has printed its first line, and that line; kill it if it is left running.

    `module` is its main module, and `variables` are those of its environment.
    """
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("MATINEE_", "DATABASE_"))}
    with (
        tempfile.TemporaryFile("w+") as stderr,
        subprocess.Popen(  # noqa: S603 - no input of others
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=ours | variables,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            stderr.seek(0)
            assert line, stderr.read()
            yield process, line
        finally:
            process.kill()


def read_address(line: str) -> str:
    """Return the address of the first line that `matinee serve` prints."""
    name, address = line.split()
    assert name == "Storefront"
    return address.rstrip("/")


@contextmanager
def server(module: str, url: str, folder: Path, *, workers: int, **more: str) -> Iterator[Server]:
    """Yield a server whose main module is this one; `more` are variables of its environment."""
    variables = {"DATABASE_URL": url, "MATINEE_SECRET": SECRET, "MATINEE_DATA_DIR": str(folder)}
    # Tests read what they have changed at once.
    variables |= {"MATINEE_RESPONSE_CACHE": "off"} | more
    with running(module, "serve", "--port", "0", "--workers", str(workers), **variables) as (process, line):
        yield Server(read_address(line), process)
        process.terminate()
        process.wait(END_SECONDS)
