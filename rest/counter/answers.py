"""Answers of the counter surface (docs/contract/counter.md)."""

from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar

from pydantic import Field
from starlette.responses import Response
from typing_extensions import TypedDict

from db import ids, models
from rest.endpoint import respond

T = TypeVar("T")

TicketId = Annotated[str, Field(examples=["tkt_7262193846145024"])]
MovieId = Annotated[str, Field(description="The id of the show.", examples=["shw_7262193846145025"])]
ShowTiming = Annotated[datetime, Field(description="In UTC.", examples=["2026-11-20T13:00:00Z"])]
UserName = Annotated[str, Field(examples=["Ada Lovelace"])]
PhoneNumber = Annotated[str, Field(examples=["+33 1 99 00 12 34"])]
TicketCount = Annotated[int, Field(examples=[2])]


class Done(TypedDict, Generic[T]):
    """It was done."""

    success: Annotated[bool, Field(examples=[True])]
    data: T


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


class Deleted(TypedDict):
    """What is no more."""

    ticketId: TicketId


def ticket(row: models.Ticket, *, show_timing: datetime) -> Ticket:
    """Return a ticket with the show that it is for."""
    return {
        "ticketId": ids.encode("tkt", row.id),
        "movieId": ids.encode("shw", row.show_id),
        "showTiming": show_timing.astimezone(UTC),
        "userName": row.user_name,
        "phoneNumber": row.phone_number,
        "ticketCount": row.ticket_count,
    }


def sold_ticket(row: models.Ticket) -> SoldTicket:
    """Return a ticket as its show lists it."""
    return {
        "ticketId": ids.encode("tkt", row.id),
        "userName": row.user_name,
        "phoneNumber": row.phone_number,
        "ticketCount": row.ticket_count,
    }


def done(data: T, *, status: int = 200) -> Response:
    """Answer that it was done. These are people's names and numbers, so nobody keeps the answer."""
    body: Done[T] = {"success": True, "data": data}
    return respond(body, status=status, headers={"Cache-Control": "private, no-store"})
