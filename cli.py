"""The `matinee` command: every way to run this server, and a help that teaches."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import structlog
import typer
from graphql import GraphQLError
from psycopg import OperationalError
from starlette.applications import Starlette

from app import connected, create_app, work
from auth import Passwords
from db import revision, tally
from db.embedded import EmbeddedError, embedded
from db.models import User
from demo.load import Loaded, NotEmptyError, load
from domain import user
from domain.errors import Refusal, Refusals
from schema.changes import changes
from schema.contract import sdl
from settings import VARIABLES, Settings, unknown_variables
from upstreams import rehearsal
from upstreams.standins import Faults, create_standins
from variables import SettingsError
from web import logs
from web.server import ListenError, Serving, end_on_signals, listen, serve_here
from web.workers import serve_by_workers

EVERYWHERE: Final = ("0.0.0.0", "::", "")  # noqa: S104 - what is asked for, not a default
WRONG_SETTING: Final = 2

log = structlog.get_logger("matinee")


def _variables_help() -> str:
    lines = [f"  {each.name} (default: {each.default_in_words})\n      {each.meaning}" for each in VARIABLES]
    # \b keeps the lines as they are.
    return "\b\nVariables:\n" + "\n".join(lines)


def _examples(*lines: str) -> str:
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


commands = typer.Typer(
    name="matinee",
    help="The API server of a cinema chain: GraphQL and REST in front of PostgreSQL.",
    epilog=_examples("matinee serve", "matinee COMMAND --help"),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
staff_commands = typer.Typer(
    help="Who may change movies, places and sessions.", no_args_is_help=True, rich_markup_mode=None
)
commands.add_typer(staff_commands, name="staff")
schema_commands = typer.Typer(help="The GraphQL contract.", no_args_is_help=True, rich_markup_mode=None)
commands.add_typer(schema_commands, name="schema")


class CommandError(Exception):
    """A command cannot do what it was asked. The text is one line that says what to do."""


class NoAnswerError(CommandError):
    """The database does not answer."""


def main() -> None:
    """Run a command; end with status 2 on a wrong setting, 1 where something else stands in the way."""
    try:
        commands(prog_name="matinee")
    except SettingsError as error:
        typer.echo(error, err=True)
        sys.exit(WRONG_SETTING)
    except (CommandError, EmbeddedError, ListenError, NotEmptyError, Refusal, Refusals) as error:
        typer.echo(error, err=True)
        sys.exit(1)


@commands.command(
    epilog=_examples(
        "matinee serve",
        "matinee serve --port 8080 --workers 4",
        "DATABASE_URL=postgresql://user:password@host/name matinee serve --host 0.0.0.0",
    )
    + "\n\n"
    + _variables_help(),
)
def serve(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Server processes.")] = 1,
    no_demo: Annotated[bool, typer.Option("--no-demo", help="Leave an empty embedded database empty.")] = False,
    no_jobs: Annotated[bool, typer.Option("--no-jobs", help="Leave background jobs to `matinee worker`.")] = False,
) -> None:
    """Serve on http://127.0.0.1:8000 until Ctrl-C or SIGTERM.

    With DATABASE_URL unset, this starts an embedded database in MATINEE_DATA_DIR, brings its schema up to date, and
    loads the demo data into it while it is empty. With DATABASE_URL set it does neither, and refuses to start on a
    schema that is behind.
    """
    end_on_signals()
    settings = _settings()
    settings.require_counter()
    with (
        listen(host, port) as listener,
        _database(settings, needed=False) as url,
        rehearsal.rehearsing(settings) as led,
        tally.shared() as counts,
    ):
        address = _address(host, listener)
        told = replace(led, database_url=url, public_url=settings.public_url or address)
        if not (no_demo or settings.database_url or settings.production):
            _load_into_empty(told)
        serving = Serving(
            partial(create_app, told, with_jobs=not no_jobs, counts=counts), json_logs=_json_logs(settings)
        )
        on_ready = partial(_announce, settings, address)
        if workers == 1:
            serve_here(serving, listener, on_ready=on_ready)
        else:
            serve_by_workers(serving, listener, count=workers, on_ready=on_ready)


@commands.command("upstreams", epilog=_examples("matinee upstreams", "matinee upstreams --port 8100 --error-rate 0.5"))
def upstreams_command(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 8100,
    error_rate: Annotated[
        float, typer.Option(min=0, max=1, help="Share of requests answered with an error.")
    ] = rehearsal.USUAL_ERROR_RATE,
    timeout_rate: Annotated[
        float, typer.Option(min=0, max=1, help="Share of requests never answered.")
    ] = rehearsal.USUAL_TIMEOUT_RATE,
    latency_ms: Annotated[
        float, typer.Option(min=0, max=60_000, help="Milliseconds that every answer takes.")
    ] = rehearsal.USUAL_LATENCY_MS,
) -> None:
    """Serve stand-ins for the third parties on loopback, to try Matinee without them.

    They ask for the credentials that are set in the environment. Faults can be changed while they run, by
    PUT /faults/catalogue with {"error_rate": 0.5}.
    """
    end_on_signals()
    settings = _settings()
    if settings.production:
        raise CommandError("MATINEE_ENV is production, where nothing stands in for anybody.")
    try:
        faults = Faults(error_rate, timeout_rate, latency_ms)
    except ValueError as problem:
        raise CommandError(str(problem)) from None
    with listen("127.0.0.1", port) as listener:
        make_app = partial(_standins, settings, faults)
        on_ready = partial(_announce_standins, settings, _address("127.0.0.1", listener))
        serve_here(Serving(make_app, json_logs=_json_logs(settings)), listener, on_ready=on_ready)


def _standins(settings: Settings, faults: Faults, _worker: int) -> Starlette:
    return create_standins(rehearsal.standins(settings, faults))


def _announce_standins(settings: Settings, address: str) -> None:
    nobody = replace(settings, catalogue_url=None, cinemaworld_url=None, filmworld_url=None)
    told = rehearsal.led_to_standins(nobody, address)
    typer.echo(f"MATINEE_CATALOGUE_URL={told.catalogue_url}")
    if not settings.catalogue_password:
        typer.echo(f"MATINEE_CATALOGUE_USER={settings.catalogue_user or rehearsal.USER}")
        typer.echo(f"MATINEE_CATALOGUE_PASSWORD={rehearsal.USER}")
    providers = (("CINEMAWORLD", told.cinemaworld_url, told.cinemaworld_token),)
    for name, url, token in (*providers, ("FILMWORLD", told.filmworld_url, told.filmworld_token)):
        typer.echo(f"MATINEE_{name}_URL={url}")
        if not token:
            typer.echo(f"MATINEE_{name}_TOKEN={rehearsal.USER}")


@commands.command("worker", epilog=_examples("matinee worker"))
def worker_command() -> None:
    """Run background jobs until Ctrl-C or SIGTERM, beside servers that may run with --no-jobs."""
    settings = _settings()
    with _database(settings, needed=False) as url:
        asyncio.run(_work(replace(settings, database_url=url)))


async def _work(settings: Settings) -> None:
    loop, working = asyncio.get_running_loop(), asyncio.create_task(work(settings))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, working.cancel)
    typer.echo("Waiting for jobs.")
    with suppress(asyncio.CancelledError):
        await working


@commands.command("migrate", epilog=_examples("matinee migrate"))
def migrate_command() -> None:
    """Bring the schema of the database up to date."""
    settings = _settings()
    if settings.database_url:
        _migrate(settings.database_url)
    else:
        with _database(settings):
            pass
    typer.echo(f"The schema is at {revision.head()}.")


@commands.command("demo", epilog=_examples("matinee demo", "matinee demo --scale 10"))
def demo_command(
    *,
    scale: Annotated[int, typer.Option(min=1, help="How many times as much.")] = 1,
) -> None:
    """Load the demo data into an empty database: films, cinemas, sessions around today, ratings, bookings, events."""
    settings = _settings()
    if settings.production:
        raise CommandError("MATINEE_ENV is production, where demo data have no place. Example: MATINEE_ENV=development")
    with _database(settings) as url:
        made = asyncio.run(_load(replace(settings, database_url=url), scale=scale, progress=typer.echo))
    typer.echo(f"{made.movies} movies, {made.places} places, {made.sessions} sessions, {made.events} events.")


async def _load(settings: Settings, *, scale: int = 1, progress: Callable[[str], None]) -> Loaded:
    async with connected(settings) as database:
        return await load(database, scale=scale, progress=progress)


def _load_into_empty(settings: Settings) -> None:
    # The demo was asked for once, when the database was made: what is there now is the user's own.
    with suppress(NotEmptyError):
        made = asyncio.run(_load(settings, progress=log.info))
        log.info("demo data loaded", movies=made.movies, places=made.places, sessions=made.sessions)


@staff_commands.command(
    "add",
    epilog=_examples(
        "matinee staff add ada@example.org",
        "echo $PASSWORD | matinee staff add ada@example.org --password-stdin",
    ),
)
def staff_add(
    email: Annotated[str, typer.Argument(help="The e-mail address to sign in with.")],
    *,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read a new user's password from standard input.")
    ] = False,
) -> None:
    """Make a staff user, or make an existing user staff, who keeps the password."""
    settings = _settings()
    with _database(settings) as url:
        made = asyncio.run(_add_staff(replace(settings, database_url=url), email, stdin=password_stdin))
        typer.echo(f"{made.email} is staff.")


async def _add_staff(settings: Settings, email: str, *, stdin: bool) -> User:
    user.check_email(email)
    passwords = Passwords()
    async with connected(settings) as database:
        known = await user.by_name(database.primary, email=email, username=None)
        kept = known.password_hash if known else await passwords.hash(_new_password(stdin=stdin))
        async with database.transaction() as tx:
            return await user.add_staff(tx, email=email, password_hash=kept)


def _new_password(*, stdin: bool) -> str:
    if not stdin and not sys.stdin.isatty():
        raise CommandError("A new user needs a password. Pipe it in and add --password-stdin")
    if stdin:
        return user.check_password(sys.stdin.readline().rstrip("\r\n"))
    return user.check_password(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


@schema_commands.command("export", epilog=_examples("matinee schema export --out schema.graphql"))
def schema_export(
    *,
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output.")] = None,
) -> None:
    """Print the GraphQL contract in the schema definition language."""
    if out is None:
        typer.echo(sdl(), nl=False)
    else:
        try:
            out.write_text(sdl(), encoding="utf-8")
        except OSError as error:
            raise CommandError(
                f"{out} cannot be written: {error.strerror}. Name a file in a folder that is there."
            ) from error


@schema_commands.command("check", epilog=_examples("matinee schema check released.graphql"))
def schema_check(
    old: Annotated[
        Path, typer.Argument(help="The SDL that clients were built on.", exists=True, dir_okay=False, readable=True)
    ],
) -> None:
    """List what this server's contract does to clients of an older one; fail where it breaks them."""
    try:
        found = changes(old.read_text(encoding="utf-8"), sdl())
    except (GraphQLError, UnicodeDecodeError) as error:
        problem = error.message.rstrip(".") if isinstance(error, GraphQLError) else "not UTF-8"
        raise CommandError(f"{old}: {problem}. Give a file of the schema definition language.") from error
    for change in found:
        typer.echo(change)
    if any(change.breaking for change in found):
        raise CommandError("Clients of the older contract would break.")
    typer.echo("Clients of the older contract go on working.")


def _settings() -> Settings:
    settings = Settings.from_env(os.environ)
    logs.configure(as_json=_json_logs(settings))
    for warning in unknown_variables(os.environ):
        log.warning(warning)
    return settings


def _json_logs(settings: Settings) -> bool:
    return logs.wants_json(sys.stderr, production=settings.production)


@contextmanager
def _database(settings: Settings, *, needed: bool = True) -> Iterator[str]:
    """Yield the address of the database with its schema up to date, the embedded one unless another is set.

    Raise CommandError where another one's schema is behind, or it does not answer while it is needed.
    """
    if settings.database_url:
        try:
            _refuse_old_schema(settings.database_url)
        except NoAnswerError as error:
            if needed:
                raise
            # A server may start before its database: until then it answers 503, and /readyz says why.
            log.warning(str(error))
        yield settings.database_url
        return
    with embedded(settings.data_dir) as url:
        _migrate(url)
        yield url


def _migrate(url: str) -> None:
    try:
        with _reachable():
            revision.reach_head(url)
    except revision.MigrationError as error:
        raise CommandError(f"The schema of the database could not be brought up to date: {error}") from error


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        reason = " ".join(str(error).split())
        raise NoAnswerError(f"DATABASE_URL: the database does not answer: {reason}") from error


def _refuse_old_schema(url: str) -> None:
    with _reachable():
        found = revision.current(url)
    if revision.is_behind(found):
        raise CommandError(
            f"The schema of the database is at {found or 'nothing'} and this server needs {revision.head()}."
            " Run: matinee migrate"
        )


def _address(host: str, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    name = "localhost" if host in EVERYWHERE else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _announce(settings: Settings, address: str) -> None:
    graphql = "Playground" if settings.shows_graphiql else "GraphQL"
    for what, path in ((graphql, "/graphql"), ("Docs", "/docs")):
        typer.echo(f"{what:<11}{address}{path}")


if __name__ == "__main__":
    main()
