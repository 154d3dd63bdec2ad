"""Walks a list page by page, as a client does with the cursors it was given."""

from collections.abc import AsyncIterator

from db import paging
from db.engine import Database
from db.paging import Listing, Page
from db.pipeline.statement import Row


async def pages(
    database: Database, listing: Listing[Row], *, size: int, backwards: bool = False
) -> AsyncIterator[Page[Row]]:
    """Yield every page of a list, from its first row on or from its last one."""
    cursor: str | None = None
    while True:
        asked = (
            paging.make_window(last=size, before=cursor) if backwards else paging.make_window(first=size, after=cursor)
        )
        page = await paging.read_page(database.primary, database.cursors, listing, asked)
        yield page
        if not (page.has_previous if backwards else page.has_next):
            return
        cursor = page.start_cursor if backwards else page.end_cursor


async def walk(database: Database, listing: Listing[Row], *, size: int, backwards: bool = False) -> list[Row]:
    """Return the rows of all pages in the order of the list."""
    found = [list(page.rows) async for page in pages(database, listing, size=size, backwards=backwards)]
    return [row for rows in (reversed(found) if backwards else found) for row in rows]
