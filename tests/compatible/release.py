"""The last release: its commit, its files in a folder of their own, and how its server is run."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.failover.programs import FaultError, Program, running
from tests.failover.server import ADDRESS, variables, wait_address

ROOT: Final = Path(__file__).parents[2]
# Written by `make release`, beside released.graphql.
COMMIT_FILE: Final = ROOT / "released.commit"
LOCK: Final = "requirements.lock"


class NoHistoryError(Exception):
    """The last release cannot be had here. The text says what to do."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the server: the folder of its code, and the Python that has its dependencies."""

    name: str
    code: Path
    python: Path

    @contextmanager
    def run(self, *arguments: str, url: str, folder: Path, name: str) -> Iterator[Program]:
        """Yield this version's `matinee` command, running with the database at `url`."""
        environment = variables(url, folder) | {"PYTHONPATH": str(self.code)}
        command: tuple[str | Path, ...] = (self.python, "-m", "cli", *arguments)
        with running(f"{self.name}-{name}", *command, folder=folder, environment=environment) as program:
            yield program

    @contextmanager
    def serve(self, *, url: str, folder: Path, name: str) -> Iterator[str]:
        """Yield the address of a server of this version that is ready."""
        with self.run("serve", "--port", "0", url=url, folder=folder, name=name) as program:
            yield wait_address(program)

    def migrate(self, *, url: str, folder: Path) -> None:
        """Bring the schema up to that of this version; raise FaultError where that fails."""
        with self.run("migrate", url=url, folder=folder, name="migrate") as program:
            if program.process.wait(120):
                raise FaultError(f"`matinee migrate` of the {self.name} version failed: {program.log.read_text()}")

    def refuse_to_serve(self, *, url: str, folder: Path) -> str:
        """Return what a server of this version writes when it refuses to start; raise FaultError where it serves."""
        with self.run("serve", "--port", "0", url=url, folder=folder, name="refused") as program:
            try:
                status = program.process.wait(60)
            except subprocess.TimeoutExpired:
                status = 0
            text = program.log.read_text()
        if not status or ADDRESS.search(text):
            raise FaultError(f"the {self.name} version serves on a schema that is behind: {text}")
        return text


def read_commit() -> str:
    """Return the commit of the last release; raise NoHistoryError where this clone does not have it."""
    commit = COMMIT_FILE.read_text().strip()
    if git("cat-file", "-e", f"{commit}^{{commit}}").returncode:
        text = f"the history of this clone does not have {commit}, the last release; try `git fetch --unshallow`"
        raise NoHistoryError(text)
    return commit


def git(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    """Return what git has done with these arguments in this repository."""
    environment: Mapping[str, str] = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(["git", *arguments], cwd=ROOT, env=environment, check=False, capture_output=True)  # noqa: S603, S607


def unpack_release(commit: str, folder: Path) -> Version:
    """Return the version of a commit, with its files in `folder` and its dependencies installed where they differ."""
    packed = git("archive", "--format=tar", commit)
    folder.mkdir()
    subprocess.run(["tar", "--extract"], cwd=folder, input=packed.stdout, check=True)  # noqa: S607
    if (folder / LOCK).read_bytes() == (ROOT / LOCK).read_bytes():
        return Version("released", folder, Path(sys.executable))
    print(f"installing the dependencies of {commit[:12]}, which differ from those of today")
    venv = folder / ".venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)  # noqa: S603
    python = venv / "bin" / "python"
    install = (python, "-m", "pip", "--quiet", "--no-input", "install", "--require-hashes", "-r", folder / LOCK)
    subprocess.run(install, check=True)  # noqa: S603
    return Version("released", folder, python)


def find_current() -> Version:
    """Return the version of this checkout."""
    return Version("current", ROOT, Path(sys.executable))
