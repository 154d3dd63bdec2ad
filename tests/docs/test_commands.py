"""Runs the commands and documents of the pages, and compares the answers with those that the pages show."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import make_url

from app import open_database
from config.settings import Settings
from db import migrate
from demo.load import load
from tests.cli.test_main import serving
from tests.support import curl as curl_program
from tests.support.factories import SECRET
from tests.support.own_database import own_database
from tests.support.pages import ROOT, Step, compare_answers, read_steps

ADDRESS: Final = "http://127.0.0.1:8000"
ANSWER_ENDS: Final = "--- the answer ends here ---"
# Variables of a document take their values from earlier answers, by these patterns.
VARIABLES: Final = {
    "movie": r"mov_\d+",
    "session": r"ses_\d+",
    "booking": r"bok_\d+",
    "event": r"evt_\d+",
    "after": r'(?<="endCursor":")[^"]+',
}
PAGES: Final = (
    "README.md",
    "docs/graphql.md",
    "docs/rest.md",
    "docs/collections.md",
    "docs/events.md",
    "docs/counter.md",
    "docs/prices.md",
)


@pytest.fixture(scope="module")
def demo(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database with the demo data; each page gets a copy."""
    with own_database(database_url) as url:
        migrate.upgrade(url)
        environment = {
            "DATABASE_URL": url,
            "MATINEE_DATA_DIR": str(tmp_path_factory.mktemp("demo")),
            "MATINEE_SECRET": SECRET,
        }
        asyncio.run(_fill(Settings.from_env(environment)))
        yield str(make_url(url).database)


async def _fill(settings: Settings) -> None:
    async with open_database(settings) as database:
        await load(database)


@pytest.fixture
def address(database_url: str, demo: str, tmp_path: Path) -> Iterator[str]:
    """The address of a server with the demo data, as `make run` has it."""
    with own_database(database_url, template=demo) as url, serving(tmp_path, DATABASE_URL=url) as server:
        yield server.address


@pytest.fixture
def curl(tmp_path: Path) -> Path:
    """A folder with a `curl` in it."""
    program = tmp_path / "bin" / "curl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(curl_program.__file__)}" "$@"\n')
    program.chmod(0o755)
    return program.parent


def run_blocks(commands: list[str], folder: Path) -> list[str]:
    """Return the output of each block of commands; one shell runs them in order and stops at the first failure."""
    script = f"\necho; echo '{ANSWER_ENDS}'\n".join([*commands, ""])
    environment = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(  # noqa: S603 - commands of our own pages
        ["/bin/sh", "-eu", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split(f"{ANSWER_ENDS}\n")[:-1]


def run_documents(address: str, documents: Sequence[Step]) -> Iterator[tuple[Step, Any]]:
    """Yield each document with its answer; ids and tokens come from earlier answers, as a reader would copy them."""
    seen: list[str] = []
    for step in documents:
        names = [name for name in re.findall(r"\$(\w+):", step.text) if f"${name}" in step.text]
        variables = {name: find_latest(VARIABLES[name], seen) for name in names}
        token = find_latest(r'eyJ[^"]+', seen)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = {"query": step.text, "variables": variables}
        answer = httpx.post(f"{address}/graphql", json=body, headers=headers)
        seen.append(answer.text)
        yield step, answer.json()


def find_latest(pattern: str, seen: Sequence[str]) -> str | None:
    """Return the first match in the latest of the answers that has one."""
    matches = (re.search(pattern, text) for text in reversed(seen))
    return next((match[0] for match in matches if match), None)


def list_faults(shown: object, given: object) -> list[str]:
    """Return how an answer differs from the one shown; where none is shown, it must not be a refusal.

    `extensions` are compared only where the page shows them.
    """
    if isinstance(shown, dict) and isinstance(given, dict) and "extensions" not in shown:
        given = {name: value for name, value in given.items() if name != "extensions"}
    if shown is not None:
        return compare_answers(shown, given)
    refused = re.search(r"'errors': \[.+?\]", str(given))
    return [refused[0]] if refused else []


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_page_answer_as_shown(page: str, address: str, curl: Path) -> None:
    blocks = [step for step in read_steps(page) if step.language == "sh"]
    assert blocks
    printed = run_blocks([step.text.replace(ADDRESS, address) for step in blocks], curl)
    for step, text in zip(blocks, printed, strict=True):
        given = json.loads(text) if text.strip() else None
        assert not list_faults(step.answer, given), step.text


@pytest.mark.parametrize("page", ["README.md", "docs/graphql.md"])
def test_documents_of_page_run_in_order(page: str, address: str) -> None:
    documents = [step for step in read_steps(page) if step.language == "graphql"]
    assert documents
    for step, given in run_documents(address, documents):
        assert not list_faults(step.answer, given), step.text


def test_reports_answer_of_another_shape_than_shown() -> None:
    shown = {"booking": {"id": "bok_…", "seats": 2, "places": [{"name": "…"}], "confirmed_at": None}}
    assert not compare_answers(
        shown, {"booking": {"id": "x", "seats": 3, "places": [{"name": "y"}], "confirmed_at": "z"}}
    )
    wrongs: tuple[dict[str, object], ...] = ({"id": 1}, {"seats": "2"}, {"places": []}, {"places": [{}]}, {"more": 1})
    for wrong in wrongs:
        assert compare_answers(shown, {"booking": shown["booking"] | wrong}), wrong
