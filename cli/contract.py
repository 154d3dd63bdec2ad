"""`matinee schema` and `matinee documents`: the GraphQL contract, and the documents that released clients send."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from graphql import GraphQLError

from app import open_database
from cli.command import CommandError, format_examples, prepare_database, read_settings
from config.settings import Settings
from db.models import TrustedDocument
from domain import trusted_document
from domain.trusted_document import compute_digest
from graphql_server.breaking_changes import list_changes
from graphql_server.document_manifests import ClientDocument, ManifestError, collect_documents, name_operations
from graphql_server.executable_schema import SCHEMA, format_sdl
from runtime.standard_streams import lose_unwritable_output

schema_commands = typer.Typer(help="The GraphQL contract.", no_args_is_help=True, rich_markup_mode=None)
document_commands = typer.Typer(
    help="Trusted documents: the documents that released clients send.", no_args_is_help=True, rich_markup_mode=None
)


@schema_commands.command("export", epilog=format_examples("matinee schema export --out schema.graphql"))
def export_schema(
    *,
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output.")] = None,
) -> None:
    """Print the GraphQL contract in the schema definition language."""
    if out is None:
        typer.echo(format_sdl(), nl=False)
    else:
        try:
            out.write_text(format_sdl(), encoding="utf-8")
        except OSError as error:
            raise CommandError(
                f"{out} cannot be written: {error.strerror}. Name a file in a folder that is there."
            ) from error


@schema_commands.command("check", epilog=format_examples("matinee schema check released.graphql"))
def check_schema(
    old: Annotated[
        Path, typer.Argument(help="The SDL that clients were built on.", exists=True, dir_okay=False, readable=True)
    ],
) -> None:
    """List what this server's contract does to clients of an older one; fail where it breaks them."""
    try:
        found = list_changes(old.read_text(encoding="utf-8"), format_sdl())
    except (GraphQLError, UnicodeDecodeError) as error:
        problem = error.message.rstrip(".") if isinstance(error, GraphQLError) else "not UTF-8"
        raise CommandError(f"{old}: {problem}. Give a file of the schema definition language.") from error
    for change in found:
        typer.echo(change)
    if any(change.breaking for change in found):
        raise CommandError("Clients of the older contract would break.")
    typer.echo("Clients of the older contract go on working.")


@document_commands.command(
    "add",
    epilog=format_examples("matinee documents add web/documents", "matinee documents add persisted-documents.json"),
)
def add_documents(
    path: Annotated[
        Path,
        typer.Argument(help="A folder or a file: .graphql, or a JSON manifest of Relay, Apollo or graphql-codegen."),
    ],
) -> None:
    """Register the documents of a client's release, all of them or, where one is wrong, none.

    A file is one document, with its fragments; its id is `sha256:` and the SHA-256 of the file as it is. Every server
    runs them at once.
    """
    lose_unwritable_output()
    settings = read_settings()
    try:
        found = collect_documents(path, schema=SCHEMA.graphql, limits=settings.limits)
    except ManifestError as error:
        raise CommandError(str(error)) from error
    for each in found:
        typer.echo(f"sha256:{compute_digest(each.text)}  {name_operations(each.text)}")
    with prepare_database(settings) as url:
        added = asyncio.run(_add_documents(replace(settings, database_url=url), found))
    typer.echo(f"{added} added, {len(found) - added} known before.")


async def _add_documents(settings: Settings, found: list[ClientDocument]) -> int:
    async with open_database(settings) as opened, opened.transaction() as tx:
        return await trusted_document.add_documents(tx, [each.text for each in found])


@document_commands.command("list", epilog=format_examples("matinee documents list"))
def list_documents() -> None:
    """List the registered documents, the oldest first: when they were added, their ids and operations."""
    settings = read_settings()
    with prepare_database(settings) as url:
        for each in asyncio.run(_list_documents(replace(settings, database_url=url))):
            added = each.added_at.strftime("%Y-%m-%dT%H:%M:%SZ")
            typer.echo(f"{added}  sha256:{each.hash}  {name_operations(each.text)}")


async def _list_documents(settings: Settings) -> list[TrustedDocument]:
    async with open_database(settings) as opened:
        return await trusted_document.list_documents(opened.primary)


@document_commands.command("remove", epilog=format_examples("matinee documents remove sha256:…"))
def remove_document(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="As `matinee documents list` shows it.")],
) -> None:
    """Remove a document from the registry; servers that have read it run it for up to a minute more."""
    lose_unwritable_output()
    settings = read_settings()
    with prepare_database(settings) as url:
        if not asyncio.run(_remove_document(replace(settings, database_url=url), identifier.removeprefix("sha256:"))):
            raise CommandError(f"{identifier} is not registered. See: matinee documents list")
    typer.echo(f"{identifier} is removed.")


async def _remove_document(settings: Settings, hashed: str) -> bool:
    async with open_database(settings) as opened, opened.transaction() as tx:
        return await trusted_document.remove_document(tx, digest=hashed)
