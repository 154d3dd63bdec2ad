"""Bodies and parameters of the events surface."""

from datetime import datetime
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from db.paging import LARGEST_SIZE, LIMITS
from domain import event, instants, stock
from errors import InvalidDate, InvalidInput, InvalidLimit, MissingField
from rest.payloads import NO_CONTROL, NO_NUL, VISIBLE, WHOLE, Payload, Query, optional_field, parse_digits, refuse_as

AN_INSTANT: Final = "must be an instant with its offset, such as 2047-10-21T09:00:00Z"
# The largest that is read as a number.
LAST_PAGE: Final = 999_999_999
A_PAGE: Final = f"must be a whole number from 1 to {LAST_PAGE}"
A_UUID: Final = "4b029817-f723-8695-9281-ec126747cba2"
TOTAL: Final = "no_of_tickets"


def read_instant(value: object) -> object:
    """Return the instant that a text spells, any other value unchanged."""
    return instants.read(value) if isinstance(value, str) else value


Name = Annotated[str, Field(min_length=1, max_length=event.LONGEST_NAME, examples=["Rocket to Mars"]), VISIBLE]
Description = Annotated[
    str, Field(max_length=event.LONGEST_DESCRIPTION, examples=["I'm nobody's taxi service."]), NO_CONTROL
]
Date = Annotated[
    datetime,
    Field(examples=["2047-10-21T09:00:00Z"]),
    BeforeValidator(read_instant),
    refuse_as(InvalidDate, problem=AN_INSTANT),
]
Tickets = Annotated[int, Field(ge=1, le=stock.MOST_SEATS, examples=[2]), WHOLE]


class CreateEvent(Payload):
    """The event to create."""

    name: Name
    description: Description
    date: Date
    availability: Annotated[
        int,
        Field(ge=0, le=stock.MOST_SEATS, description="How many tickets there are.", examples=[200]),
        WHOLE,
    ]


class UpdateEvent(Payload):
    """The fields of an event to change; a field that is left out stays."""

    name: Name = optional_field()
    description: Description = optional_field()
    date: Date = optional_field()


class CreateReservation(Payload):
    """Tickets to reserve."""

    event_id: Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=[A_UUID]), NO_NUL]
    no_of_tickets: Tickets


class UpdateReservation(Payload):
    """The reservation's new total."""

    model_config = ConfigDict(json_schema_extra={"required": [TOTAL]})

    no_of_tickets: Annotated[Tickets, Field(description="The new total, not an addition.")] = optional_field()

    @model_validator(mode="after")
    def require_total(self) -> Self:
        """Refuse a body without the total, unless it has other faults: the contract reports an unknown field alone."""
        if TOTAL not in self.model_fields_set:
            raise MissingField(path=(TOTAL,), field=TOTAL)
        return self


class NumberedPage(Query):
    """The page of a list to return, oldest items first."""

    page: Annotated[
        int,
        Field(ge=1, le=LAST_PAGE, description="Which page, counted from 1.", examples=[1]),
        BeforeValidator(parse_digits),
        refuse_as(InvalidInput, problem=A_PAGE),
    ] = 1
    per_page: Annotated[
        int,
        Field(ge=1, le=LARGEST_SIZE, description="How many to return at most.", examples=[LARGEST_SIZE]),
        BeforeValidator(parse_digits),
        refuse_as(InvalidLimit, problem=LIMITS),
    ] = LARGEST_SIZE
