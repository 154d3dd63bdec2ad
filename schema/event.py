"""Ticketed events, and reservations of their tickets."""

from datetime import datetime
from uuid import UUID

import strawberry
from strawberry import Parent

from db import ids, models
from resolvers import event_reservations
from schema.connection import Info
from schema.node import Node


@strawberry.type(description="Something with tickets.")
class Event(Node, row=models.Event, prefix="evt"):
    name: str = strawberry.field(description="What it is called.")
    description: str = strawberry.field(description="What it is about.")
    date: datetime = strawberry.field(description="When it starts.", deprecation_reason="Read `startsAt`.")
    capacity: int = strawberry.field(description="How many tickets there are in all.")
    availability: int = strawberry.field(description="How many are left. Never cached.")
    created_at: datetime = strawberry.field(description="When it was added.")
    updated_at: datetime = strawberry.field(description="When its name, description or date last changed.")

    @strawberry.field(description="When it starts.")
    @staticmethod
    def starts_at(root: Parent[models.Event]) -> datetime:
        return root.date

    @strawberry.field(description="The same identity for callers of the REST events API.")
    @staticmethod
    def uuid(root: Parent[models.Event]) -> UUID:
        """Another spelling of the id."""
        return ids.to_uuid("evt", root.id)


@strawberry.type(description="Tickets of one event. Only its own user and staff see it.")
class EventReservation(Node, row=models.EventReservation, prefix="evr"):
    tickets: int = strawberry.field(description="How many it holds, or held before it was cancelled.")
    cancelled: bool = strawberry.field(description="Whether its tickets were given back; that is final.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it last changed.")

    @strawberry.field(description="The same identity for callers of the REST events API.")
    @staticmethod
    def uuid(root: Parent[models.EventReservation]) -> UUID:
        """Another spelling of the id."""
        return ids.to_uuid("evr", root.id)

    @strawberry.field(graphql_type=Event, description="The event that it is for; here even a deleted one.")
    @staticmethod
    async def event(root: Parent[models.EventReservation], info: Info) -> models.Event | None:
        return await event_reservations.load_reserved_event(info.context, root)
