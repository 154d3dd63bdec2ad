"""Keeps prices fresh, or marked as stale: one concurrent request to each provider serves all callers."""

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

# A failing provider is tried again at most once in this time, however many callers there are.
RETRY_SECONDS: Final = 1.0
# How long the first caller waits for a provider whose prices are only in its details, which take a second call, while the
# other provider's prices are known already.
PROMPT_SECONDS: Final = 1.0

log = structlog.get_logger("matinee.upstreams")


class Prices:
    """Makes sure that the database holds fresh prices before a request reads them; all servers share those of the database."""

    def __init__(self, database: Database, providers: Sequence[Provider], *, fresh_seconds: float) -> None:
        """Use these providers; an answer is fresh for `fresh_seconds`, whichever server fetched it."""
        self.names = [provider.name for provider in providers]
        self.fresh_seconds = fresh_seconds
        self._database = database
        self._providers = {provider.name: provider for provider in providers}
        self._flights: dict[str, asyncio.Task[None]] = {}
        self._asked: dict[str, float] = {}

    async def await_known(self) -> None:
        """Return once the database holds prices to serve, after two seconds at most; raise UpstreamUnavailable.

        No caller waits while an answer is fresh. A provider that failed last time is asked in the background while stale
        prices are known. An answer past half its time is renewed in the background.
        """
        standings = await self.read_standings()
        known = any(standing.has_answered for standing in standings)
        awaited = [flight for standing in standings if (flight := self._find_flight(standing, known=known))]
        if awaited:
            await self._await_flights(awaited, promptly=not all(standing.has_answered for standing in standings))
        if not known and not await self._has_known_prices():
            raise UpstreamUnavailable

    async def read_standings(self) -> list[Standing]:
        """Return the outcome of each provider's last request, by this or another server."""
        return await offer.read_standings(self._database.primary, self.names)

    async def _await_flights(self, flights: Sequence[asyncio.Task[None]], *, promptly: bool) -> None:
        """Wait for these requests; with `promptly` not for those that still need details, once another's prices are there."""
        if promptly:
            _, late = await asyncio.wait(flights, timeout=PROMPT_SECONDS)
            needing = {flight for name, flight in self._flights.items() if self._providers[name].needs_details}
            if late <= needing and await self._has_known_prices():
                return
        await asyncio.wait(flights)

    async def _has_known_prices(self) -> bool:
        return any(standing.has_answered for standing in await self.read_standings())

    async def refresh(self) -> None:
        """Fetch the prices of all providers, and wait for their answers."""
        if self.names:
            await asyncio.wait([self._start(name, patient=False) for name in self.names])

    def warm(self) -> None:
        """Fetch the prices of all providers in the background, so that the first caller finds prices."""
        for name in self.names:
            self._start(name, patient=True)

    async def publish(self, name: str, *, title: str, body: str, price: Decimal) -> str:
        """Publish a movie and return its id at the provider; raise ProviderNotFound, InvalidInput, UpstreamUnavailable."""
        provider = self._providers.get(name)
        if provider is None:
            raise ProviderNotFound(path=("input", "provider"))
        identity = await provider.publish(title=title, body=body, price=price)
        self._start(name, patient=False)
        return identity

    async def close(self) -> None:
        """Cancel requests that are under way, and close the connections."""
        for flight in self._flights.values():
            flight.cancel()
        await asyncio.gather(*self._flights.values(), return_exceptions=True)
        for provider in self._providers.values():
            await provider.close()

    def _find_flight(self, standing: Standing, *, known: bool) -> asyncio.Task[None] | None:
        """Return the request that a caller has to wait for, None for none."""
        if standing.is_fresh(self.fresh_seconds):
            if not standing.is_fresh(self.fresh_seconds / 2):
                self._start(standing.name, patient=False)
            return None
        in_vain = standing.is_failing and known
        if in_vain and time.monotonic() - self._asked.get(standing.name, -RETRY_SECONDS) < RETRY_SECONDS:
            return None
        flight = self._start(standing.name, patient=not standing.has_answered)
        return None if in_vain else flight

    def _start(self, name: str, *, patient: bool) -> asyncio.Task[None]:
        """Return the one request to this provider that is under way; start it where there is none."""
        flight = self._flights.get(name)
        if flight is None or flight.done():
            self._asked[name] = time.monotonic()
            flight = self._flights[name] = asyncio.create_task(self._ask(self._providers[name], patient=patient))
        return flight

    async def _ask(self, provider: Provider, *, patient: bool) -> None:
        """Fetch and store prices; where none are known yet (`patient`), store the list's own before the details arrive."""
        try:
            entries = await provider.entries(patient=patient, first=self._store_answer if patient else None)
        except UpstreamUnavailable:
            entries = None
        await self._store_answer(provider, entries)

    async def _store_answer(self, provider: Provider, entries: Sequence[Entry] | None) -> None:
        """Store an answer, or its failure. Without a database nothing is stored: callers then get Unavailable from their read."""
        try:
            async with self._database.transaction() as tx:
                if entries is None:
                    await provider_movie.record_failure(tx, provider=provider.name, reason=provider.last_error)
                else:
                    await provider_movie.store_entries(tx, provider=provider.name, entries=entries)
        except Unavailable:
            log.warning("could not store prices", upstream=provider.name)
