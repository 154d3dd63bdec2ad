"""The client of one price provider: reads its list and the details that the list lacks, and publishes movies."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final
from urllib.parse import quote

import structlog

from domain.provider_movie import Entry
from errors import InvalidInput, UpstreamUnavailable
from upstreams.metrics import UpstreamMetrics
from upstreams.price_shapes import ProviderList, read_detail, read_list, read_new_id
from upstreams.resilience import Limits, State, Upstream

CINEMAWORLD: Final = "cinemaworld"
FILMWORLD: Final = "filmworld"
# The contract's 2 s, less the time to store the answer. A list of ten thousand movies fits into the bytes.
LIMITS: Final = Limits(deadline=1.9, body_bytes=4 * 1024 * 1024)
# Where stale prices are known: a dead provider is given up within half a second.
ATTEMPTS_IF_KNOWN: Final = 4
ATTEMPTS_OF_DETAIL: Final = 4
MOST_DETAILS: Final = 500
GRACE_SECONDS: Final = 0.2
# Requests for details start this much later than the list, so that a dead provider gets none.
HEAD_START_SECONDS: Final = 0.05

log = structlog.get_logger("matinee.upstreams")

Detail = asyncio.Task[Decimal | None]
First = Callable[["Provider", Sequence[Entry]], Awaitable[None]]


class Provider:
    """One provider. Its methods raise UpstreamUnavailable within two seconds; `last_error` then says why."""

    def __init__(self, name: str, *, url: str, token: str | None, metrics: UpstreamMetrics) -> None:
        """Use this token as `x-access-token` in requests; it goes nowhere else."""
        self.name = name
        self._url = url
        self._metrics = metrics
        self._upstream = Upstream(
            name, address=url, limits=LIMITS, metrics=metrics, headers={"x-access-token": token} if token else None
        )
        # Ids whose price was in the detail last time: their details are fetched beside the list, not after it.
        self._apart: list[str] = []
        self._troubled: set[str] = set()
        # True while the list has arrived and details with prices have not.
        self.needs_details = False

    @property
    def last_error(self) -> str:
        """The last failure, in our own words."""
        return self._upstream.health.last_error or "no answer"

    async def entries(self, *, patient: bool, first: First | None = None) -> list[Entry]:
        """Return every movie with its price, as far as two seconds allow; without `patient` give up a dead provider early.

        `first` is called with the list's own prices where details are still to come.
        """
        deadline = asyncio.get_running_loop().time() + LIMITS.deadline
        details = self._ask(self._apart, after=HEAD_START_SECONDS) if self._upstream.health.state is State.UP else {}
        try:
            attempts = None if patient else ATTEMPTS_IF_KNOWN
            listed = await self._upstream.get(f"{self._url}/movies", read=read_list, attempts=attempts)
            wanted = [*self._order_ids(listed.unpriced)][:MOST_DETAILS]
            details |= self._ask(identity for identity in wanted if identity not in details)
            self.needs_details = bool(wanted)
            if first and wanted and len(listed.unpriced) < len(listed.entries):
                await first(self, listed.entries)
            await self._await({identity: details[identity] for identity in wanted}, deadline)
            return self._add_prices(listed, {identity: details[identity] for identity in wanted})
        finally:
            self.needs_details = False
            for task in details.values():
                task.cancel()
            await asyncio.gather(*details.values(), return_exceptions=True)

    async def publish(self, *, title: str, body: str, price: Decimal) -> str:
        """Return the new movie's id at the provider; raise InvalidInput where it is refused there."""
        # At most 15 digits, which a float holds exactly.
        data = {"title": title, "body": body, "price": float(price)}
        identity = await self._upstream.post(f"{self._url}/movie", read=read_new_id, json=data)
        if identity is None:
            raise InvalidInput(path=("input",), field="input", problem=f"was refused by {self.name}")
        return identity

    async def close(self) -> None:
        """Close the connections."""
        await self._upstream.close()

    def _ask(self, ids: Iterable[str], *, after: float = 0.0) -> dict[str, Detail]:
        return {identity: asyncio.create_task(self._detail(identity, after)) for identity in ids}

    async def _detail(self, identity: str, after: float) -> Decimal | None:
        await asyncio.sleep(after)
        url = f"{self._url}/movies/{quote(identity, safe='')}"
        return await self._upstream.get_part(url, read=read_detail, attempts=ATTEMPTS_OF_DETAIL)

    def _order_ids(self, unpriced: Sequence[str]) -> list[str]:
        """Return the ids, those first that were not fetched last time, so that each is fetched in turn."""
        last = set(self._apart) if len(unpriced) > MOST_DETAILS else set()
        return sorted(unpriced, key=lambda identity: identity in last)

    async def _await(self, details: Mapping[str, Detail], deadline: float) -> None:
        """Wait for the details, and only GRACE_SECONDS longer for those that failed last time."""
        well = [task for identity, task in details.items() if identity not in self._troubled]
        if well:
            await asyncio.wait(well, timeout=_seconds_left(deadline))
        if details:
            await asyncio.wait(
                details.values(), timeout=min(_seconds_left(deadline), GRACE_SECONDS if well else LIMITS.deadline)
            )

    def _add_prices(self, listed: ProviderList, details: dict[str, Detail]) -> list[Entry]:
        found = {identity: task.result() for identity, task in details.items() if _has_answer(task)}
        self._apart = list(details)
        self._troubled = details.keys() - found.keys()
        if listed.skipped or self._troubled:
            log.warning("entries skipped", upstream=self.name, entries=listed.skipped, details=len(self._troubled))
            self._metrics.count_skipped(self.name, listed.skipped + len(self._troubled))
        if details and not found and len(listed.unpriced) == len(listed.entries):
            self._upstream.health.last_error = "no prices"
            raise UpstreamUnavailable
        return [
            replace(entry, price=found[entry.provider_movie_id], priced=True)
            if entry.provider_movie_id in found
            else entry
            for entry in listed.entries
        ]


def _seconds_left(deadline: float) -> float:
    return max(0.0, deadline - asyncio.get_running_loop().time())


def _has_answer(task: Detail) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None
