"""Bookings: seats of one session, held for a minute or confirmed."""

from datetime import datetime
from enum import Enum

import strawberry
from strawberry import Parent

from db import models
from resolvers import bookings
from resolvers.field_metadata import declare
from resolvers.planned_reads import OWNER, ManyRows, OneRow, follow_key
from schema.connection import Info
from schema.movie import Movie
from schema.node import Node
from schema.place import Place
from schema.session import Session


@strawberry.enum(description="What a booking can be; only an open one can still change.")
class BookingStatus(Enum):
    """The values are those of the rows."""

    OPEN = strawberry.enum_value("open", description="Its seats are held until `closesAt`.")
    CONFIRMED = strawberry.enum_value("confirmed", description="Its seats are the user's for good.")
    CANCELLED = strawberry.enum_value("cancelled", description="Its user gave it up.")
    EXPIRED = strawberry.enum_value("expired", description="It was not confirmed in time.")


@strawberry.type(description="A change of a booking's seats; changes are only ever added.")
class SeatReservation(Node, row=models.SeatReservation, prefix="rsv", visible_to=bookings.OWNER_OF_BOOKING):
    seats: int = strawberry.field(description="The booking's total after this change.")
    created_at: datetime = strawberry.field(description="When it was made.")


@strawberry.type(description="Seats of one session. Only its own user sees it.")
class Booking(Node, row=models.Booking, prefix="bok", visible_to=OWNER):
    status: BookingStatus = strawberry.field(description="By the database's clock, whether or not a job has closed it.")
    reserved_seats: int = strawberry.field(
        description="Seats it holds: 0 once it is cancelled or expired; what it held before is in `reservations`."
    )
    created_at: datetime = strawberry.field(description="When it was opened.")
    closes_at: datetime = strawberry.field(description="Confirm it before this instant, or it expires.")
    confirmed_at: datetime | None = strawberry.field(description="Null until it is confirmed.")
    cancelled_at: datetime | None = strawberry.field(description="Null until it is cancelled.")

    @strawberry.field(
        graphql_type=Session,
        description="The session that it is for.",
        metadata=declare(reads=follow_key(models.Session, "session_id")),
    )
    @staticmethod
    async def session(root: Parent[models.Booking], info: Info) -> models.Session | None:
        return await bookings.load_booked_session(info.context, root)

    @strawberry.field(
        graphql_type=Movie,
        description="The movie that it is for.",
        metadata=declare(reads=OneRow(bookings.select_booked_movie)),
    )
    @staticmethod
    async def movie(root: Parent[models.Booking], info: Info) -> models.Movie | None:
        return await bookings.load_booked_movie(info.context, root)

    @strawberry.field(
        graphql_type=Place,
        description="The place that it is for.",
        metadata=declare(reads=OneRow(bookings.select_booked_place)),
    )
    @staticmethod
    async def place(root: Parent[models.Booking], info: Info) -> models.Place | None:
        return await bookings.load_booked_place(info.context, root)

    @strawberry.field(
        graphql_type=list[SeatReservation],
        description="Every change of the reserved seats, oldest first (the latest 100).",
        metadata=declare(reads=ManyRows(bookings.select_seat_reservations, keys=("id",))),
    )
    @staticmethod
    async def reservations(root: Parent[models.Booking], info: Info) -> list[models.SeatReservation]:
        return await info.context.loaders.reservations_by_booking.load(root.id)
