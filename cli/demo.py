"""`matinee demo`: loads the demo data into an empty database."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Annotated, Final

import structlog
import typer

from app import open_database
from cli.command import CommandError, format_examples, prepare_database, read_settings
from cli.numbers import whole_option
from config.settings import Settings
from demo.load import Loaded, NotEmptyError, load
from runtime.standard_streams import lose_unwritable_output

EPILOG: Final = format_examples("matinee demo", "matinee demo --scale 10")

log = structlog.get_logger("matinee")


def load_demo_data(
    *,
    scale: Annotated[int, whole_option(1, 10_000, help="How many times as much.")] = 1,
) -> None:
    """Load the demo data into an empty database: films, cinemas, sessions around today, ratings, bookings, events."""
    lose_unwritable_output()
    settings = read_settings()
    if settings.production:
        raise CommandError("MATINEE_ENV is production, where no demo data are loaded. Example: MATINEE_ENV=development")
    with prepare_database(settings) as url:
        made = asyncio.run(_load_demo(replace(settings, database_url=url), scale=scale, progress=typer.echo))
    typer.echo(f"{made.movies} movies, {made.places} places, {made.sessions} sessions, {made.events} events.")


async def _load_demo(settings: Settings, *, scale: int = 1, progress: Callable[[str], None]) -> Loaded:
    async with open_database(settings) as database:
        return await load(database, scale=scale, progress=progress)


def load_into_empty(settings: Settings) -> None:
    """Load the demo data where the database is empty: the rows of another one are its user's."""
    with suppress(NotEmptyError):
        made = asyncio.run(_load_demo(settings, progress=log.info))
        log.info("demo data loaded", movies=made.movies, places=made.places, sessions=made.sessions)
