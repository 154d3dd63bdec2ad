"""Prices that are fresh, or known to be stale: providers asked side by side, once for all who want to know."""

import asyncio
import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import structlog

from db.engine import Database
from domain import offer, provider_movie
from domain.offer import Standing
from domain.provider_movie import Entry
from errors import ProviderNotFound, Unavailable, UpstreamUnavailable
from upstreams.providers import Provider

# One that is failing is tried again by whoever asks, but not by all who ask.
RETRY_SECONDS: Final = 1.0
# For whoever finds nothing known: a provider that tells its prices only in the details of its movies takes two calls, and
# the first caller of all need not wait for the second one when the other provider's prices are there.
PROMPT_SECONDS: Final = 1.0

log = structlog.get_logger("matinee.upstreams")


class Prices:
    """What every door asks before it reads prices from the database, where all servers keep them."""

    def __init__(self, database: Database, providers: Sequence[Provider], *, fresh_seconds: float) -> None:
        """Ask these providers; an answer is good for `fresh_seconds`, whichever server has got it."""
        self.names = [provider.name for provider in providers]
        self.fresh_seconds = fresh_seconds
        self._database = database
        self._providers = {provider.name: provider for provider in providers}
        self._flights: dict[str, asyncio.Task[None]] = {}
        self._asked: dict[str, float] = {}

    async def ready(self) -> None:
        """Return once the database holds prices to serve, after two seconds at most; raise UpstreamUnavailable.

        Nobody waits for an answer that is fresh, nor for a provider that did not answer last while there are prices
        known: it is asked in the background. An answer that is getting old is renewed before anybody has to wait.
        """
        told = await self.standings()
        known = any(standing.known for standing in told)
        awaited = [flight for standing in told if (flight := self._flight_for(standing, known=known))]
        if awaited:
            await self._arrival(awaited, promptly=not all(standing.known for standing in told))
        if not known and not await self._known():
            raise UpstreamUnavailable

    async def standings(self) -> list[Standing]:
        """Return how each provider did when it was asked last, by this or another server."""
        return await offer.standings(self._database.primary, self.names)

    async def _arrival(self, flights: Sequence[asyncio.Task[None]], *, promptly: bool) -> None:
        """Wait for these calls; `promptly` leaves those behind that need details yet, once prices of another are there."""
        if promptly:
            _, late = await asyncio.wait(flights, timeout=PROMPT_SECONDS)
            needing = {flight for name, flight in self._flights.items() if self._providers[name].needs_details}
            if late <= needing and await self._known():
                return
        await asyncio.wait(flights)

    async def _known(self) -> bool:
        return any(standing.known for standing in await self.standings())

    async def refresh(self) -> None:
        """Ask all providers, and wait for their answers."""
        if self.names:
            await asyncio.wait([self._start(name, patient=False) for name in self.names])

    def warm(self) -> None:
        """Ask all providers in the background, so that the first caller finds prices."""
        for name in self.names:
            self._start(name, patient=True)

    async def publish(self, name: str, *, title: str, body: str, price: Decimal) -> str:
        """Return the id that a movie has got at a provider; raise ProviderNotFound, InvalidInput, UpstreamUnavailable."""
        provider = self._providers.get(name)
        if provider is None:
            raise ProviderNotFound(path=("input", "provider"))
        identity = await provider.publish(title=title, body=body, price=price)
        self._start(name, patient=False)
        return identity

    async def close(self) -> None:
        """Give up what is under way."""
        for flight in self._flights.values():
            flight.cancel()
        await asyncio.gather(*self._flights.values(), return_exceptions=True)
        for provider in self._providers.values():
            await provider.close()

    def _flight_for(self, standing: Standing, *, known: bool) -> asyncio.Task[None] | None:
        """Return what a caller has to wait for, if anything."""
        if standing.fresh(self.fresh_seconds):
            if not standing.fresh(self.fresh_seconds / 2):
                self._start(standing.name, patient=False)
            return None
        in_vain = standing.failing and known
        if in_vain and time.monotonic() - self._asked.get(standing.name, -RETRY_SECONDS) < RETRY_SECONDS:
            return None
        flight = self._start(standing.name, patient=not standing.known)
        return None if in_vain else flight

    def _start(self, name: str, *, patient: bool) -> asyncio.Task[None]:
        """Return the one call to this provider that is under way, which begins now where there is none."""
        flight = self._flights.get(name)
        if flight is None or flight.done():
            self._asked[name] = time.monotonic()
            flight = self._flights[name] = asyncio.create_task(self._ask(self._providers[name], patient=patient))
        return flight

    async def _ask(self, provider: Provider, *, patient: bool) -> None:
        """Ask, and keep what comes of it; of whom nothing is known yet, also what the list says before the details do."""
        try:
            entries = await provider.entries(patient=patient, first=self._keep if patient else None)
        except UpstreamUnavailable:
            entries = None
        await self._keep(provider, entries)

    async def _keep(self, provider: Provider, entries: Sequence[Entry] | None) -> None:
        """Keep an answer, or that there was none. Without a database nothing is kept; whoever waits will hear of that."""
        try:
            async with self._database.transaction() as tx:
                if entries is None:
                    await provider_movie.fail(tx, provider=provider.name, reason=provider.last_error)
                else:
                    await provider_movie.keep(tx, provider=provider.name, entries=entries)
        except Unavailable:
            log.warning("prices not kept", upstream=provider.name)
