"""Page views that clients report."""

from asyncio import Future
from typing import Final

from starlette.responses import Response

import errors
from domain.page_view import NewPageView
from edge.services import Services
from identity.tokens import Actor
from rest.cinema.page_query import flatten_query
from rest.cinema.payloads import Track
from rest.endpoint import Call, Caller, Endpoint

TAG: Final = "Analytics"


def start_tracking(asked: Track, actor: Actor | None, services: Services) -> Future[None]:
    """Return what is done once the page view is durable; raise Unavailable where too many wait."""
    seen = NewPageView(
        tracking_id=asked.tracking_id,
        type=asked.type,
        scheme=asked.page.scheme,
        path=asked.page.path,
        query=flatten_query(asked.page.query),
        user_id=actor.user_id if actor else None,
    )
    return services.page_views.put(seen)


async def track(call: Call[Track]) -> Response:
    """Answer without a body once the page view is durable."""
    await start_tracking(call.asked, call.actor, call.services)
    return Response(status_code=204)


ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path="/v1/analytics/track",
        answer=track,
        start=start_tracking,
        takes=Track,
        caller=Caller.KNOWN_OR_NOT,
        answers={204: None},
        refusals=(errors.InvalidInput(field="type", problem="must be 'page_enter' or 'page_exit'"),),
        tag=TAG,
        summary="Track a page",
        description="With a token the page view is its user's. Answered once the page view is durable.",
    ),
)
