"""Mutations about the use of the API: page views and the request count."""

import strawberry

from resolvers import page_views, request_count
from resolvers.mutation_field import mutation
from schema.connection import Info
from schema.page_view import TrackPageInput, read_page_view
from schema.payloads import ResetRequestCountPayload, TrackPagePayload


@strawberry.type
class TrackingMutations:
    @mutation(
        TrackPagePayload,
        "ok",
        description="Records that a page was entered or left. For anybody.",
        codes="INVALID_INPUT",
    )
    async def track_page(self, info: Info, input: TrackPageInput) -> bool:
        return await page_views.track_page(info.context, read_page_view(info.context, input))

    @mutation(
        ResetRequestCountPayload,
        "request_count",
        description="Begins to count requests anew, on all servers. For signed-in callers.",
    )
    async def reset_request_count(self, info: Info) -> int:
        return await request_count.reset_count(info.context)
