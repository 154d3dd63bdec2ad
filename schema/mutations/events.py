"""Mutations of events and of their reservations."""

import strawberry

from db import models
from resolvers import event_reservations, events
from resolvers.mutation_field import mutation
from schema.connection import Info
from schema.event_inputs import (
    CancelEventReservationInput,
    CreateEventInput,
    ReserveTicketsInput,
    UpdateEventInput,
    UpdateEventReservationInput,
)
from schema.inputs import DeleteInput
from schema.payloads import DeletePayload, EventPayload, EventReservationPayload


@strawberry.type
class EventMutations:
    @mutation(EventPayload, "event", description="Adds an event. Staff only.", codes="INVALID_INPUT, INVALID_DATE")
    async def create_event(self, info: Info, input: CreateEventInput) -> models.Event:
        return await events.create_event(
            info.context,
            name=input.name,
            description=input.description,
            date=input.date,
            availability=input.availability,
        )

    @mutation(
        EventPayload,
        "event",
        description="Changes an event. Staff only.",
        codes="INVALID_INPUT, INVALID_ID, INVALID_DATE, EVENT_NOT_FOUND",
    )
    async def update_event(self, info: Info, input: UpdateEventInput) -> models.Event:
        return await events.update_event(info.context, input)

    @mutation(
        DeletePayload,
        "deleted_id",
        description="Deletes an event and cancels its reservations. Staff only.",
        codes="INVALID_ID, EVENT_NOT_FOUND",
    )
    async def delete_event(self, info: Info, input: DeleteInput) -> str:
        return await events.delete_event(info.context, input.id)

    @mutation(
        EventReservationPayload,
        "reservation",
        description="Reserves tickets of an event, all or nothing.",
        codes="INVALID_INPUT, INVALID_ID, EVENT_NOT_FOUND, EVENT_OVER, SEATS_UNAVAILABLE",
        shares="reservation_commits",
    )
    async def reserve_tickets(self, info: Info, input: ReserveTicketsInput) -> models.EventReservation:
        return await event_reservations.reserve_tickets(info.context, input.event_id, tickets=input.tickets)

    @mutation(
        EventReservationPayload,
        "reservation",
        description="Sets the tickets of a reservation, all or nothing.",
        codes="INVALID_INPUT, INVALID_ID, RESERVATION_NOT_FOUND, RESERVATION_CANCELLED, EVENT_OVER, SEATS_UNAVAILABLE",
        shares="reservation_commits",
    )
    async def update_event_reservation(self, info: Info, input: UpdateEventReservationInput) -> models.EventReservation:
        return await event_reservations.update_reservation(info.context, input.id, tickets=input.tickets)

    @mutation(
        EventReservationPayload,
        "reservation",
        description="Cancels a reservation; its tickets are free for others at once. Once more changes nothing.",
        codes="INVALID_ID, RESERVATION_NOT_FOUND",
        shares="reservation_commits",
    )
    async def cancel_event_reservation(self, info: Info, input: CancelEventReservationInput) -> models.EventReservation:
        return await event_reservations.cancel_reservation(info.context, input.id)
