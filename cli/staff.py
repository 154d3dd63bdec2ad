"""`matinee staff`: who may change movies, places, sessions and events."""

import asyncio
import sys
from dataclasses import replace
from typing import Annotated

import typer

from app import open_database
from cli.command import CommandError, format_examples, prepare_database, read_settings
from config.settings import Settings
from db.models import User
from domain import user
from identity.passwords import Passwords
from runtime.standard_streams import lose_unwritable_output

staff_commands = typer.Typer(
    help="Who may change movies, places and sessions.", no_args_is_help=True, rich_markup_mode=None
)


@staff_commands.command(
    "add",
    epilog=format_examples(
        "matinee staff add ada@example.org",
        "echo $PASSWORD | matinee staff add ada@example.org --password-stdin",
    ),
)
def add_staff(
    email: Annotated[str, typer.Argument(help="The e-mail address to sign in with.")],
    *,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read a new user's password from standard input.")
    ] = False,
) -> None:
    """Add a staff user, or make an existing user staff, who keeps the password."""
    lose_unwritable_output()
    settings = read_settings()
    with prepare_database(settings) as url:
        made = asyncio.run(_add_staff(replace(settings, database_url=url), email, stdin=password_stdin))
        typer.echo(f"{made.email} is staff.")


async def _add_staff(settings: Settings, email: str, *, stdin: bool) -> User:
    user.check_email(email)
    passwords = Passwords()
    async with open_database(settings) as database:
        known = await user.find_account(database.primary, email=email, username=None)
        password_hash = (
            known.password_hash if known else await passwords.hash(user.normalize_password(_ask_password(stdin=stdin)))
        )
        async with database.transaction() as tx:
            return await user.add_staff(tx, email=email, password_hash=password_hash)


def _ask_password(*, stdin: bool) -> str:
    if not stdin and not sys.stdin.isatty():
        raise CommandError("A new user needs a password. Pipe it in and add --password-stdin")
    if stdin:
        return user.check_password(sys.stdin.readline().rstrip("\r\n"))
    return user.check_password(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
