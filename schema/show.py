"""The counter: shows, identified by their time, and the tickets sold for them."""

from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry import Parent

from db import models
from db.paging import Page, Window
from resolvers import tickets
from resolvers.connection_field import connection
from resolvers.field_metadata import declare
from resolvers.planned_reads import EVERYBODY, STAFF, ListPage, SqlValue, follow_key, read_column
from schema.connection import Connection, Info
from schema.node import Node

UNSET: Any = strawberry.UNSET


@strawberry.type(description="What the counter sells tickets for. Gone eight hours after its start.")
class Show(Node, row=models.Show, prefix="shw", visible_to=EVERYBODY):
    show_timing: datetime = strawberry.field(description="When it begins.")

    @strawberry.field(
        description="Tickets sold; never more than the limit of 20.", metadata=declare(reads=read_column("taken"))
    )
    @staticmethod
    def ticket_count(root: Parent[models.Show]) -> int:
        """The column `taken`."""
        return root.taken

    @strawberry.field(description="How many tickets it has.", metadata=declare(reads=read_column("capacity")))
    @staticmethod
    def ticket_limit(root: Parent[models.Show]) -> int:
        """The column `capacity`."""
        return root.capacity

    @connection(
        Connection[Annotated["Ticket", strawberry.lazy("schema.show")]],
        description="Newest first. Staff only.",
        metadata=declare(reads=ListPage(tickets.bind_tickets, for_staff=True)),
    )
    @staticmethod
    async def tickets(
        root: Parent[models.Show],
        info: Info,
        page: Window,
    ) -> Page[Any]:
        return await tickets.list_tickets(info.context, root.id, page)


@strawberry.type(description="Tickets that one person bought at the counter. Staff only: it holds personal data.")
class Ticket(Node, row=models.Ticket, prefix="tkt", visible_to=STAFF):
    user_name: str = strawberry.field(description="Who bought it.")
    phone_number: str = strawberry.field(description="Where they are called.")
    ticket_count: int = strawberry.field(description="For how many.")

    @strawberry.field(
        graphql_type=Show,
        description="The show that it is for.",
        metadata=declare(reads=follow_key(models.Show, "show_id", hidden_too=True)),
    )
    @staticmethod
    async def show(root: Parent[models.Ticket], info: Info) -> models.Show | None:
        return await tickets.load_show(info.context, root)

    @strawberry.field(
        description="Eight hours after the show's start: then the ticket is expired, and is deleted.",
        metadata=declare(reads=SqlValue(tickets.write_expiry)),
    )
    @staticmethod
    async def expires_at(root: Parent[models.Ticket], info: Info) -> datetime:
        """Computed from the start of its show."""
        return await tickets.find_expiry(info.context, root)
