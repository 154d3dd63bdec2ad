"""The `matinee` command: all of its commands, and how it ends."""

import sys
from typing import Final

import typer

from cli import demo, explain, migrate, serve, upstreams, worker
from cli.command import CommandError, format_examples
from cli.contract import document_commands, schema_commands
from cli.staff import staff_commands
from config.variables import SettingsError
from db.embedded.postmaster import EmbeddedError
from demo.load import NotEmptyError
from errors import Refusal, Refusals
from runtime.server import ListenError
from runtime.signals import end_on_signals
from runtime.standard_streams import lose_unwritable_errors

WRONG_SETTING: Final = 2

commands = typer.Typer(
    name="matinee",
    help="The API server of a cinema chain: GraphQL and REST in front of PostgreSQL.",
    epilog=format_examples("matinee serve", "matinee COMMAND --help"),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
commands.command("serve", epilog=serve.EPILOG)(serve.serve)
commands.command("upstreams", epilog=upstreams.EPILOG)(upstreams.serve_upstreams)
commands.command("worker", epilog=worker.EPILOG)(worker.run_worker)
commands.command("migrate", epilog=migrate.EPILOG)(migrate.migrate_schema)
commands.command("demo", epilog=demo.EPILOG)(demo.load_demo_data)
commands.command("explain", epilog=explain.EPILOG)(explain.explain_document)
commands.add_typer(staff_commands, name="staff")
commands.add_typer(schema_commands, name="schema")
commands.add_typer(document_commands, name="documents")


def main() -> None:
    """Run a command; end with status 2 on a wrong setting, and with 1 on any other error that the user can correct."""
    lose_unwritable_errors()
    # Every command may use the embedded database, which must be stopped with the last of them.
    end_on_signals(status=None)
    try:
        commands(prog_name="matinee")
    except SettingsError as error:
        typer.echo(error, err=True)
        sys.exit(WRONG_SETTING)
    except (CommandError, EmbeddedError, ListenError, NotEmptyError, Refusal, Refusals) as error:
        typer.echo(error, err=True)
        sys.exit(1)
