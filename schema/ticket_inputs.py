"""What clients may give about events, reservations and the counter."""

from datetime import datetime

import strawberry

from schema.inputs import field, required


@strawberry.input(description="Which events; what is left out does not matter.")
class EventFilter:
    """All that is given must hold."""

    search: str | None = field("Words of the name, as for movies.")
    from_: datetime | None = field("Then or later.", name="from")
    to: datetime | None = field("Then or earlier.")
    available_only: bool = strawberry.field(default=False, description="Only those with tickets left.")


@strawberry.input(description="Which reservations; what is left out does not matter.")
class EventReservationFilter:
    """All that is given must hold."""

    event_id: strawberry.ID | None = field("Of this event.")
    live_only: bool = strawberry.field(default=False, description="Only those that are not cancelled.")
    from_: datetime | None = field("Of events then or later.", name="from")


@strawberry.input(description="A new event.")
class CreateEventInput:
    """See the fields."""

    name: str = required("Up to 200 characters.")
    description: str = required("Up to 5000 characters.")
    date: datetime = required("When it is.")
    availability: int = required("How many tickets there are, 0 or more.")


@strawberry.input(description="An event's new facts; what is left out stays.")
class UpdateEventInput:
    """See the fields."""

    id: strawberry.ID = required("The event.")
    name: str | None = field("Up to 200 characters.")
    description: str | None = field("Up to 5000 characters.")
    date: datetime | None = field("When it is.")


@strawberry.input(description="Tickets to reserve.")
class ReserveTicketsInput:
    """See the fields."""

    event_id: strawberry.ID = required("The event.")
    tickets: int = required("How many, 1 or more.")


@strawberry.input(description="The tickets of a reservation.")
class UpdateEventReservationInput:
    """See the fields."""

    id: strawberry.ID = required("The reservation.")
    tickets: int = required("Its new total, not an addition; 1 or more.")


@strawberry.input(description="The reservation to cancel.")
class CancelEventReservationInput:
    """See the fields."""

    id: strawberry.ID = required("The reservation.")


@strawberry.input(description="Tickets to sell at the counter.")
class BookTicketInput:
    """See the fields."""

    user_name: str = required("Who buys; up to 200 characters.")
    phone_number: str = required("Where they are called; up to 50 characters.")
    ticket_count: int = required("For how many; a show has 20.")
    show_timing: datetime = required("When the show begins; it is made where there is none. Not in the past.")


@strawberry.input(description="Another show for a ticket.")
class UpdateTicketTimingInput:
    """See the fields."""

    id: strawberry.ID = required("The ticket.")
    show_timing: datetime = required("When the show begins; it is made where there is none. Not in the past.")
