"""`matinee upstreams`: serves stand-ins of the third parties."""

from dataclasses import replace
from functools import partial
from typing import Annotated, Final

import typer
from starlette.applications import Starlette

from cli.command import CommandError, format_address, format_examples, read_settings, wants_json_logs
from cli.numbers import decimal_option, whole_option
from config.settings import Settings
from runtime.server import Serving, listen, serve_here
from runtime.signals import end_on_signals
from runtime.standard_streams import lose_unwritable_output
from upstreams import standin_server
from upstreams.standins import Faults, create_standins

EPILOG: Final = format_examples("matinee upstreams", "matinee upstreams --port 8100 --error-rate 0.5")


def serve_upstreams(
    *,
    port: Annotated[int, whole_option(0, 65535, help="0 takes any free port.")] = 8100,
    error_rate: Annotated[
        float, decimal_option(0, 1, help="Share of requests answered with an error.")
    ] = standin_server.USUAL_ERROR_RATE,
    timeout_rate: Annotated[
        float, decimal_option(0, 1, help="Share of requests never answered.")
    ] = standin_server.USUAL_TIMEOUT_RATE,
    latency_ms: Annotated[
        float, decimal_option(0, 60_000, help="Milliseconds that every answer takes.")
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
        raise CommandError("MATINEE_ENV is production, where third parties have no stand-ins.")
    try:
        faults = Faults(error_rate, timeout_rate, latency_ms)
    except ValueError as problem:
        raise CommandError(str(problem)) from None
    with listen("127.0.0.1", port) as listener:
        make_app = partial(_create_standins, settings, faults)
        on_ready = partial(_announce_standins, settings, format_address("127.0.0.1", listener))
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
