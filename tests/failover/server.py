"""The server under test, as an operator starts it: the `matinee` command in a process of its own, told by variables alone."""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from tests.failover.programs import FaultError, Program, running, wait_until

COMMAND: Final = Path(sys.executable).with_name("matinee")
SECRET: Final = "a secret that only the fault suite signs with"
# Holds end soon, so that a run sees abandoned seats come back.
HOLD_SECONDS: Final = 5
LIMITS: Final = {f"MATINEE_LIMIT_{name}": "off" for name in ("COST", "SIGN_IN", "SIGN_UP")}
START_SECONDS: Final = 90.0
ADDRESS: Final = re.compile(r"^Storefront +(\S+?)/?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its address, its process and its log."""

    address: str
    program: Program

    def unexpected_errors(self) -> list[str]:
        """Return the log lines of errors that nobody foresaw."""
        return [line for line in self.program.log.read_text().splitlines() if "unexpected error" in line]

    def is_ready(self) -> bool:
        """Return whether its readiness probe answers 200."""
        try:
            return httpx.get(f"{self.address}/readyz", timeout=3).status_code == 200
        except httpx.TransportError:
            return False


def variables(url: str, folder: Path) -> dict[str, str]:
    """Return the variables of the command, which finds its database at `url`."""
    return {
        "DATABASE_URL": url,
        "MATINEE_SECRET": SECRET,
        "MATINEE_DATA_DIR": str(folder),
        "MATINEE_HOLD_SECONDS": str(HOLD_SECONDS),
        **LIMITS,
    }


@contextmanager
def serving(
    url: str,
    folder: Path,
    *,
    workers: int = 1,
    port: int = 0,
    name: str = "server",
    more: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Yield a server that is ready; end it afterwards. `more` are variables of its environment."""
    command = (COMMAND, "serve", "--port", str(port), "--workers", str(workers))
    environment = variables(url, folder) | dict(more or {})
    with running(name, *command, folder=folder, environment=environment) as program:
        yield Server(wait_address(program), program)


def wait_address(program: Program) -> str:
    """Return where the server says that it serves."""
    wait_until(lambda: bool(ADDRESS.search(program.log.read_text())), seconds=START_SECONDS, what="the server starts")
    found = ADDRESS.search(program.log.read_text())
    assert found is not None
    return found[1]


def migrate(url: str, folder: Path) -> None:
    """Bring the schema up to date by `matinee migrate`."""
    with running("migrate", COMMAND, "migrate", folder=folder, environment=variables(url, folder)) as program:
        status = program.process.wait(60)
    if status:
        raise FaultError(f"matinee migrate failed: {program.log.read_text()}")
