"""The third-party catalogue as a connection, whose cursors are positions in the list."""

from typing import Final

from db.paging import DEFAULT_SIZE, make_window
from domain.collection import CatalogueMovie
from resolvers.context import Context
from resolvers.upstream_pages import UpstreamPage, find_place_after

NAME: Final = "catalogue"


async def list_catalogue(context: Context, *, first: int | None, after: str | None) -> UpstreamPage[CatalogueMovie]:
    """Return a page of the catalogue, fetched for this field; for signed-in callers, as in REST.

    Raises Unauthenticated, InvalidLimit, InvalidCursor and UpstreamUnavailable.
    """
    _ = context.user_id
    size = make_window(first=first).size if first is not None else DEFAULT_SIZE
    codec = context.database.cursors
    start = find_place_after(codec, NAME, after)
    found = await context.services.catalogue.slice(start=start, size=size)
    return UpstreamPage(
        name=NAME,
        codec=codec,
        rows=[movie for _, movie in found.movies],
        places=[place for place, _ in found.movies],
        total=found.count,
        has_next=found.has_next,
        has_previous=start > 0,
    )
