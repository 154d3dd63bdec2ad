"""The client of one price provider: its list, the details that the list leaves out, and publishing a movie."""

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
from upstreams.price_shapes import Told, read_detail, read_list, read_new_id
from upstreams.resilience import Limits, State, Upstream

CINEMAWORLD: Final = "cinemaworld"
FILMWORLD: Final = "filmworld"
# The contract's 2 s, less what it takes to keep the answer. A list of ten thousand movies fits into the bytes.
LIMITS: Final = Limits(deadline=1.9, body_bytes=4 * 1024 * 1024)
# For whom last known prices can stand in: a dead one is given up within half a second.
ATTEMPTS_IF_KNOWN: Final = 4
ATTEMPTS_OF_DETAIL: Final = 4
MOST_DETAILS: Final = 500
GRACE_SECONDS: Final = 0.2
# A dead provider is not asked for its details.
HEAD_START_SECONDS: Final = 0.05

log = structlog.get_logger("matinee.upstreams")

Detail = asyncio.Task[Decimal | None]
First = Callable[["Provider", Sequence[Entry]], Awaitable[None]]


class Provider:
    """One provider. What it raises is UpstreamUnavailable, within two seconds; `last_error` then says why."""

    def __init__(self, name: str, *, url: str, token: str | None, metrics: UpstreamMetrics) -> None:
        """Keep the token: it goes into requests as `x-access-token`, and nowhere else."""
        self.name = name
        self._url = url
        self._metrics = metrics
        self._upstream = Upstream(
            name, limits=LIMITS, metrics=metrics, headers={"x-access-token": token} if token else None
        )
        # Whose price was in the detail last time: they are asked for beside the list, not after it.
        self._apart: list[str] = []
        self._troubled: set[str] = set()
        # While its list is there and prices from its details are not.
        self.needs_details = False

    @property
    def last_error(self) -> str:
        """What went wrong last, in our own words."""
        return self._upstream.health.last_error or "no answer"

    async def entries(self, *, patient: bool, first: First | None = None) -> list[Entry]:
        """Return every movie with its price, as far as two seconds allow; not `patient` gives up on a dead one at once.

        `first` is given the prices of the list itself where those of the details are still to come.
        """
        deadline = asyncio.get_running_loop().time() + LIMITS.deadline
        details = self._ask(self._apart, after=HEAD_START_SECONDS) if self._upstream.health.state is State.UP else {}
        try:
            attempts = None if patient else ATTEMPTS_IF_KNOWN
            told = await self._upstream.get(f"{self._url}/movies", read=read_list, attempts=attempts)
            wanted = [*self._order(told.unpriced)][:MOST_DETAILS]
            details |= self._ask(identity for identity in wanted if identity not in details)
            self.needs_details = bool(wanted)
            if first and wanted and len(told.unpriced) < len(told.entries):
                await first(self, told.entries)
            await self._await({identity: details[identity] for identity in wanted}, deadline)
            return self._priced(told, {identity: details[identity] for identity in wanted})
        finally:
            self.needs_details = False
            for task in details.values():
                task.cancel()
            await asyncio.gather(*details.values(), return_exceptions=True)

    async def publish(self, *, title: str, body: str, price: Decimal) -> str:
        """Return the new movie's id at the provider; raise InvalidInput where it is refused there."""
        # Of at most 15 digits, which a float spells without any loss.
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

    def _order(self, unpriced: Sequence[str]) -> list[str]:
        """Return those first that were not asked for last time, so that each has its turn."""
        last = set(self._apart) if len(unpriced) > MOST_DETAILS else set()
        return sorted(unpriced, key=lambda identity: identity in last)

    async def _await(self, details: Mapping[str, Detail], deadline: float) -> None:
        """Wait for the details, but hardly longer for those that have kept us waiting in vain before."""
        well = [task for identity, task in details.items() if identity not in self._troubled]
        if well:
            await asyncio.wait(well, timeout=_left(deadline))
        if details:
            await asyncio.wait(
                details.values(), timeout=min(_left(deadline), GRACE_SECONDS if well else LIMITS.deadline)
            )

    def _priced(self, told: Told, details: dict[str, Detail]) -> list[Entry]:
        found = {identity: task.result() for identity, task in details.items() if _answered(task)}
        self._apart = list(details)
        self._troubled = details.keys() - found.keys()
        if told.skipped or self._troubled:
            log.warning("entries skipped", upstream=self.name, entries=told.skipped, details=len(self._troubled))
            self._metrics.skipped(self.name, told.skipped + len(self._troubled))
        if details and not found and len(told.unpriced) == len(told.entries):
            self._upstream.health.last_error = "no prices"
            raise UpstreamUnavailable
        return [
            replace(entry, price=found[entry.provider_movie_id], priced=True)
            if entry.provider_movie_id in found
            else entry
            for entry in told.entries
        ]


def _left(deadline: float) -> float:
    return max(0.0, deadline - asyncio.get_running_loop().time())


def _answered(task: Detail) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None
