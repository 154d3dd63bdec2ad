"""Inputs about events and reservations of their tickets."""

from datetime import datetime

import strawberry

from schema.inputs import clearable_field, optional_field, required_field


@strawberry.input(description="Which events; what is left out does not matter.")
class EventFilter:
    """A row matches where it meets every condition."""

    search: str | None = optional_field("Words of the name, as for movies.")
    from_: datetime | None = optional_field("Then or later.", name="from")
    to: datetime | None = optional_field("Then or earlier.")
    available_only: bool = strawberry.field(default=False, description="Only those with tickets left.")


@strawberry.input(description="Which reservations; what is left out does not matter.")
class EventReservationFilter:
    """A row matches where it meets every condition."""

    event_id: strawberry.ID | None = optional_field("Of this event.")
    live_only: bool = strawberry.field(default=False, description="Only those that are not cancelled.")
    from_: datetime | None = optional_field("Of events then or later.", name="from")


@strawberry.input(description="A new event.")
class CreateEventInput:
    name: str = required_field("Up to 200 characters.")
    description: str = required_field("Up to 5000 characters.")
    date: datetime = required_field("When it is.")
    availability: int = required_field("How many tickets there are, 0 or more.")


@strawberry.input(
    description="The changes of an event. What is left out stays; null is refused, but for `description`, which it clears."
)
class UpdateEventInput:
    id: strawberry.ID = required_field("The event.")
    name: str | None = optional_field("Up to 200 characters.")
    description: str | None = clearable_field("Up to 5000 characters; null removes it.", empty="")
    date: datetime | None = optional_field("When it is.")


@strawberry.input(description="Tickets to reserve.")
class ReserveTicketsInput:
    event_id: strawberry.ID = required_field("The event.")
    tickets: int = required_field("How many, 1 or more.")


@strawberry.input(description="The tickets of a reservation.")
class UpdateEventReservationInput:
    id: strawberry.ID = required_field("The reservation.")
    tickets: int = required_field("Its new total, not an addition; 1 or more.")


@strawberry.input(description="The reservation to cancel.")
class CancelEventReservationInput:
    id: strawberry.ID = required_field("The reservation.")
