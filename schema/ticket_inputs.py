"""Inputs about tickets sold at the counter."""

from datetime import datetime

import strawberry

from schema.inputs import required_field


@strawberry.input(description="Tickets to sell at the counter.")
class BookTicketInput:
    user_name: str = required_field("Who buys; up to 200 characters.")
    phone_number: str = required_field("Where they are called; up to 50 characters.")
    ticket_count: int = required_field("For how many; a show has 20.")
    show_timing: datetime = required_field("When the show begins; it is made where there is none. Not in the past.")


@strawberry.input(description="Another show for a ticket.")
class UpdateTicketTimingInput:
    id: strawberry.ID = required_field("The ticket.")
    show_timing: datetime = required_field("When the show begins; it is made where there is none. Not in the past.")
