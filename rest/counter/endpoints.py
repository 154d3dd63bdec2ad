"""All endpoints of the counter surface: tickets for shows that are known by their time (docs/contract/counter.md)."""

from datetime import datetime
from typing import Any, Final

from starlette.responses import Response

import errors
from db import ids, lists, paging
from domain import instants, show, ticket
from errors import InvalidInput, ShowNotFound, TicketNotFound
from rest.counter import answers
from rest.counter.answers import render_success
from rest.counter.payloads import A_TIME, BookTicket, DeleteTicket, ShowQuery, TicketQuery, UpdateTiming
from rest.endpoint import Call, Caller, Endpoint
from rest.payloads import collect_given

TAG: Final = "Counter"
FULL: Final = errors.SeatsUnavailable(seats_available=1)
BAD_TIME: Final = errors.InvalidDate(field="showTiming", problem=A_TIME)
NEITHER: Final = InvalidInput(field="movieId", problem="or `showTiming` must be given")


def resolve_timing(call: Call[Any], named: datetime) -> datetime:
    """Return the instant of a time that a caller has given, in the counter's time zone where it has no offset."""
    return instants.place_in_zone(named, call.services.settings.counter_timezone)


def decode_ticket_id(spelled: str) -> int:
    """Return the snowflake of a ticket; raise TicketNotFound where it cannot be one."""
    snowflake = ids.decode("tkt", spelled)
    if snowflake is None:
        raise TicketNotFound
    return snowflake


def decode_show_id(spelled: str) -> int:
    """Return the snowflake of a show; raise ShowNotFound where it cannot be one."""
    snowflake = ids.decode("shw", spelled)
    if snowflake is None:
        raise ShowNotFound
    return snowflake


async def book_ticket(call: Call[BookTicket]) -> Response:
    """Answer the new ticket."""
    asked, show_timing = call.asked, resolve_timing(call, call.asked.show_timing)
    made = await ticket.book_ticket(
        call.services.ticket_commits,
        user_name=asked.user_name,
        phone_number=asked.phone_number,
        ticket_count=asked.ticket_count,
        show_timing=show_timing,
    )
    return render_success(answers.render_ticket(made, show_timing=show_timing), status=201)


async def update_timing(call: Call[UpdateTiming]) -> Response:
    """Answer the ticket with its new show."""
    moved_id, show_timing = decode_ticket_id(call.asked.ticket_id), resolve_timing(call, call.asked.show_timing)
    moved = await ticket.update_timing(call.services.ticket_commits, ticket_id=moved_id, show_timing=show_timing)
    return render_success(answers.render_ticket(moved, show_timing=show_timing))


async def view_all_tickets(call: Call[ShowQuery]) -> Response:
    """Answer a show and all its tickets, of which there are 20 at most."""
    asked, database = collect_given(call.asked), call.services.database
    if not asked:
        raise NEITHER
    found = await show.find_show(
        database.primary,
        show_id=decode_show_id(asked["movie_id"]) if "movie_id" in asked else None,
        show_timing=resolve_timing(call, asked["show_timing"]) if "show_timing" in asked else None,
    )
    page = await paging.read_page(database.primary, database.cursors, lists.list_tickets(found.id), paging.Window(100))
    body: answers.Show = {
        "movieId": ids.encode("shw", found.id),
        "showTiming": found.show_timing,
        "ticketCount": found.taken,
        "tickets": [answers.render_sold_ticket(row) for row in page.rows],
    }
    return render_success(body)


async def get_user_details(call: Call[TicketQuery]) -> Response:
    """Answer who bought a ticket."""
    found = await ticket.find_ticket(call.services.database.primary, ticket_id=decode_ticket_id(call.asked.ticket_id))
    body: answers.Buyer = {"userName": found.user_name, "phoneNumber": found.phone_number}
    return render_success(body)


async def delete_ticket(call: Call[DeleteTicket]) -> Response:
    """Answer the id of the ticket that is no more."""
    gone_id = decode_ticket_id(call.asked.ticket_id)
    await ticket.delete_ticket(call.services.ticket_commits, ticket_id=gone_id)
    body: answers.DeletedTicket = {"ticketId": call.asked.ticket_id}
    return render_success(body)


async def put_delete_ticket(call: Call[DeleteTicket]) -> Response:
    """Answer as `delete_ticket`, by PUT as the contract has it."""
    return await delete_ticket(call)


DELETE_TICKET: Final[dict[str, Any]] = {
    "path": "/api/delete-ticket",
    "takes": DeleteTicket,
    "takes_either": True,
    "caller": Caller.COUNTER,
    "answers": {200: answers.DeletedAnswer},
    "refusals": (TicketNotFound(),),
    "tag": TAG,
    "summary": "Delete a ticket",
    "description": "`ticketId` may stand in the body or in the address.",
}
ENDPOINTS: Final[tuple[Endpoint[Any], ...]] = (
    Endpoint(
        method="POST",
        path="/api/book-ticket",
        answer=book_ticket,
        takes=BookTicket,
        caller=Caller.COUNTER,
        answers={201: answers.TicketAnswer},
        refusals=(FULL, BAD_TIME),
        tag=TAG,
        shares="ticket_commits",
        summary="Book a ticket",
        description="Makes the show where there is none at that time. A show has 20 tickets.",
    ),
    Endpoint(
        method="PUT",
        path="/api/update-timing",
        answer=update_timing,
        takes=UpdateTiming,
        caller=Caller.COUNTER,
        answers={200: answers.TicketAnswer},
        refusals=(FULL, BAD_TIME, TicketNotFound()),
        tag=TAG,
        shares="ticket_commits",
        summary="Update timing of a ticket",
        description="Where the new show is full the ticket stays where it was.",
    ),
    Endpoint(
        method="GET",
        path="/api/view-all-tickets",
        answer=view_all_tickets,
        takes=ShowQuery,
        caller=Caller.COUNTER,
        answers={200: answers.ShowAnswer},
        refusals=(NEITHER, BAD_TIME, ShowNotFound()),
        tag=TAG,
        summary="View all tickets of a show",
        description="By its id or its time. Eight hours after its start a show is gone, and its tickets with it.",
    ),
    Endpoint(method="PUT", answer=put_delete_ticket, shares="ticket_commits", **DELETE_TICKET),
    Endpoint(method="DELETE", answer=delete_ticket, **DELETE_TICKET),
    Endpoint(
        method="GET",
        path="/api/user-details",
        answer=get_user_details,
        takes=TicketQuery,
        caller=Caller.COUNTER,
        answers={200: answers.BuyerAnswer},
        refusals=(TicketNotFound(),),
        tag=TAG,
        summary="View details of the user of a ticket",
        description="The name and the telephone number of the buyer.",
    ),
)
