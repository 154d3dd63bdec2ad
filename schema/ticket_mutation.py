"""What can be changed of events, reservations and the counter's tickets."""

from typing import Annotated

import strawberry

from resolvers import event_reservations, events, tickets
from schema.connection import Info, given
from schema.inputs import DeleteInput
from schema.mutation_payload import about, changed
from schema.payloads import DeletePayload, EventPayload, EventReservationPayload, TicketPayload
from schema.ticket_inputs import (
    BookTicketInput,
    CancelEventReservationInput,
    CreateEventInput,
    ReserveTicketsInput,
    UpdateEventInput,
    UpdateEventReservationInput,
    UpdateTicketTimingInput,
)


@strawberry.type
class TicketingMutation:
    """A part of the root of mutations."""

    @strawberry.mutation(description="Adds an event. Staff only.")
    async def create_event(
        self, info: Info, input: Annotated[CreateEventInput, about("The event.")]
    ) -> EventPayload | None:
        """INVALID_INPUT, INVALID_DATE."""
        asked = events.create_event(
            info.context,
            name=input.name,
            description=input.description,
            date=input.date,
            availability=input.availability,
        )
        return await changed(info, EventPayload, asked, "event")

    @strawberry.mutation(description="Changes what is given of an event. Staff only.")
    async def update_event(
        self, info: Info, input: Annotated[UpdateEventInput, about("The changes.")]
    ) -> EventPayload | None:
        """INVALID_INPUT, INVALID_DATE, EVENT_NOT_FOUND."""
        asked = events.update_event(
            info.context,
            input.id,
            name=given(input.name),
            description=given(input.description),
            date=given(input.date),
        )
        return await changed(info, EventPayload, asked, "event")

    @strawberry.mutation(description="Deletes an event and cancels its reservations. Staff only.")
    async def delete_event(
        self, info: Info, input: Annotated[DeleteInput, about("The event.")]
    ) -> DeletePayload | None:
        """EVENT_NOT_FOUND."""
        return await changed(info, DeletePayload, events.delete_event(info.context, input.id), "deleted_id")

    @strawberry.mutation(description="Reserves tickets of an event, all or nothing.")
    async def reserve_tickets(
        self, info: Info, input: Annotated[ReserveTicketsInput, about("The tickets.")]
    ) -> EventReservationPayload | None:
        """EVENT_NOT_FOUND, INVALID_INPUT, SEATS_UNAVAILABLE."""
        asked = event_reservations.reserve_tickets(info.context, input.event_id, tickets=input.tickets)
        return await changed(info, EventReservationPayload, asked, "reservation")

    @strawberry.mutation(description="Sets the tickets of a reservation, all or nothing.")
    async def update_event_reservation(
        self, info: Info, input: Annotated[UpdateEventReservationInput, about("The tickets.")]
    ) -> EventReservationPayload | None:
        """RESERVATION_NOT_FOUND, RESERVATION_CANCELLED, INVALID_INPUT, SEATS_UNAVAILABLE."""
        asked = event_reservations.update_reservation(info.context, input.id, tickets=input.tickets)
        return await changed(info, EventReservationPayload, asked, "reservation")

    @strawberry.mutation(
        description="Cancels a reservation; its tickets are free for others at once. Once more changes nothing."
    )
    async def cancel_event_reservation(
        self, info: Info, input: Annotated[CancelEventReservationInput, about("The reservation.")]
    ) -> EventReservationPayload | None:
        """RESERVATION_NOT_FOUND."""
        asked = event_reservations.cancel_reservation(info.context, input.id)
        return await changed(info, EventReservationPayload, asked, "reservation")

    @strawberry.mutation(description="Sells tickets at the counter. Staff only.")
    async def book_ticket(
        self, info: Info, input: Annotated[BookTicketInput, about("The tickets.")]
    ) -> TicketPayload | None:
        """INVALID_INPUT, INVALID_DATE, SEATS_UNAVAILABLE."""
        asked = tickets.book_ticket(
            info.context,
            user_name=input.user_name,
            phone_number=input.phone_number,
            ticket_count=input.ticket_count,
            show_timing=input.show_timing,
        )
        return await changed(info, TicketPayload, asked, "ticket")

    @strawberry.mutation(
        description="Moves a ticket to another show; where that is full it stays where it was. Staff only."
    )
    async def update_ticket_timing(
        self, info: Info, input: Annotated[UpdateTicketTimingInput, about("The new time.")]
    ) -> TicketPayload | None:
        """TICKET_NOT_FOUND, INVALID_DATE, SEATS_UNAVAILABLE."""
        asked = tickets.update_timing(info.context, input.id, show_timing=input.show_timing)
        return await changed(info, TicketPayload, asked, "ticket")

    @strawberry.mutation(description="Deletes a ticket; its places are free for others at once. Staff only.")
    async def delete_ticket(
        self, info: Info, input: Annotated[DeleteInput, about("The ticket.")]
    ) -> DeletePayload | None:
        """TICKET_NOT_FOUND."""
        return await changed(info, DeletePayload, tickets.delete_ticket(info.context, input.id), "deleted_id")
