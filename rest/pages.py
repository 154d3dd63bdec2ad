"""Pages of lists, the same lists and cursors as those of GraphQL."""

from typing import TypeVar

from sqlmodel import SQLModel

from db import paging
from db.cursors import CursorCodec
from db.engine import StatementRunner
from db.paging import Listing, Page, Window
from errors import InvalidCursor
from rest.payloads import PageMetadata, PageQuery

Row = TypeVar("Row", bound=SQLModel)


async def read_page(source: StatementRunner, codec: CursorCodec, listing: Listing[Row], asked: PageQuery) -> Page[Row]:
    """Return the page that a request asks for; raise InvalidCursor, by the name that the parameter has here."""
    return await read_window(source, codec, listing, Window(asked.limit, after=asked.cursor))


async def read_window(source: StatementRunner, codec: CursorCodec, listing: Listing[Row], asked: Window) -> Page[Row]:
    """Return this page of a list; raise InvalidCursor, by the name that the parameter has here."""
    try:
        return await paging.read_page(source, codec, listing, asked)
    except InvalidCursor:
        raise InvalidCursor(path=("cursor",), field="cursor") from None


def build_metadata(found: Page[Row]) -> PageMetadata:
    """Return what a caller needs for the next page."""
    return {"has_more": found.has_next, "end_cursor": found.end_cursor}
