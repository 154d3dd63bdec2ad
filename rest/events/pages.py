"""Lists by numbered pages: bare arrays, with the way to the other pages in `Link` and the total in `X-Total-Count`."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from sqlmodel import SQLModel
from starlette.responses import Response

from db import paging
from db.paging import Listing
from edge import addresses
from rest.endpoint import Call
from rest.events.answers import render_events_json
from rest.events.payloads import NumberedPage

Row = TypeVar("Row", bound=SQLModel)


async def answer_page(
    call: Call[NumberedPage], listing: Listing[Row], *, path: str, render: Callable[[Row], object]
) -> Response:
    """Answer a page of a list that is at `path`; from the primary, so that callers see what they have just done."""
    source, asked = call.services.database.primary, call.asked
    rows, total = await asyncio.gather(
        paging.read_numbered_page(source, listing, size=asked.per_page, skipped=(asked.page - 1) * asked.per_page),
        paging.count_rows(source, listing),
    )
    base = addresses.base(call.request, call.services.settings.public_url)
    headers = {"X-Total-Count": str(total), "Link": format_links(f"{base}{path}", asked, total=total)}
    return render_events_json([render(row) for row in rows], headers=headers)


def format_links(address: str, asked: NumberedPage, *, total: int) -> str:
    """Return the value of `Link` (RFC 8288): first and last, and what comes before and after where there is such."""
    last = max(1, -(-total // asked.per_page))
    pages = {"first": 1, "prev": min(asked.page - 1, last), "next": asked.page + 1, "last": last}
    return ", ".join(
        f'<{address}?page={page}&per_page={asked.per_page}>; rel="{name}"'
        for name, page in pages.items()
        if 1 <= page <= last
    )
