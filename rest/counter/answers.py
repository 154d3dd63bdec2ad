"""Answers of the counter surface (docs/contract/counter.md)."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field
from starlette.responses import Response
from typing_extensions import TypedDict

from db import ids, models
from edge import http_cache
from rest.endpoint import render_json

TicketId = Annotated[str, Field(examples=["tkt_7262193846145024"])]
MovieId = Annotated[str, Field(description="The id of the show.", examples=["shw_7262193846145025"])]
ShowTiming = Annotated[datetime, Field(description="In UTC.", examples=["2026-11-20T13:00:00Z"])]
UserName = Annotated[str, Field(examples=["Ada Lovelace"])]
PhoneNumber = Annotated[str, Field(examples=["+33 1 99 00 12 34"])]
TicketCount = Annotated[int, Field(examples=[2])]
Success = Annotated[bool, Field(examples=[True])]


class Ticket(TypedDict):
    """A ticket, and the show that it is for."""

    ticketId: TicketId
    movieId: MovieId
    showTiming: ShowTiming
    userName: UserName
    phoneNumber: PhoneNumber
    ticketCount: TicketCount


class SoldTicket(TypedDict):
    """A ticket as its show lists it."""

    ticketId: TicketId
    userName: UserName
    phoneNumber: PhoneNumber
    ticketCount: TicketCount


class Show(TypedDict):
    """A show and all its tickets, the newest first."""

    movieId: MovieId
    showTiming: ShowTiming
    ticketCount: Annotated[int, Field(description="Of all tickets of the show, 20 at most.", examples=[2])]
    tickets: list[SoldTicket]


class Buyer(TypedDict):
    """Who bought a ticket."""

    userName: UserName
    phoneNumber: PhoneNumber


class DeletedTicket(TypedDict):
    """The ticket that was deleted."""

    ticketId: TicketId


# Each has a name of its own and no generic shape: generators of clients make a type of each name.


class TicketAnswer(TypedDict):
    """A ticket was booked, or moved to another show."""

    success: Success
    data: Ticket


class ShowAnswer(TypedDict):
    """The show was found."""

    success: Success
    data: Show


class BuyerAnswer(TypedDict):
    """The buyer was found."""

    success: Success
    data: Buyer


class DeletedAnswer(TypedDict):
    """The ticket was deleted."""

    success: Success
    data: DeletedTicket


def render_ticket(row: models.Ticket, *, show_timing: datetime) -> Ticket:
    """Return a ticket with the show that it is for."""
    return {
        "ticketId": ids.encode("tkt", row.id),
        "movieId": ids.encode("shw", row.show_id),
        "showTiming": show_timing.astimezone(UTC),
        "userName": row.user_name,
        "phoneNumber": row.phone_number,
        "ticketCount": row.ticket_count,
    }


def render_sold_ticket(row: models.Ticket) -> SoldTicket:
    """Return a ticket as its show lists it."""
    return {
        "ticketId": ids.encode("tkt", row.id),
        "userName": row.user_name,
        "phoneNumber": row.phone_number,
        "ticketCount": row.ticket_count,
    }


def render_success(data: Ticket | Show | Buyer | DeletedTicket, *, status: int = 200) -> Response:
    """Answer that it was done. These are people's names and numbers, so nobody keeps the answer."""
    return render_json({"success": True, "data": data}, status=status, headers={"Cache-Control": http_cache.PRIVATE})
