"""`matinee documents`, as a client's release uses it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.command import CommandError
from cli.main import commands
from domain.trusted_document import compute_digest
from tests.support.factories import SECRET

TITLES = "query Titles { movies { nodes { title } } }\n"
PLACES = "{ places { totalCount } }"


@pytest.fixture(autouse=True)
def environment(empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands meet the database of the tests."""
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    monkeypatch.setenv("MATINEE_SECRET", SECRET)
    monkeypatch.setenv("MATINEE_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two documents."""
    made = tmp_path / "documents"
    made.mkdir()
    (made / "titles.graphql").write_text(TITLES)
    (made / "places.graphql").write_text(PLACES)
    return made


def run(*arguments: str) -> Result:
    """Return what came of the command."""
    return CliRunner().invoke(commands, ["documents", *arguments])


def listed() -> list[str]:
    """Return the lines of the list without their instants."""
    return sorted(line.partition("  ")[2] for line in run("list").stdout.splitlines())


def test_documents_add_registers_folder_and_prints_new_documents(folder: Path) -> None:
    result = run("add", str(folder))
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        [
            f"sha256:{compute_digest(PLACES)}  query",
            f"sha256:{compute_digest(TITLES)}  query Titles",
            "2 added, 0 known before.",
        ],
    )
    (folder / "places.graphql").write_text(PLACES.replace("places", "events"))
    assert run("add", str(folder)).stdout.splitlines()[-1] == "1 added, 1 known before."
    assert len(listed()) == 3


def test_documents_add_registers_nothing_when_one_document_is_invalid(folder: Path) -> None:
    (folder / "wrong.graphql").write_text("{\n  nothing\n}")
    result = run("add", str(folder))
    assert isinstance(result.exception, CommandError)
    assert str(result.exception).startswith(f"{folder}/wrong.graphql:2: Cannot query field 'nothing' on type 'Query'.")
    assert listed() == []


def test_documents_remove_accepts_id_that_documents_list_prints(folder: Path) -> None:
    run("add", str(folder))
    assert listed() == sorted(
        [f"sha256:{compute_digest(PLACES)}  query", f"sha256:{compute_digest(TITLES)}  query Titles"]
    )
    assert run("remove", f"sha256:{compute_digest(PLACES)}").stdout == f"sha256:{compute_digest(PLACES)} is removed.\n"
    assert listed() == [f"sha256:{compute_digest(TITLES)}  query Titles"]
    again = run("remove", f"sha256:{compute_digest(PLACES)}")
    assert isinstance(again.exception, CommandError)
    assert "is not registered" in str(again.exception)
