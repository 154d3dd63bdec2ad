"""The client of the third-party movie catalogue: numbered pages of ten, fetched each time and never stored."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Final
from uuid import UUID

import structlog

from domain.collection import CatalogueMovie
from errors import RouteNotFound, UpstreamUnavailable
from upstreams.resilience import Answer, Upstream

NAME: Final = "catalogue"
PAGE_SIZE: Final = 10
# No catalogue is longer, so no request is sent for later pages.
LAST_PAGE: Final = 10**8
SPELLING: Final = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.ASCII | re.IGNORECASE)

log = structlog.get_logger("matinee.upstreams")


@dataclass(frozen=True, slots=True)
class CataloguePage:
    """One page. An entry that cannot be used is None, so that the others keep their positions."""

    number: int
    count: int
    entries: Sequence[CatalogueMovie | None]
    has_next: bool
    has_previous: bool

    @property
    def movies(self) -> list[CatalogueMovie]:
        """The entries that can be used."""
        return [entry for entry in self.entries if entry is not None]


@dataclass(frozen=True, slots=True)
class Slice:
    """Movies from the middle of the catalogue, each with its place in the whole."""

    count: int
    movies: Sequence[tuple[int, CatalogueMovie]]
    has_next: bool


class Catalogue:
    """The catalogue at an address. Without an address, as in production by default, every call is UpstreamUnavailable."""

    def __init__(self, url: str | None, upstream: Upstream) -> None:
        self._url = url
        self._upstream = upstream

    async def page(self, number: int) -> CataloguePage:
        """Return one page, the first being 1; raise RouteNotFound beyond the last, or UpstreamUnavailable."""
        if self._url is None:
            raise UpstreamUnavailable
        found = None
        if 1 <= number <= LAST_PAGE:
            params = {"page": str(number)} if number > 1 else None
            found = await self._upstream.get(self._url, read=partial(read_page, number=number), params=params)
        if found is None:
            raise RouteNotFound
        return found

    async def slice(self, *, start: int, size: int) -> Slice:
        """Return up to `size` movies from place `start` on, the first being 0; none beyond the end.

        The pages are fetched concurrently. Raises UpstreamUnavailable.
        """
        first = start // PAGE_SIZE + 1
        try:
            pages = [await self.page(first)]
        except RouteNotFound:
            return Slice((await self.page(1)).count, [], has_next=False)
        last = min((start + size - 1) // PAGE_SIZE, (pages[0].count - 1) // PAGE_SIZE) + 1
        pages += await asyncio.gather(*(self._page_or_empty(number) for number in range(first + 1, last + 1)))
        placed = [
            ((page.number - 1) * PAGE_SIZE + place, entry)
            for page in pages
            for place, entry in enumerate(page.entries)
            if entry is not None
        ]
        within = [(place, movie) for place, movie in placed if start <= place < start + size]
        return Slice(pages[0].count, within, has_next=start + size < pages[0].count)

    async def close(self) -> None:
        """Close the connections."""
        await self._upstream.close()

    async def _page_or_empty(self, number: int) -> CataloguePage:
        try:
            return await self.page(number)
        except RouteNotFound:
            # The catalogue has become shorter since the first page.
            return CataloguePage(number, 0, [], has_next=False, has_previous=True)


def read_page(answer: Answer, *, number: int) -> CataloguePage | None:
    """Return the page in an answer, None where there is none of this number; raise ValueError for anything else.

    The list is under `results` or `data` (docs/contract/collections.md).
    """
    if answer.status == HTTPStatus.NOT_FOUND and number > 1:
        return None
    body = answer.json() if answer.status == HTTPStatus.OK else None
    if not isinstance(body, dict):
        raise ValueError("no page")  # noqa: TRY004 - readers raise ValueError for any answer that they cannot read
    rows, count = body.get("results", body.get("data")), body.get("count")
    if not isinstance(rows, list) or not isinstance(count, int):
        raise ValueError("no page")  # noqa: TRY004 - readers raise ValueError for any answer that they cannot read
    entries = [read_movie(row) for row in rows]
    if unusable := entries.count(None):
        log.warning("entries of the catalogue cannot be used", page=number, entries=unusable)
    return CataloguePage(
        number, max(count, 0), entries, has_next=bool(body.get("next")), has_previous=bool(body.get("previous"))
    )


def read_movie(row: object) -> CatalogueMovie | None:
    """Return the movie of an entry, None without a title or a UUID; description and genres may be null or missing."""
    if not isinstance(row, dict):
        return None
    uuid, title = row.get("uuid"), row.get("title")
    if not (isinstance(uuid, str) and SPELLING.fullmatch(uuid) and isinstance(title, str)):
        return None
    return CatalogueMovie(UUID(uuid), title, _read_text(row.get("description")), _read_text(row.get("genres")))


def _read_text(value: object) -> str:
    """Return a text; a list of genres becomes one, and whatever else there may be is nothing."""
    if isinstance(value, list):
        return ",".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""
