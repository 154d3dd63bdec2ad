"""Mutations of bookings."""

import strawberry

from db import models
from resolvers import bookings
from resolvers.changes import drop_unset
from resolvers.mutation_field import mutation
from schema.connection import Info
from schema.inputs import CancelBookingInput, ConfirmBookingInput, OpenBookingInput, ReserveSeatsInput
from schema.payloads import BookingPayload


@strawberry.type
class BookingMutations:
    @mutation(
        BookingPayload,
        "booking",
        description="Opens a booking of a session, without seats yet, for 60 seconds.",
        codes="INVALID_ID, SESSION_NOT_FOUND, SESSION_STARTED",
        shares="booking_commits",
    )
    async def open_booking(self, info: Info, input: OpenBookingInput) -> models.Booking:
        return await bookings.open_booking(info.context, input.session_id)

    @mutation(
        BookingPayload,
        "booking",
        description="Sets the seats of an open booking, all or nothing.",
        codes="INVALID_ID, INVALID_SEATS, SEATS_UNAVAILABLE, BOOKING_NOT_FOUND, BOOKING_EXPIRED, BOOKING_CONFIRMED, BOOKING_CANCELLED",
        shares="booking_commits",
    )
    async def reserve_seats(self, info: Info, input: ReserveSeatsInput) -> models.Booking:
        return await bookings.reserve_seats(info.context, input.booking_id, seats=input.seats)

    @mutation(
        BookingPayload,
        "booking",
        description="Confirms an open booking; from then on nobody can change it.",
        codes="INVALID_ID, NO_SEATS_RESERVED, SEATS_CHANGED, BOOKING_NOT_FOUND, BOOKING_EXPIRED, BOOKING_CONFIRMED, BOOKING_CANCELLED",
        shares="booking_commits",
    )
    async def confirm_booking(self, info: Info, input: ConfirmBookingInput) -> models.Booking:
        return await bookings.confirm_booking(info.context, input.booking_id, seats=drop_unset(input.seats))

    @mutation(
        BookingPayload,
        "booking",
        description="Cancels an open booking; its seats are free for others at once.",
        codes="INVALID_ID, BOOKING_NOT_FOUND, BOOKING_EXPIRED, BOOKING_CONFIRMED, BOOKING_CANCELLED",
        shares="booking_commits",
    )
    async def cancel_booking(self, info: Info, input: CancelBookingInput) -> models.Booking:
        return await bookings.cancel_booking(info.context, input.booking_id)
