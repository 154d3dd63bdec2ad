"""The request count: read it and reset it."""

from typing import Final

from starlette.responses import Response

from domain import request_count
from rest.collections import answers
from rest.endpoint import Call, Caller, Endpoint, render_json
from rest.payloads import EmptyBody, Query

TAG: Final = "Request count"
NEVER_KEPT: Final = {"Cache-Control": "no-store"}


async def get_request_count(call: Call[Query]) -> Response:
    """Answer the count, this request included; it is in memory, so the database is not asked."""
    body: answers.RequestCount = {"requests": call.services.request_counter.count_since_reset()}
    return render_json(body, headers=NEVER_KEPT)


async def reset_request_count(call: Call[EmptyBody]) -> Response:
    """Reset the count: on this machine at once, on others within a second."""
    async with call.services.database.transaction() as tx:
        generation = await request_count.begin_generation(tx, call.services.request_counter)
    call.services.request_counter.merge_others(generation, 0)
    body: answers.ResetRequestCount = {"message": "request count reset successfully"}
    return render_json(body)


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/request-count/",
        answer=get_request_count,
        takes=Query,
        caller=Caller.SIGNED_IN,
        answers={200: answers.RequestCount},
        tag=TAG,
        summary="Count the requests served",
        description="Every request that reached the server since the last reset, whatever became of it.",
    ),
    Endpoint(
        method="POST",
        path="/request-count/reset/",
        answer=reset_request_count,
        takes=EmptyBody,
        caller=Caller.SIGNED_IN,
        answers={200: answers.ResetRequestCount},
        tag=TAG,
        summary="Reset the request count",
        description="The next request is counted as the first.",
    ),
)
