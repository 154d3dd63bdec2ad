"""Bodies and parameters of the counter surface."""

import re
from datetime import datetime
from typing import Annotated, Final

from pydantic import AliasChoices, BeforeValidator, Field, WithJsonSchema

from domain import instants, stock, ticket
from errors import InvalidDate
from rest.payloads import NO_NUL, WHOLE, Payload, Query, optional_field, refuse_as

A_TIME: Final = "must be a time such as 2026-11-20T18:30:00, with or without an offset"
# In an address a plus sign means a space, and hardly anybody escapes it.
LOST_PLUS: Final = re.compile(r"(:\d\d(?:\.\d+)?) (\d\d:?\d\d)$", re.ASCII)


def read_time(value: object) -> object:
    """Return the time that a text spells, naive without an offset, anything else as it is."""
    return instants.read_local(LOST_PLUS.sub(r"\1+\2", value)) if isinstance(value, str) else value


ShowTiming = Annotated[
    datetime,
    Field(
        # The contract names it showTiming; some clients send showTime.
        validation_alias=AliasChoices("showTiming", "showTime"),
        description="When the show begins; without an offset in the counter's time zone. `showTime` is taken too.",
        examples=["2047-10-21T18:30:00"],
    ),
    BeforeValidator(read_time),
    refuse_as(InvalidDate, problem=A_TIME),
    # Not the format date-time, which needs an offset.
    WithJsonSchema({"type": "string"}),
]
TicketId = Annotated[
    str, Field(alias="ticketId", description="The id of the ticket.", examples=["tkt_7262193846145024"]), NO_NUL
]


class BookTicket(Payload):
    """The ticket to book, with its buyer."""

    user_name: Annotated[
        str, Field(alias="userName", min_length=1, max_length=ticket.LONGEST_NAME, examples=["Ada Lovelace"]), NO_NUL
    ]
    phone_number: Annotated[
        str,
        Field(
            alias="phoneNumber", min_length=1, max_length=ticket.LONGEST_PHONE_NUMBER, examples=["+33 1 99 00 12 34"]
        ),
        NO_NUL,
    ]
    ticket_count: Annotated[int, Field(alias="ticketCount", ge=1, le=stock.MOST_SEATS, examples=[2]), WHOLE]
    show_timing: ShowTiming


class UpdateTiming(Payload):
    """The ticket to move, and its new show."""

    ticket_id: TicketId
    show_timing: ShowTiming


class DeleteTicket(Payload):
    """The ticket, by its id."""

    ticket_id: TicketId


class TicketQuery(Query):
    """The ticket, by its id."""

    ticket_id: TicketId


class ShowQuery(Query):
    """The show, by its id or by its time."""

    movie_id: Annotated[
        str, Field(alias="movieId", description="The id of the show.", examples=["shw_7262193846145024"]), NO_NUL
    ] = optional_field()
    show_timing: ShowTiming = optional_field()
