"""Events: listed, created, read, changed and deleted."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from starlette.responses import Response

import errors
from db import lists
from db.paging import LIMITS
from domain import event
from errors import EventNotFound
from rest.endpoint import PATH_IDS, Call, Caller, Endpoint
from rest.events import answers, pages, shapes
from rest.events.answers import render_events_json
from rest.events.payloads import A_PAGE, AN_INSTANT, CreateEvent, NumberedPage, UpdateEvent
from rest.payloads import Query, collect_given

TAG: Final = "Events"
PATH: Final = "/events/"
PAGE_FAULTS: Final = (
    errors.InvalidLimit(field="per_page", problem=LIMITS),
    errors.InvalidInput(field="page", problem=A_PAGE),
)
A_DATE: Final = errors.InvalidDate(field="date", problem=AN_INSTANT)


@contextmanager
def resolve_event(asked: str) -> Iterator[int]:
    """Yield the snowflake of an event; a refusal names the id as the caller spells it."""
    try:
        yield PATH_IDS["event_id"].decode(asked)
    except EventNotFound:
        raise EventNotFound(asked=asked) from None


def read_event_id(call: Call[Any]) -> str:
    """Return the event's id as the caller spells it."""
    return str(call.request.path_params["event_id"])


async def list_events(call: Call[NumberedPage]) -> Response:
    """Answer a page of all events."""
    return await pages.answer_page(call, lists.list_events_by_age(), path=PATH, shape=shapes.EVENTS)


async def create_event(call: Call[CreateEvent]) -> Response:
    """Answer the new event."""
    async with call.services.database.transaction() as tx:
        made = await event.create_event(tx, **collect_given(call.asked))
    return render_events_json(answers.render_event(made), status=201)


async def get_event(call: Call[Query]) -> Response:
    """Answer one event."""
    with resolve_event(read_event_id(call)) as event_id:
        return render_events_json(
            answers.render_event(await event.find_event(call.services.database.primary, event_id=event_id))
        )


async def update_event(call: Call[UpdateEvent]) -> Response:
    """Answer the event as it is now."""
    with resolve_event(read_event_id(call)) as event_id:
        async with call.services.database.transaction() as tx:
            changed = await event.update_event(tx, event_id=event_id, **collect_given(call.asked))
    return render_events_json(answers.render_event(changed))


async def delete_event(call: Call[Query]) -> Response:
    """Answer without a body."""
    with resolve_event(read_event_id(call)) as event_id:
        async with call.services.database.transaction() as tx:
            await event.delete_event(tx, event_id=event_id)
    return Response(status_code=204)


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path=PATH,
        answer=list_events,
        takes=NumberedPage,
        caller=Caller.KNOWN_OR_NOT,
        answers={200: list[answers.Event]},
        refusals=PAGE_FAULTS,
        headers=("Link", "X-Total-Count"),
        tag=TAG,
        summary="Get all events",
        description="The oldest first. `Link` leads to the other pages, `X-Total-Count` is the number of all.",
    ),
    Endpoint(
        method="POST",
        path=PATH,
        answer=create_event,
        takes=CreateEvent,
        caller=Caller.COUNTER,
        answers={201: answers.Event},
        refusals=(A_DATE,),
        tag=TAG,
        summary="Create an event",
        description="Creates an event with a number of tickets.",
    ),
    Endpoint(
        method="GET",
        path=f"{PATH}{{event_id}}",
        answer=get_event,
        takes=Query,
        caller=Caller.KNOWN_OR_NOT,
        answers={200: answers.Event},
        tag=TAG,
        summary="Get an event",
        description="One event, with the number of tickets left.",
    ),
    Endpoint(
        method="PATCH",
        path=f"{PATH}{{event_id}}",
        answer=update_event,
        takes=UpdateEvent,
        caller=Caller.COUNTER,
        answers={200: answers.Event},
        refusals=(A_DATE,),
        tag=TAG,
        summary="Update an event",
        description="What is left out stays. The number of its tickets cannot be changed.",
    ),
    Endpoint(
        method="DELETE",
        path=f"{PATH}{{event_id}}",
        answer=delete_event,
        takes=Query,
        caller=Caller.COUNTER,
        answers={204: None},
        tag=TAG,
        summary="Delete an event",
        description="Its reservations are cancelled.",
    ),
)
