"""`matinee explain`: shows how the queries of a document run."""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import psycopg
import typer
from graphql import DocumentNode, GraphQLError, parse, validate
from psycopg import RawCursor

from cli.command import CommandError, format_examples, prepare_database, read_settings
from db.pipeline.parameters import encode_parameter
from db.pipeline.session import make_session_conninfo
from graphql_server.executable_schema import SCHEMA
from graphql_server.planner.explain import Explained, explain_operations
from graphql_server.planner.operations import Run

EPILOG: Final = format_examples("matinee explain query.graphql", "matinee explain query.graphql --cost")

File = Annotated[
    Path, typer.Argument(help="A GraphQL document.", exists=True, dir_okay=False, readable=True, metavar="FILE")
]


def explain_document(
    file: File,
    *,
    variables: Annotated[str, typer.Option(help="Values of the document's variables, as JSON.")] = "{}",
    cost: Annotated[bool, typer.Option("--cost", help="Show PostgreSQL's own plan of each statement too.")] = False,
) -> None:
    """Show the one SQL statement that answers each query, or which of its fields the executor has to run and why."""
    found = list(explain_operations(SCHEMA.graphql, read_document(file), read_variables(variables)))
    for each in found:
        typer.echo("\n".join(describe_run(each)))
    runs = [each.run for each in found if each.run and each.run.program.constant is None]
    if cost and runs:
        settings = read_settings()
        bounds = {"statement_seconds": settings.statement_seconds, "lock_seconds": settings.lock_seconds}
        # Has the settings of the sessions that run these statements, because the plans depend on them.
        with prepare_database(settings) as url, psycopg.connect(make_session_conninfo(url, **bounds)) as connection:
            for run in runs:
                typer.echo("\n".join(read_plan(connection, run)))


def read_document(file: Path) -> DocumentNode:
    """Return the document in a file; raise CommandError where it is not valid."""
    try:
        document = parse(file.read_text(encoding="utf-8"))
    except (GraphQLError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} is no GraphQL document: {error}") from error
    faults = validate(SCHEMA.graphql, document)
    if faults:
        raise CommandError(f"{file}: {faults[0].message}")
    return document


def read_variables(text: str) -> dict[str, Any]:
    """Return the values of variables; raise CommandError unless they are a JSON object."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise CommandError(f"--variables: {error}. Give a JSON object.") from error
    if not isinstance(found, dict):
        raise CommandError("--variables must be a JSON object.")
    return found


def describe_run(explained: Explained) -> list[str]:
    """Return the lines that describe how one operation runs."""
    if explained.run is None:
        return [f"{explained.name}: the executor runs it", *(f"  {reason}" for reason in explained.reasons)]
    program = explained.run.program
    source = "the primary" if program.newest else "a standby, where there is one"
    if program.constant is not None:
        return [f"{explained.name}: a constant", program.constant.decode()]
    parameters = [f"  ${place} {name}" for place, name in enumerate(program.parameters, start=1)]
    return [
        f"{explained.name}: one statement, read from {source}",
        *(f"  {line}" for line in explained.outline),
        *(["For the executor:", *(f"  {reason}" for reason in explained.reasons)] if explained.reasons else []),
        *(["Parameters:", *parameters] if parameters else []),
        program.statement.sql.decode(),
    ]


def read_plan(connection: psycopg.Connection[Any], run: Run) -> list[str]:
    """Return PostgreSQL's plan of a statement, for the parameters of this run."""
    values = [encode_parameter(run.parameters[name]) for name in run.program.parameters]
    texts = [None if value is None else value.decode() for value in values]
    with RawCursor(connection) as cursor:
        cursor.execute(b"EXPLAIN " + run.program.statement.sql, texts)
        return [line for (line,) in cursor.fetchall()]
