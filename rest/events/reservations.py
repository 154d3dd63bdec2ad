"""Reservations: of the user where a token names one, otherwise of nobody (docs/contract/events.md)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from starlette.responses import Response

import errors
from db import lists
from domain import event_reservation
from domain.event_reservation import Viewer
from errors import ReservationNotFound
from rest.endpoint import PATH_IDS, Call, Caller, Endpoint
from rest.events import answers, pages, shapes
from rest.events.answers import render_events_json
from rest.events.events import PAGE_FAULTS, resolve_event
from rest.events.payloads import A_UUID, TOTAL, CreateReservation, NumberedPage, UpdateReservation
from rest.payloads import Query

TAG: Final = "Reservations"
PATH: Final = "/reservations/"
SOLD_OUT: Final = errors.SeatsUnavailable(seats_available=1)
NO_TOTAL: Final = errors.MissingField(field=TOTAL)


@contextmanager
def resolve_reservation(call: Call[Any]) -> Iterator[int]:
    """Yield the snowflake of the reservation in the path; a refusal names the id as the path spells it."""
    asked = str(call.request.path_params["reservation_id"])
    try:
        yield PATH_IDS["reservation_id"].decode(asked)
    except ReservationNotFound:
        raise ReservationNotFound(asked=asked) from None


def identify_viewer(call: Call[Any]) -> Viewer:
    """Return the caller, who may see reservations without a user as well."""
    return Viewer(call.actor.user_id if call.actor else None, in_the_open=True)


async def list_reservations(call: Call[NumberedPage]) -> Response:
    """Answer a page of the reservations that the caller may see."""
    listing = lists.list_open_event_reservations(viewer_id=identify_viewer(call).user_id)
    return await pages.answer_page(call, listing, path=PATH, shape=shapes.RESERVATIONS)


async def create_reservation(call: Call[CreateReservation]) -> Response:
    """Answer the new reservation."""
    with resolve_event(call.asked.event_id) as event_id:
        made = await event_reservation.reserve_tickets(
            call.services.reservation_commits,
            user_id=identify_viewer(call).user_id,
            event_id=event_id,
            tickets=call.asked.no_of_tickets,
        )
    return render_events_json(answers.render_reservation(made), status=201)


async def get_reservation(call: Call[Query]) -> Response:
    """Answer one reservation."""
    with resolve_reservation(call) as reservation_id:
        found = await event_reservation.find_reservation(
            call.services.database.primary, viewer=identify_viewer(call), reservation_id=reservation_id
        )
    return render_events_json(answers.render_reservation(found))


async def update_reservation(call: Call[UpdateReservation]) -> Response:
    """Answer the reservation with its new number of tickets."""
    with resolve_reservation(call) as reservation_id:
        changed = await event_reservation.change_tickets(
            call.services.reservation_commits,
            viewer=identify_viewer(call),
            reservation_id=reservation_id,
            tickets=call.asked.no_of_tickets,
        )
    return render_events_json(answers.render_reservation(changed))


async def cancel_reservation(call: Call[Query]) -> Response:
    """Answer without a body; cancelling again changes nothing."""
    with resolve_reservation(call) as reservation_id:
        await event_reservation.cancel_reservation(
            call.services.reservation_commits, viewer=identify_viewer(call), reservation_id=reservation_id
        )
    return Response(status_code=204)


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path=PATH,
        answer=list_reservations,
        takes=NumberedPage,
        caller=Caller.KNOWN_OR_NOT,
        answers={200: list[answers.Reservation]},
        refusals=PAGE_FAULTS,
        headers=("Link", "X-Total-Count"),
        tag=TAG,
        summary="Get all reservations",
        description="Those made without a token, and the caller's own; all of them for staff. The oldest first.",
    ),
    Endpoint(
        method="POST",
        path=PATH,
        answer=create_reservation,
        takes=CreateReservation,
        caller=Caller.COUNTER,
        answers={201: answers.Reservation},
        refusals=(SOLD_OUT, errors.EventOver(), errors.EventNotFound(asked=A_UUID)),
        tag=TAG,
        shares="reservation_commits",
        summary="Create a reservation",
        description="With a user's token it belongs to that user. Others get 404, except staff.",
    ),
    Endpoint(
        method="GET",
        path=f"{PATH}{{reservation_id}}",
        answer=get_reservation,
        takes=Query,
        caller=Caller.KNOWN_OR_NOT,
        answers={200: answers.Reservation},
        tag=TAG,
        summary="Get a reservation",
        description="A cancelled reservation can be read too.",
    ),
    Endpoint(
        method="PATCH",
        path=f"{PATH}{{reservation_id}}",
        answer=update_reservation,
        takes=UpdateReservation,
        caller=Caller.COUNTER,
        answers={200: answers.Reservation},
        refusals=(SOLD_OUT, errors.EventOver(), errors.ReservationCancelled(), NO_TOTAL),
        tag=TAG,
        shares="reservation_commits",
        summary="Update a reservation",
        description="All or nothing: where the event has not as many tickets left, the reservation stays as it is.",
    ),
    Endpoint(
        method="DELETE",
        path=f"{PATH}{{reservation_id}}",
        answer=cancel_reservation,
        takes=Query,
        caller=Caller.COUNTER,
        answers={204: None},
        tag=TAG,
        summary="Cancel a reservation",
        description="Its tickets are free for others at once. It stays readable; cancelling it again changes nothing.",
    ),
)
