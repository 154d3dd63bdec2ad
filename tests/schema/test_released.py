"""Every check holds the contract against the one that was released last, and a change that breaks clients fails it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from graphql_server.breaking_changes import list_changes
from graphql_server.executable_schema import format_sdl

ROOT = Path(__file__).parents[2]
RELEASED = ROOT / "released.graphql"
GATE = "matinee schema check released.graphql"


def make(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own rules
        ["make", *arguments],  # noqa: S607 - as people run it
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_clients_of_last_release_keep_working() -> None:
    assert [
        str(each) for each in list_changes(RELEASED.read_text(encoding="utf-8"), format_sdl()) if each.breaking
    ] == []


def test_check_of_released_schema_is_part_of_make_check() -> None:
    assert GATE in make("--dry-run", "check").stdout
    assert "make --keep-going" in (ROOT / ".ci/run").read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which the rules of this one work, on files of its own."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(RELEASED, tmp_path)
    return tmp_path


def gate(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the gate there, with what is installed here."""
    installed = ROOT / ".venv"
    given = [f"VENV={installed}", f"PROJECT={installed / '.installed-project'}"]
    return make("--assume-old", given[1].removeprefix("PROJECT="), *given, "released", folder=folder)


def test_check_of_released_schema_accepts_additions(folder: Path) -> None:
    released = folder / "released.graphql"
    released.write_text(released.read_text().replace('  """Its title."""\n  title: String!\n', "", 1))
    done = gate(folder)
    assert done.returncode == 0, done.stderr


def test_check_of_released_schema_fails_on_breaking_changes(folder: Path) -> None:
    released = folder / "released.graphql"
    was = released.read_text()
    released.write_text(
        was.replace("type Movie implements Node {", "type Movie implements Node {\n  tagline: String", 1)
    )
    done = gate(folder)
    assert done.returncode != 0
    assert "breaking: Field Movie.tagline was removed." in done.stdout
