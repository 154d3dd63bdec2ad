"""`matinee schema export` and `matinee schema check`, as a release asks them."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.command import CommandError
from cli.main import commands
from graphql_server.executable_schema import format_sdl


def run(*arguments: str) -> Result:
    """Return what came of the command."""
    return CliRunner().invoke(commands, ["schema", *arguments])


def test_schema_export_writes_to_standard_output() -> None:
    result = run("export")
    assert (result.exit_code, result.stdout) == (0, format_sdl())


def test_schema_export_writes_file_that_schema_check_accepts(tmp_path: Path) -> None:
    file = tmp_path / "schema.graphql"
    result = run("export", "--out", str(file))
    assert (result.exit_code, result.stdout) == (0, "")
    assert file.read_text(encoding="utf-8") == format_sdl()
    result = run("check", str(file))
    assert (result.exit_code, result.stdout) == (0, "Clients of the older contract go on working.\n")


def test_schema_export_names_file_that_cannot_be_written(tmp_path: Path) -> None:
    result = run("export", "--out", str(tmp_path / "nowhere" / "schema.graphql"))
    assert isinstance(result.exception, CommandError)
    assert "cannot be written" in str(result.exception)


def test_schema_check_fails_on_breaking_changes_and_lists_them(tmp_path: Path) -> None:
    file = tmp_path / "released.graphql"
    file.write_text(format_sdl().replace("enum MovieSort {", "enum MovieSort { TITLE", 1), encoding="utf-8")
    result = run("check", str(file))
    assert isinstance(result.exception, CommandError)
    assert result.stdout.startswith("breaking: Enum value MovieSort.TITLE was removed")


def test_schema_check_lists_other_changes_and_passes(tmp_path: Path) -> None:
    file = tmp_path / "released.graphql"
    file.write_text(format_sdl().replace("sort: MovieSort! = RATING", "sort: MovieSort! = NEW", 1), encoding="utf-8")
    result = run("check", str(file))
    assert result.exit_code == 0
    assert result.stdout.startswith("dangerous: ")


@pytest.mark.parametrize("content", [b"", b"type Query {", b"type Query { a: Nothing }", b"\xff"])
def test_schema_check_refuses_file_that_is_no_schema(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "released.graphql"
    file.write_bytes(content)
    result = run("check", str(file))
    assert isinstance(result.exception, CommandError)
    assert "Give a file of the schema definition language." in str(result.exception)


@pytest.mark.parametrize("path", [".", "nothing.graphql"])
def test_schema_check_refuses_missing_file_and_folder(tmp_path: Path, path: str) -> None:
    assert run("check", str(tmp_path / path)).exit_code == 2
