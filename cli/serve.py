"""`matinee serve`: serves GraphQL, REST and the storefront."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Annotated, Final

import typer
from starlette.applications import Starlette

from app import create_app
from cli.command import format_address, format_examples, prepare_database, read_settings, wants_json_logs
from cli.demo import load_into_empty
from cli.numbers import whole_option
from config.settings import VARIABLES, Settings
from runtime.connection_limits import ConnectionLimits
from runtime.position_marks import make_shared_marks_file
from runtime.rate_limits import make_shared_windows_file
from runtime.request_count import make_shared_counter_file
from runtime.server import Serving, listen, serve_here
from runtime.shared_slots import make_shared_slots
from runtime.signals import end_on_signals
from runtime.standard_streams import lose_unwritable_output
from runtime.tuning import count_processors
from runtime.workers import serve_by_workers
from upstreams import standin_server


def _describe_variables() -> str:
    lines = [f"  {each.name} (default: {each.default_in_words})\n      {each.meaning}" for each in VARIABLES]
    # \b keeps the lines as they are.
    return "\b\nVariables:\n" + "\n".join(lines)


EPILOG: Final = (
    format_examples(
        "matinee serve",
        "matinee serve --port 8080 --workers 4",
        "DATABASE_URL=postgresql://user:password@host/name matinee serve --host 0.0.0.0",
    )
    + "\n\n"
    + _describe_variables()
)


def serve(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, whole_option(0, 65535, help="0 takes any free port.")] = 8000,
    workers: Annotated[int, whole_option(1, 256, help="Server processes.")] = 1,
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
        make_shared_counter_file() as counts,
        make_shared_windows_file() if workers > 1 else nullcontext() as rates,
        make_shared_marks_file() if settings.database_read_url else nullcontext() as marks,
        make_shared_slots("hashes", count=count_processors()) as hash_slots,
    ):
        served = replace(completed, database_url=url, response_cache=completed.response_cache // workers)
        if not (no_demo or settings.database_url or settings.production):
            load_into_empty(served)
        make_app = partial(
            create_app, served, with_jobs=not no_jobs, counts=counts, rates=rates, marks=marks, hash_slots=hash_slots
        )
        serving = _make_serving(settings, make_app)
        on_ready = partial(_announce, settings, format_address(host, listener))
        if workers == 1:
            serve_here(serving, listener, on_ready=on_ready)
        else:
            serve_by_workers(serving, listener, count=workers, on_ready=on_ready)


def _make_serving(settings: Settings, make_app: Callable[[int], Starlette]) -> Serving:
    return Serving(
        make_app,
        json_logs=wants_json_logs(settings),
        trusted_proxies=settings.trusted_proxies,
        limits=ConnectionLimits(
            head_seconds=settings.limits.head_seconds,
            body_seconds=settings.limits.body_seconds,
            connections=settings.limits.connections,
        ),
    )


def _announce(settings: Settings, address: str) -> None:
    graphql = "Playground" if settings.shows_graphiql else "GraphQL"
    for what, path in (("Storefront", "/"), (graphql, "/graphql"), ("Docs", "/docs")):
        typer.echo(f"{what:<12}{address}{path}")
