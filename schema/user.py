"""Accounts."""

from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry import Parent

from db import models
from db.paging import Page, Window
from resolvers import bookings, collections, event_reservations
from resolvers.changes import drop_unset
from resolvers.collections import write_favourite_genres
from resolvers.connection_field import connection
from resolvers.field_metadata import declare
from resolvers.planned_reads import SELF_OR_STAFF, ListPage, SqlValue
from schema.booking import Booking
from schema.collection import Collection
from schema.connection import Connection, Info
from schema.event import EventReservation
from schema.event_inputs import EventReservationFilter
from schema.inputs import BookingFilter
from schema.node import Node

UNSET: Any = strawberry.UNSET

WhichBookings = Annotated[BookingFilter | None, strawberry.argument(description="Only those that match.")]
WhichReservations = Annotated[EventReservationFilter | None, strawberry.argument(description="Only those that match.")]


@strawberry.type(description="Somebody with an account. Users see themselves; staff see all.")
class User(Node, row=models.User, prefix="usr", visible_to=SELF_OR_STAFF):
    email: str | None = strawberry.field(description="The address to sign in with, where there is one.")
    username: str | None = strawberry.field(description="The name to sign in with, where there is one.")
    created_at: datetime = strawberry.field(description="When the account was made.")
    is_staff: bool = strawberry.field(description="Whether they may change the programme.")

    @connection(
        Connection[Booking],
        description="Newest first.",
        metadata=declare(reads=ListPage(bookings.bind_bookings, is_private=True)),
    )
    @staticmethod
    async def bookings(
        root: Parent[models.User],
        info: Info,
        page: Window,
        filter: WhichBookings = UNSET,
    ) -> Page[Any]:
        wanted = drop_unset(filter) or BookingFilter()
        return await bookings.list_bookings(info.context, root.id, page, with_seats=wanted.with_seats)

    @connection(
        Connection[Collection],
        description="Newest first. Nobody but the viewer sees theirs.",
        metadata=declare(reads=ListPage(collections.bind_collections, is_private=True)),
    )
    @staticmethod
    async def collections(
        root: Parent[models.User],
        info: Info,
        page: Window,
    ) -> Page[Any]:
        return await collections.list_collections(info.context, root.id, page)

    @strawberry.field(
        description="The three genres most common among the movies of all the viewer's collections, the most common "
        "first; ties in alphabetical order.",
        metadata=declare(reads=SqlValue(write_favourite_genres, is_text=True, newest=True)),
    )
    @staticmethod
    async def favourite_genres(root: Parent[models.User], info: Info) -> list[str]:
        """The database counts them."""
        return await collections.find_favourite_genres(info.context, root.id)

    @connection(
        Connection[EventReservation],
        description="Newest first.",
        metadata=declare(reads=ListPage(event_reservations.bind_reservations)),
    )
    @staticmethod
    async def event_reservations(
        root: Parent[models.User],
        info: Info,
        page: Window,
        filter: WhichReservations = UNSET,
    ) -> Page[Any]:
        wanted = drop_unset(filter) or EventReservationFilter()
        return await event_reservations.list_reservations(
            info.context,
            root.id,
            page,
            event_id=drop_unset(wanted.event_id),
            live_only=wanted.live_only,
            date_from=drop_unset(wanted.from_),
        )
