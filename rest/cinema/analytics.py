"""Page views that clients report."""

from typing import Final

from starlette.responses import Response

import errors
from domain.page_view import NewPageView
from rest.cinema.page_query import flatten_query
from rest.cinema.payloads import Track
from rest.endpoint import Call, Caller, Endpoint

TAG: Final = "Analytics"


async def track(call: Call[Track]) -> Response:
    """Answer without a body once the page view is durable."""
    asked = call.asked
    seen = NewPageView(
        tracking_id=asked.tracking_id,
        type=asked.type,
        scheme=asked.page.scheme,
        path=asked.page.path,
        query=flatten_query(asked.page.query),
        user_id=call.actor.user_id if call.actor else None,
    )
    await call.services.page_views.add(seen)
    return Response(status_code=204)


ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path="/v1/analytics/track",
        answer=track,
        takes=Track,
        caller=Caller.KNOWN_OR_NOT,
        answers={204: None},
        refusals=(errors.InvalidInput(field="type", problem="must be 'page_enter' or 'page_exit'"),),
        tag=TAG,
        summary="Track a page",
        description="With a token the page view is its user's. Answered once the page view is durable.",
    ),
)
