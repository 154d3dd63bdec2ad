"""Ticketed events, and reservations of their tickets."""

from datetime import datetime
from uuid import UUID

import strawberry
from strawberry import Parent

from db import ids, models
from resolvers import event_reservations
from resolvers.field_metadata import LIVE, declare
from resolvers.planned_reads import EVERYBODY, OWNER_OR_STAFF, follow_key, read_column, read_uuid
from schema.connection import Info
from schema.node import Node


@strawberry.type(description="Something with tickets.")
class Event(Node, row=models.Event, prefix="evt", visible_to=EVERYBODY):
    name: str = strawberry.field(description="What it is called.", metadata=declare(cache=LIVE))
    description: str = strawberry.field(description="What it is about.", metadata=declare(cache=LIVE))
    date: datetime = strawberry.field(description="When it starts.", metadata=declare(cache=LIVE))
    capacity: int = strawberry.field(description="How many tickets there are in all.", metadata=declare(cache=LIVE))
    availability: int = strawberry.field(description="How many are left. Never cached.", metadata=declare(cache=LIVE))
    created_at: datetime = strawberry.field(description="When it was added.", metadata=declare(cache=LIVE))
    updated_at: datetime = strawberry.field(
        description="When its name, description or date last changed.", metadata=declare(cache=LIVE)
    )

    @strawberry.field(
        description="The same as `date`, under the name that sessions have for it.",
        metadata=declare(cache=LIVE, reads=read_column("date")),
    )
    @staticmethod
    def starts_at(root: Parent[models.Event]) -> datetime:
        return root.date

    @strawberry.field(
        description="The same identity for callers of the REST events API.",
        metadata=declare(cache=LIVE, reads=read_uuid("evt")),
    )
    @staticmethod
    def uuid(root: Parent[models.Event]) -> UUID:
        """The id, spelled as a UUID."""
        return ids.to_uuid("evt", root.id)


@strawberry.type(description="Tickets of one event. Only its own user and staff see it.")
class EventReservation(Node, row=models.EventReservation, prefix="evr", visible_to=OWNER_OR_STAFF):
    tickets: int = strawberry.field(description="How many it holds, or held before it was cancelled.")
    cancelled: bool = strawberry.field(description="Whether its tickets were given back; that is final.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it last changed.")

    @strawberry.field(
        description="The same identity for callers of the REST events API.", metadata=declare(reads=read_uuid("evr"))
    )
    @staticmethod
    def uuid(root: Parent[models.EventReservation]) -> UUID:
        """The id, spelled as a UUID."""
        return ids.to_uuid("evr", root.id)

    @strawberry.field(
        graphql_type=Event,
        description="The event that it is for; here even a deleted one.",
        metadata=declare(reads=follow_key(models.Event, "event_id", hidden_too=True)),
    )
    @staticmethod
    async def event(root: Parent[models.EventReservation], info: Info) -> models.Event | None:
        return await event_reservations.load_reserved_event(info.context, root)
