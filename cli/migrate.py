"""`matinee migrate`: brings the schema of the database up to date."""

from typing import Final

import typer

from cli.command import format_examples, migrate_database, prepare_database, read_settings
from db import revision
from runtime.standard_streams import lose_unwritable_output

EPILOG: Final = format_examples("matinee migrate")


def migrate_schema() -> None:
    """Bring the schema of the database up to date."""
    lose_unwritable_output()
    settings = read_settings()
    if settings.direct_url:
        migrate_database(settings.direct_url)
    else:
        with prepare_database(settings):
            pass
    typer.echo(f"The schema is at {revision.find_head()}.")
