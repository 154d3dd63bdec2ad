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


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is ready; a killed one has no time to tidy up."""

    address: str
    process: "subprocess.Popen[str]"

    def kill(self) -> None:
        """Kill it, if it has no workers apart from itself."""
        self.process.kill()
        self.process.wait(15)


@contextmanager
def server(module: str, url: str, folder: Path, *, workers: int, **more: str) -> Iterator[Server]:
    """Yield a server whose main module is this one; `more` are variables of its environment."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("MATINEE_", "DATABASE_"))}
    told = {"DATABASE_URL": url, "MATINEE_SECRET": SECRET, "MATINEE_DATA_DIR": str(folder)}
    # Tests read what they have changed at once.
    told |= {"MATINEE_RESPONSE_CACHE": "off"} | more
    with (
        tempfile.TemporaryFile("w+") as stderr,
        subprocess.Popen(  # noqa: S603 - no input of others
            [sys.executable, "-m", module, "serve", "--port", "0", "--workers", str(workers)],
            cwd=ROOT,
            env=ours | told,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            stderr.seek(0)
            assert line.startswith("Storefront"), stderr.read()
            yield Server(line.split()[1].rstrip("/"), process)
        finally:
            process.terminate()
            process.wait(15)
