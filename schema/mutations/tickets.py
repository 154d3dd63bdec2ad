"""Mutations of tickets sold at the counter."""

import strawberry

from db import models
from resolvers import tickets
from resolvers.mutation_field import mutation
from schema.connection import Info
from schema.inputs import DeleteInput
from schema.payloads import DeletePayload, TicketPayload
from schema.ticket_inputs import BookTicketInput, UpdateTicketTimingInput


# None of them `shares`: each first reads whether the caller is staff, and with a key that belongs to its own transaction.
@strawberry.type
class TicketMutations:
    @mutation(
        TicketPayload,
        "ticket",
        description="Sells tickets at the counter. Staff only.",
        codes="INVALID_INPUT, INVALID_DATE, SEATS_UNAVAILABLE",
    )
    async def book_ticket(self, info: Info, input: BookTicketInput) -> models.Ticket:
        return await tickets.book_ticket(
            info.context,
            user_name=input.user_name,
            phone_number=input.phone_number,
            ticket_count=input.ticket_count,
            show_timing=input.show_timing,
        )

    @mutation(
        TicketPayload,
        "ticket",
        description="Moves a ticket to another show; where that is full it stays where it was. Staff only.",
        codes="INVALID_ID, INVALID_DATE, TICKET_NOT_FOUND, SEATS_UNAVAILABLE",
    )
    async def update_ticket_timing(self, info: Info, input: UpdateTicketTimingInput) -> models.Ticket:
        return await tickets.update_timing(info.context, input.id, show_timing=input.show_timing)

    @mutation(
        DeletePayload,
        "deleted_id",
        description="Deletes a ticket; its show has room for others. Staff only.",
        codes="INVALID_ID, TICKET_NOT_FOUND",
    )
    async def delete_ticket(self, info: Info, input: DeleteInput) -> str:
        return await tickets.delete_ticket(info.context, input.id)
