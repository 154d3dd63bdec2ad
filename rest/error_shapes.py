"""Error shapes: the common one, and those of the events and counter surfaces, selected by path."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any, Final

from pydantic import Field
from typing_extensions import TypeAliasType, TypedDict

import errors
from errors import Refusal
from rest.payloads import ErrorList


@dataclass(frozen=True, slots=True)
class ErrorShape:
    """The error shape of a surface: what makes the body, the body's type, and the statuses that differ from the common ones."""

    body: Callable[[Sequence[Refusal]], object]
    model: Any
    statuses: Mapping[type[Refusal], HTTPStatus] = field(default_factory=dict)


class EventsMessage(TypedDict):
    """A refusal of the request as a whole, or of an id that names nothing."""

    message: Annotated[str, Field(examples=["There is nothing at this address."])]


class EventsConflict(TypedDict):
    """A refusal because of the state of an event or a reservation."""

    error: Annotated[str, Field(examples=["Requested number of tickets are not available."])]


class CounterFailure(TypedDict):
    """A refusal by the box office."""

    success: Annotated[bool, Field(examples=[False])]
    message: Annotated[str, Field(examples=["There is no such ticket."])]


FieldFaults = TypeAliasType(
    "FieldFaults",
    Annotated[
        dict[str, list[str]],
        Field(
            description="What is wrong with each field.",
            examples=[{"availability": ["Missing data for required field."]}],
        ),
    ],
)
# A name for it, because generators of clients make a type of each name.
EventsRefusal = TypeAliasType("EventsRefusal", EventsMessage | EventsConflict | FieldFaults)

# The texts of the events surface (docs/contract/events.md); {asked} is the id as the caller spelled it.
TEXTS: Final[Mapping[type[Refusal], tuple[str, str]]] = {
    errors.EventNotFound: ("message", "Event with event id: {asked} doesn't exist."),
    errors.ReservationNotFound: ("message", "Reservation with reservation id: {asked} doesn't exist."),
    errors.SeatsUnavailable: ("error", "Requested number of tickets are not available."),
    errors.ReservationCancelled: ("error", "Cannot update cancelled reservation."),
    errors.EventOver: ("error", "The event is over."),
}
FIELD_TEXTS: Final[Mapping[type[Refusal], str]] = {
    errors.MissingField: "Missing data for required field.",
    errors.UnknownField: "Unknown field.",
}


def render_errors(faults: Sequence[Refusal]) -> object:
    """Return `{"errors": [{"code", "message"}]}`, one entry a fault (docs/contract/README.md, Errors)."""
    return errors.format_error_body(*((fault.code.lower(), str(fault)) for fault in faults))


def render_events_error(faults: Sequence[Refusal]) -> object:
    """Return `{"message"}`, `{"error"}` or `{field: [texts]}` (docs/contract/events.md, Errors)."""
    first = faults[0]
    if isinstance(first, errors.Invalid):
        return group_by_field(faults)
    if type(first) in TEXTS:
        name, text = TEXTS[type(first)]
        return {name: text.format(asked=first.words.get("asked", ""))}
    return {"message": str(first)}


def group_by_field(faults: Sequence[Refusal]) -> dict[str, list[str]]:
    """Return what is wrong with each field, in the order in which it was found."""
    found: dict[str, list[str]] = {}
    for fault in faults:
        found.setdefault(str(fault.words.get("field", "body")), []).append(format_field_fault(fault))
    return found


def format_field_fault(fault: Refusal) -> str:
    """Return what is wrong with a field, without its name."""
    problem = str(fault.words.get("problem", fault))
    return FIELD_TEXTS.get(type(fault), f"{problem[:1].upper()}{problem[1:].rstrip('.')}.")


def render_counter_failure(faults: Sequence[Refusal]) -> object:
    """Return `{"success": false, "message"}` (docs/contract/counter.md, Errors)."""
    return {"success": False, "message": " ".join(map(str, faults))}


COMMON: Final = ErrorShape(render_errors, ErrorList)
NOT_NOW: Final[dict[type[Refusal], HTTPStatus]] = {
    errors.SeatsUnavailable: HTTPStatus.BAD_REQUEST,
    errors.ReservationCancelled: HTTPStatus.BAD_REQUEST,
    errors.EventOver: HTTPStatus.BAD_REQUEST,
}
RESERVATIONS: Final = ErrorShape(render_events_error, EventsRefusal, NOT_NOW)
# A missing event in the path is 422, not 404 (docs/contract/events.md).
EVENTS: Final = ErrorShape(
    render_events_error, RESERVATIONS.model, {**NOT_NOW, errors.EventNotFound: HTTPStatus.UNPROCESSABLE_ENTITY}
)
COUNTER: Final = ErrorShape(render_counter_failure, CounterFailure)
BY_FIRST_WORD: Final = {"events": EVENTS, "reservations": RESERVATIONS, "api": COUNTER}


def find_shape(path: str) -> ErrorShape:
    """Return the shape of what is refused at this path."""
    return BY_FIRST_WORD.get(path.lstrip("/").partition("/")[0], COMMON)
