"""The counter: shows that are known by their time, and the tickets sold for them."""

from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry import Parent

from db import models
from resolvers import tickets
from schema.connection import After, Before, Connection, First, Info, Last, window
from schema.node import Node, identified

UNSET: Any = strawberry.UNSET


@strawberry.type(description="What the counter sells tickets for. Gone eight hours after its start.")
class Show(Node):
    """The source is a row."""

    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        """Whether a node is one of these."""
        return isinstance(source, models.Show)

    id = identified("shw", "show")
    show_timing: datetime = strawberry.field(description="When it begins.")

    @strawberry.field(description="Tickets sold; never more than the limit of 20.")
    @staticmethod
    def ticket_count(root: Parent[models.Show]) -> int:
        """What it has counted."""
        return root.taken

    @strawberry.field(description="How many tickets it has.")
    @staticmethod
    def ticket_limit(root: Parent[models.Show]) -> int:
        """Its capacity."""
        return root.capacity

    @strawberry.field(description="Newest first. Staff only.")
    @staticmethod
    async def tickets(
        root: Parent[models.Show],
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[Annotated["Ticket", strawberry.lazy("schema.show")]]:
        """One statement for all shows of a list."""
        asked = window(first, after, last, before)
        return await tickets.tickets_of(info.context, root.id, asked)  # type: ignore[return-value]  # the source


@strawberry.type(description="Tickets that one person bought at the counter. Staff only: it holds personal data.")
class Ticket(Node):
    """The source is a row."""

    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        """Whether a node is one of these."""
        return isinstance(source, models.Ticket)

    id = identified("tkt", "ticket")
    user_name: str = strawberry.field(description="Who bought it.")
    phone_number: str = strawberry.field(description="Where they are called.")
    ticket_count: int = strawberry.field(description="For how many.")

    @strawberry.field(description="The show that it is for.")
    @staticmethod
    async def show(root: Parent[models.Ticket], info: Info) -> Show:
        """One statement for all tickets of a list."""
        return await tickets.show_of(info.context, root)  # type: ignore[return-value]  # the source

    @strawberry.field(description="Eight hours after the show's start: then the ticket is expired, and is deleted.")
    @staticmethod
    async def expires_at(root: Parent[models.Ticket], info: Info) -> datetime:
        """By way of the show."""
        return await tickets.expires_at(info.context, root)
