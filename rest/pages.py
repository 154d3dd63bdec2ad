"""Pages of lists, the same lists and cursors as those of GraphQL."""

from typing import TypeVar

from sqlmodel import SQLModel

from db import paging
from db.cursors import CursorCodec
from db.engine import Reading
from db.paging import Listing, Page, Window
from errors import InvalidCursor
from rest.payloads import Metadata, PageQuery

Row = TypeVar("Row", bound=SQLModel)


async def page(source: Reading, codec: CursorCodec, listing: Listing[Row], asked: PageQuery) -> Page[Row]:
    """Return the page that a request asks for; raise InvalidCursor, by the name that the parameter has here."""
    return await window_of(source, codec, listing, Window(asked.limit, after=asked.cursor))


async def window_of(source: Reading, codec: CursorCodec, listing: Listing[Row], asked: Window) -> Page[Row]:
    """Return this page of a list; raise InvalidCursor, by the name that the parameter has here."""
    try:
        return await paging.page(source, codec, listing, asked)
    except InvalidCursor:
        raise InvalidCursor(path=("cursor",), field="cursor") from None


def metadata(found: Page[Row]) -> Metadata:
    """Return what a caller needs for the next page."""
    return {"has_more": found.has_next, "end_cursor": found.end_cursor}
