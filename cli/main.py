"""The `matinee` command: every way to run this server, and a help that teaches."""

import asyncio
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Annotated, Final

import structlog
import typer
from starlette.applications import Starlette

from app import create_app, open_database, work
from cli.command import (
    CommandError,
    format_examples,
    migrate_database,
    prepare_database,
    read_settings,
    wants_json_logs,
)
from cli.contract import document_commands, schema_commands
from cli.explain import explain_command
from config.settings import VARIABLES, Settings
from config.variables import SettingsError
from db import revision
from db.embedded.postmaster import EmbeddedError
from db.models import User
from demo.load import Loaded, NotEmptyError, load
from domain import user
from errors import Refusal, Refusals
from identity.passwords import Passwords
from runtime.connection_limits import ConnectionLimits
from runtime.ending import end_on_signals, list_heeded
from runtime.rate_windows import shared_windows_file
from runtime.request_count import shared_counter_file
from runtime.server import ListenError, Serving, listen, serve_here
from runtime.shared_slots import shared_slots
from runtime.standard_streams import lose_unwritable_errors, lose_unwritable_output
from runtime.tuning import count_processors
from runtime.workers import serve_by_workers
from upstreams import standin_server
from upstreams.standins import Faults, create_standins

EVERYWHERE: Final = ("0.0.0.0", "::", "")  # noqa: S104 - what is asked for, not a default
WRONG_SETTING: Final = 2

log = structlog.get_logger("matinee")


def _describe_variables() -> str:
    lines = [f"  {each.name} (default: {each.default_in_words})\n      {each.meaning}" for each in VARIABLES]
    # \b keeps the lines as they are.
    return "\b\nVariables:\n" + "\n".join(lines)


commands = typer.Typer(
    name="matinee",
    help="The API server of a cinema chain: GraphQL and REST in front of PostgreSQL.",
    epilog=format_examples("matinee serve", "matinee COMMAND --help"),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
staff_commands = typer.Typer(
    help="Who may change movies, places and sessions.", no_args_is_help=True, rich_markup_mode=None
)
commands.add_typer(staff_commands, name="staff")
commands.add_typer(schema_commands, name="schema")
commands.add_typer(document_commands, name="documents")
commands.command(
    "explain", epilog=format_examples("matinee explain query.graphql", "matinee explain query.graphql --cost")
)(explain_command)


def main() -> None:
    """Run a command; end with status 2 on a wrong setting, 1 where something else stands in the way."""
    lose_unwritable_errors()
    # Every command may use the embedded database, which is to end with the last of them.
    end_on_signals(status=None)
    try:
        commands(prog_name="matinee")
    except SettingsError as error:
        typer.echo(error, err=True)
        sys.exit(WRONG_SETTING)
    except (CommandError, EmbeddedError, ListenError, NotEmptyError, Refusal, Refusals) as error:
        typer.echo(error, err=True)
        sys.exit(1)


@commands.command(
    epilog=format_examples(
        "matinee serve",
        "matinee serve --port 8080 --workers 4",
        "DATABASE_URL=postgresql://user:password@host/name matinee serve --host 0.0.0.0",
    )
    + "\n\n"
    + _describe_variables(),
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
    lose_unwritable_output()
    settings = read_settings()
    settings.require_counter()
    with (
        listen(host, port) as listener,
        prepare_database(settings, needed=False) as url,
        standin_server.serve_missing_standins(settings) as completed,
        shared_counter_file() as counts,
        shared_windows_file() as rates,
        shared_slots("hashes", count=count_processors()) as hash_slots,
    ):
        address = _format_address(host, listener)
        served = replace(completed, database_url=url, response_cache=completed.response_cache // workers)
        if not (no_demo or settings.database_url or settings.production):
            _load_into_empty(served)
        serving = Serving(
            partial(create_app, served, with_jobs=not no_jobs, counts=counts, rates=rates, hash_slots=hash_slots),
            json_logs=wants_json_logs(settings),
            trusted_proxies=settings.trusted_proxies,
            limits=ConnectionLimits(
                head_seconds=settings.limits.head_seconds,
                body_seconds=settings.limits.body_seconds,
                connections=settings.limits.connections,
            ),
        )
        on_ready = partial(_announce, settings, address)
        if workers == 1:
            serve_here(serving, listener, on_ready=on_ready)
        else:
            serve_by_workers(serving, listener, count=workers, on_ready=on_ready)


@commands.command(
    "upstreams", epilog=format_examples("matinee upstreams", "matinee upstreams --port 8100 --error-rate 0.5")
)
def upstreams_command(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 8100,
    error_rate: Annotated[
        float, typer.Option(min=0, max=1, help="Share of requests answered with an error.")
    ] = standin_server.USUAL_ERROR_RATE,
    timeout_rate: Annotated[
        float, typer.Option(min=0, max=1, help="Share of requests never answered.")
    ] = standin_server.USUAL_TIMEOUT_RATE,
    latency_ms: Annotated[
        float, typer.Option(min=0, max=60_000, help="Milliseconds that every answer takes.")
    ] = standin_server.USUAL_LATENCY_MS,
) -> None:
    """Serve stand-ins for the third parties on loopback, to try Matinee without them.

    They ask for the credentials that are set in the environment. Faults can be changed while they run, by
    PUT /faults/catalogue with {"error_rate": 0.5}.
    """
    end_on_signals()
    lose_unwritable_output()
    settings = read_settings()
    if settings.production:
        raise CommandError("MATINEE_ENV is production, where nothing stands in for anybody.")
    try:
        faults = Faults(error_rate, timeout_rate, latency_ms)
    except ValueError as problem:
        raise CommandError(str(problem)) from None
    with listen("127.0.0.1", port) as listener:
        make_app = partial(_create_standins, settings, faults)
        on_ready = partial(_announce_standins, settings, _format_address("127.0.0.1", listener))
        serve_here(Serving(make_app, json_logs=wants_json_logs(settings)), listener, on_ready=on_ready)


def _create_standins(settings: Settings, faults: Faults, _worker: int) -> Starlette:
    return create_standins(standin_server.make_standins(settings, faults))


def _announce_standins(settings: Settings, address: str) -> None:
    nobody = replace(settings, catalogue_url=None, cinemaworld_url=None, filmworld_url=None)
    pointed = standin_server.point_to_standins(nobody, address)
    typer.echo(f"MATINEE_CATALOGUE_URL={pointed.catalogue_url}")
    if not settings.catalogue_password:
        typer.echo(f"MATINEE_CATALOGUE_USER={settings.catalogue_user or standin_server.USER}")
        typer.echo(f"MATINEE_CATALOGUE_PASSWORD={standin_server.USER}")
    providers = (("CINEMAWORLD", pointed.cinemaworld_url, pointed.cinemaworld_token),)
    for name, url, token in (*providers, ("FILMWORLD", pointed.filmworld_url, pointed.filmworld_token)):
        typer.echo(f"MATINEE_{name}_URL={url}")
        if not token:
            typer.echo(f"MATINEE_{name}_TOKEN={standin_server.USER}")


@commands.command("worker", epilog=format_examples("matinee worker"))
def worker_command() -> None:
    """Run background jobs until Ctrl-C or SIGTERM, beside servers that may run with --no-jobs."""
    end_on_signals()
    lose_unwritable_output()
    settings = read_settings()
    with prepare_database(settings, needed=False) as url:
        asyncio.run(_work(replace(settings, database_url=url)))


async def _work(settings: Settings) -> None:
    loop, working = asyncio.get_running_loop(), asyncio.create_task(work(settings))
    for number in list_heeded():
        loop.add_signal_handler(number, working.cancel)
    typer.echo("Waiting for jobs.")
    with suppress(asyncio.CancelledError):
        await working


@commands.command("migrate", epilog=format_examples("matinee migrate"))
def migrate_command() -> None:
    """Bring the schema of the database up to date."""
    settings = read_settings()
    if settings.direct_url:
        migrate_database(settings.direct_url)
    else:
        with prepare_database(settings):
            pass
    typer.echo(f"The schema is at {revision.find_head()}.")


@commands.command("demo", epilog=format_examples("matinee demo", "matinee demo --scale 10"))
def demo_command(
    *,
    scale: Annotated[int, typer.Option(min=1, help="How many times as much.")] = 1,
) -> None:
    """Load the demo data into an empty database: films, cinemas, sessions around today, ratings, bookings, events."""
    settings = read_settings()
    if settings.production:
        raise CommandError("MATINEE_ENV is production, where demo data have no place. Example: MATINEE_ENV=development")
    with prepare_database(settings) as url:
        made = asyncio.run(_load_demo(replace(settings, database_url=url), scale=scale, progress=typer.echo))
    typer.echo(f"{made.movies} movies, {made.places} places, {made.sessions} sessions, {made.events} events.")


async def _load_demo(settings: Settings, *, scale: int = 1, progress: Callable[[str], None]) -> Loaded:
    async with open_database(settings) as database:
        return await load(database, scale=scale, progress=progress)


def _load_into_empty(settings: Settings) -> None:
    # The demo was asked for once, when the database was made: what is there now is the user's own.
    with suppress(NotEmptyError):
        made = asyncio.run(_load_demo(settings, progress=log.info))
        log.info("demo data loaded", movies=made.movies, places=made.places, sessions=made.sessions)


@staff_commands.command(
    "add",
    epilog=format_examples(
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


def _format_address(host: str, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    name = "localhost" if host in EVERYWHERE else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _announce(settings: Settings, address: str) -> None:
    graphql = "Playground" if settings.shows_graphiql else "GraphQL"
    for what, path in (("Storefront", "/"), (graphql, "/graphql"), ("Docs", "/docs")):
        typer.echo(f"{what:<12}{address}{path}")
