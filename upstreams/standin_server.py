"""Serves stand-ins for the third parties that are not configured, and points the settings at them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import structlog

from config.settings import Settings
from runtime.server import listen, serve_aside
from upstreams import standin_catalogue, standin_providers
from upstreams.standins import Faults, StandIn, create_standins, generate_password

USER: Final = "matinee"
# Like the real ones on an ordinary day: often an error, sometimes no answer.
USUAL_ERROR_RATE: Final = 0.2
USUAL_TIMEOUT_RATE: Final = 0.05
USUAL_LATENCY_MS: Final = 50.0

log = structlog.get_logger("matinee.upstreams")


def make_standins(settings: Settings, faults: Faults) -> list[StandIn]:
    """Return a stand-in for every third party, each with faults of its own that start as these."""
    return [
        standin_catalogue.make_catalogue(
            user=settings.catalogue_user or USER,
            password=settings.catalogue_password or USER,
            faults=replace(faults),
        ),
        standin_providers.make_cinemaworld(token=settings.cinemaworld_token or USER, faults=replace(faults)),
        standin_providers.make_filmworld(token=settings.filmworld_token or USER, faults=replace(faults)),
    ]


def point_to_standins(settings: Settings, address: str) -> Settings:
    """Return the settings with the addresses of stand-ins at `address` in place of those that are not set."""
    if settings.catalogue_url is None:
        settings = replace(settings, catalogue_url=f"{address}/{standin_catalogue.NAME}{standin_catalogue.LIST}")
    return replace(
        settings,
        cinemaworld_url=settings.cinemaworld_url or f"{address}/{standin_providers.CINEMAWORLD}",
        filmworld_url=settings.filmworld_url or f"{address}/{standin_providers.FILMWORLD}",
    )


def add_credentials(settings: Settings) -> Settings:
    """Return the settings with made-up credentials for the third parties that have no address."""
    if settings.catalogue_url is None:
        user = settings.catalogue_user or USER
        password = settings.catalogue_password or generate_password()
        settings = replace(settings, catalogue_user=user, catalogue_password=password)
    if settings.cinemaworld_url is None:
        settings = replace(settings, cinemaworld_token=settings.cinemaworld_token or generate_password())
    if settings.filmworld_url is None:
        settings = replace(settings, filmworld_token=settings.filmworld_token or generate_password())
    return settings


@contextmanager
def serve_missing_standins(settings: Settings) -> Iterator[Settings]:
    """Yield settings in which every third party has an address, and serve stand-ins on loopback meanwhile.

    In production there are no stand-ins: what needs a third party without an address is unavailable.
    """
    if not list_missing(settings):
        yield settings
    elif settings.production:
        log.warning("third parties without an address are unavailable", missing=list_missing(settings))
        yield settings
    else:
        completed = add_credentials(settings)
        faults = Faults(USUAL_ERROR_RATE, USUAL_TIMEOUT_RATE, USUAL_LATENCY_MS)
        app = create_standins(make_standins(completed, faults))
        with listen("127.0.0.1", 0) as listener, serve_aside(app, listener):
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            log.info("serving stand-ins for third parties", address=address, missing=list_missing(settings))
            yield point_to_standins(completed, address)


def list_missing(settings: Settings) -> list[str]:
    """Return the variables of third parties' addresses that are not set."""
    addresses = {
        "MATINEE_CATALOGUE_URL": settings.catalogue_url,
        "MATINEE_CINEMAWORLD_URL": settings.cinemaworld_url,
        "MATINEE_FILMWORLD_URL": settings.filmworld_url,
    }
    return [name for name, value in addresses.items() if value is None]
