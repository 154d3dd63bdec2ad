"""A server with demo data, and folders in which the clients' scripts run as programs of their users would."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support import browser_cinema as cinemas
from tests.support.browser_cinema import Cinema
from tests.support.factories import PASSWORD
from tests.support.pages import ROOT

HERE: Final = Path(__file__).parent
PYTHON: Final = ROOT / ".venv/clients/bin/python"
# The address that the page's snippets write.
WRITTEN: Final = "127.0.0.1:8000"
SNIPPET: Final = re.compile(r"^```(js|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
numbers: Final = count(1)


@pytest.fixture(scope="package")
def cinema(database_url: str) -> Iterator[Cinema]:
    """The cinema that all clients book at."""
    with cinemas.opened(database_url) as opened:
        yield opened


@dataclass(frozen=True, slots=True)
class Workplace:
    """A folder with the scripts, the page's snippets and what is installed for them."""

    folder: Path
    cinema: Cinema

    def run(self, *command: str | Path, **variables: str) -> str:
        """Return what a program prints; fail where it fails."""
        done = self.attempt(*command, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def attempt(self, *command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Return how a program ended."""
        return subprocess.run(  # noqa: S603 - our own scripts
            command,
            cwd=self.folder,
            env=os.environ | {"API": self.cinema.url} | variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    def node(self, tool: str, *arguments: str) -> str:
        """Return what a program of a Node package prints."""
        return self.run(self.find_node(), f"node_modules/{tool}", *arguments)

    def book(self, *command: str | Path, free: int | None = None) -> Any:  # noqa: ANN401 - JSON
        """Return what a script reports that books two seats of a session nobody else uses."""
        showing = self.cinema.session(free=free or 10)
        email = f"client{next(numbers)}@example.org"
        printed = self.run(*command, SESSION=showing.id, EMAIL=email, PASSWORD=PASSWORD)
        return json.loads(printed.splitlines()[-1])

    @staticmethod
    def find_node() -> str:
        """Return Node.js; skip the test where it or the packages are missing."""
        # Where the machine has no Node.js, make has put one beside our Python.
        node = shutil.which("node", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        if node is None or not (HERE / "node_modules").exists():
            pytest.skip("the packages of tests/clients are not installed; `make clients` installs them")
        return node

    @staticmethod
    def find_python() -> Path:
        """Return the Python that has the clients; skip the test where there is none."""
        if not PYTHON.exists():
            pytest.skip("the Python clients are not installed; `make clients` installs them")
        return PYTHON


def read_snippets() -> Iterator[tuple[str, str]]:
    """Yield the file name and text of each snippet of docs/clients.md, named after its heading."""
    for section in (ROOT / "docs/clients.md").read_text(encoding="utf-8").split("\n## ")[1:]:
        title = section.partition("\n")[0].lower()
        for language, text in SNIPPET.findall(section):
            name = f"{title}_client.py" if language == "python" else f"{title.replace(' ', '-')}.mjs"
            yield name, text


@pytest.fixture
def make_workplace(tmp_path: Path) -> Callable[[Cinema], Workplace]:
    """A function that fills a folder for a server."""

    def fill(cinema: Cinema) -> Workplace:
        shutil.copytree(
            HERE, tmp_path, ignore=shutil.ignore_patterns("node_modules", "__pycache__"), dirs_exist_ok=True
        )
        (tmp_path / "node_modules").symlink_to(HERE / "node_modules")
        (tmp_path / "snippets").mkdir()
        for name, text in read_snippets():
            written = text.replace(WRITTEN, cinema.url.removeprefix("http://"))
            (tmp_path / "snippets" / name).write_text(written, encoding="utf-8")
        (tmp_path / "schema.graphql").write_text(cinema.client.get("/schema.graphql").raise_for_status().text)
        return Workplace(tmp_path, cinema)

    return fill


@pytest.fixture
def workplace(make_workplace: Callable[[Cinema], Workplace], cinema: Cinema) -> Workplace:
    """A folder for the server that all share."""
    return make_workplace(cinema)
