"""`matinee explain`, as whoever writes a query asks it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.command import CommandError
from cli.main import commands

PLANNED = "query Best($n: Int, $place: ID) { movies(first: $n, filter: {placeId: $place}) { nodes { film: title } } }"
MIXED = "query Mixed { requestCount movies { nodes { id } } } mutation Reset { resetRequestCount { requestCount } }"


def explain(folder: Path, document: str, *options: str) -> Result:
    """Return what the command says of a document."""
    file = folder / "query.graphql"
    file.write_text(document, encoding="utf-8")
    return CliRunner().invoke(commands, ["explain", str(file), *options])


def test_explain_prints_outline_parameters_and_statement(tmp_path: Path) -> None:
    lines = explain(tmp_path, PLANNED, "--variables", '{"place": "plc_7"}').stdout.splitlines()
    assert lines[:5] == [
        "query Best: one statement, read from a standby, where there is one",
        "  movies (page of a list)",
        "    nodes",
        "      film: title (value)",
        "Parameters:",
    ]
    assert lines[5] == "  $1 p0_place_id"
    assert lines[6].startswith('SELECT (\'{"movies":')


def test_explain_prints_fields_that_the_executor_runs(tmp_path: Path) -> None:
    lines = explain(tmp_path, MIXED).stdout.splitlines()
    assert lines[:6] == [
        "query Mixed: one statement, read from a standby, where there is one",
        "  movies (page of a list)",
        "    nodes",
        "      id (value)",
        "For the executor:",
        "  Query.requestCount has no declaration",
    ]
    assert lines[-2:] == ["mutation Reset: the executor runs it", "  it is no query"]
    lines = explain(tmp_path, "{ requestCount }").stdout.splitlines()
    assert lines == ["query: the executor runs it", "  Query.requestCount has no declaration"]


def test_explain_prints_refused_argument(tmp_path: Path) -> None:
    assert "an argument is refused" in explain(tmp_path, '{ movie(id: "x") { id } }').stdout
    assert "the variables are refused" in explain(tmp_path, "query ($id: ID!) { movie(id: $id) { id } }").stdout
    assert explain(tmp_path, "{ __typename }").stdout == 'query: a constant\n{"__typename":"Query"}\n'


def test_explain_prints_plan_of_postgresql(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert "  ->  Limit" in explain(tmp_path, PLANNED, "--variables", '{"place": "plc_7"}', "--cost").stdout


@pytest.mark.parametrize(
    ("document", "options", "problem"),
    [
        ("{", (), "is no GraphQL document"),
        ("{ nothing }", (), "Cannot query field 'nothing'"),
        ("{ __typename }", ("--variables", "{"), "Give a JSON object"),
        ("{ __typename }", ("--variables", "[]"), "must be a JSON object"),
    ],
)
def test_explain_refuses_invalid_document_and_variables(
    tmp_path: Path, document: str, options: tuple[str, ...], problem: str
) -> None:
    result = explain(tmp_path, document, *options)
    assert isinstance(result.exception, CommandError)
    assert problem in str(result.exception)
