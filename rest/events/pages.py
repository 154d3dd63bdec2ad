"""Lists by numbered pages: bare arrays, with links to other pages in `Link` and the total in `X-Total-Count`."""

import asyncio
from typing import Any

from starlette.responses import Response

from db import paging
from db.paging import Listing
from rest.endpoint import JSON, Call
from rest.events.payloads import NumberedPage
from rest.json_fields import Shape
from rest.planned_reads import plan_numbered, render_items


async def answer_page(call: Call[NumberedPage], listing: Listing[Any], *, path: str, shape: Shape) -> Response:
    """Answer a page of a list that is at `path`; from the primary, so that callers see what they have just done."""
    source, asked = call.services.database.primary, call.asked
    read = plan_numbered(shape, listing, size=asked.per_page, skipped=(asked.page - 1) * asked.per_page)
    rows, total = await asyncio.gather(read.fetch(source), paging.count_rows(source, listing))
    # It shows stock, so no cache may keep it.
    headers = {
        "Cache-Control": "no-store",
        "X-Total-Count": str(total),
        "Link": format_links(f"{call.base_url}{path}", asked, total=total),
    }
    return Response(render_items(rows), headers=headers, media_type=JSON)


def format_links(address: str, asked: NumberedPage, *, total: int) -> str:
    """Return the value of `Link` (RFC 8288): first and last, and what comes before and after where there is such."""
    last = max(1, -(-total // asked.per_page))
    pages = {"first": 1, "prev": min(asked.page - 1, last), "next": asked.page + 1, "last": last}
    return ", ".join(
        f'<{address}?page={page}&per_page={asked.per_page}>; rel="{name}"'
        for name, page in pages.items()
        if 1 <= page <= last
    )
