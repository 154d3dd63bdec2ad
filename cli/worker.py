"""`matinee worker`: runs background jobs without serving requests."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Final

import typer

from app import work
from cli.command import format_examples, prepare_database, read_settings
from config.settings import Settings
from runtime.shutdown import begin_shutdown
from runtime.signals import end_on_signals, list_ending_signals
from runtime.standard_streams import lose_unwritable_output

EPILOG: Final = format_examples("matinee worker")


def run_worker() -> None:
    """Run background jobs until Ctrl-C or SIGTERM, beside servers that may run with --no-jobs."""
    end_on_signals()
    lose_unwritable_output()
    settings = read_settings()
    with prepare_database(settings, needed=False) as url:
        asyncio.run(_work(replace(settings, database_url=url)))


async def _work(settings: Settings) -> None:
    loop, working = asyncio.get_running_loop(), asyncio.create_task(work(settings))

    def end() -> None:
        begin_shutdown()
        working.cancel()

    for number in list_ending_signals():
        loop.add_signal_handler(number, end)
    typer.echo("Waiting for jobs.")
    with suppress(asyncio.CancelledError):
        await working
