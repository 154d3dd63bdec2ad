"""Accounts."""

from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry import Parent

from db import models
from resolvers import bookings, collections, event_reservations
from schema.booking import Booking
from schema.collection import Collection
from schema.connection import After, Before, Connection, First, Info, Last, given, window
from schema.event import EventReservation
from schema.event_inputs import EventReservationFilter
from schema.inputs import BookingFilter
from schema.node import Node, identified

UNSET: Any = strawberry.UNSET

WhichBookings = Annotated[BookingFilter | None, strawberry.argument(description="Only those that match.")]
WhichReservations = Annotated[EventReservationFilter | None, strawberry.argument(description="Only those that match.")]


@strawberry.type(description="Somebody with an account. Users see themselves; staff see all.")
class User(Node):
    """The source is a row."""

    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        """Whether a node is one of these."""
        return isinstance(source, models.User)

    id = identified("usr", "user")
    email: str | None = strawberry.field(description="The address to sign in with, where there is one.")
    username: str | None = strawberry.field(description="The name to sign in with, where there is one.")
    created_at: datetime = strawberry.field(description="When the account was made.")
    is_staff: bool = strawberry.field(description="Whether they may change the programme.")

    @strawberry.field(description="Newest first.")
    @staticmethod
    async def bookings(
        root: Parent[models.User],
        info: Info,
        filter: WhichBookings = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[Booking]:
        """One statement for all users of a list."""
        asked, wanted = window(first, after, last, before), given(filter) or BookingFilter()
        return await bookings.bookings_of(  # type: ignore[return-value]  # the source
            info.context, root.id, asked, with_seats=wanted.with_seats
        )

    @strawberry.field(description="Newest first. Nobody but the viewer sees theirs.")
    @staticmethod
    async def collections(
        root: Parent[models.User],
        info: Info,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[Collection]:
        """One statement for all users of a list."""
        asked = window(first, after, last, before)
        return await collections.collections_of(info.context, root.id, asked)  # type: ignore[return-value]  # the source

    @strawberry.field(
        description="The three genres most common among the movies of all the viewer's collections, the most common "
        "first; ties in alphabetical order."
    )
    @staticmethod
    async def favourite_genres(root: Parent[models.User], info: Info) -> list[str]:
        """Counted by the database."""
        return await collections.favourite_genres(info.context, root.id)

    @strawberry.field(description="Newest first.")
    @staticmethod
    async def event_reservations(
        root: Parent[models.User],
        info: Info,
        filter: WhichReservations = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[EventReservation]:
        """One statement for all users of a list."""
        asked, wanted = window(first, after, last, before), given(filter) or EventReservationFilter()
        return await event_reservations.reservations_of(  # type: ignore[return-value]  # the source
            info.context,
            root.id,
            asked,
            event_id=given(wanted.event_id),
            live_only=wanted.live_only,
            date_from=given(wanted.from_),
        )
