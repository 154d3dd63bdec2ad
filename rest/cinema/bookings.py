"""Bookings: open, reserve seats, confirm, cancel, and read them."""

from typing import Final

from sqlalchemy import BigInteger, bindparam
from starlette.responses import Response

import errors
from db import ids, lists, models, selects
from domain import booking, stock
from rest.cinema import answers, shapes
from rest.cinema.movies import PAGE_FAULTS
from rest.cinema.payloads import ConfirmBooking, ReserveSeats
from rest.endpoint import JSON, Call, Caller, Endpoint, render_json
from rest.payloads import EmptyBody, PageQuery, Query
from rest.planned_reads import bind, render_one, write_one
from rest.programme_answers import plan_page_of

TAG: Final = "Bookings"
CLOSED: Final = (errors.BookingExpired(), errors.BookingConfirmed(), errors.BookingCancelled())
OWN_BOOKING: Final = write_one(
    shapes.BOOKING,
    selects.select_row(models.Booking, bindparam("id", type_=BigInteger)).where(
        models.find_table(models.Booking).c.user_id == bindparam("user_id", type_=BigInteger)
    ),
)


async def book_session(call: Call[EmptyBody]) -> Response:
    """Answer a new booking of a session."""
    session_id, seconds = call.read_path_id("session_id"), call.services.settings.hold_seconds
    made = await booking.open_booking(
        call.services.booking_commits, user_id=call.user_id, session_id=session_id, hold_seconds=seconds
    )
    body: answers.OpenBookingAnswer = {
        "booking": {
            "id": ids.encode("bok", made.id),
            "session_id": ids.encode("ses", made.session_id),
            "created_at": made.created_at,
            "closes_at": made.closes_at,
        }
    }
    return render_json(body, status=201)


async def reserve_seats(call: Call[ReserveSeats]) -> Response:
    """Answer the booking with its new total of seats."""
    booking_id = call.read_path_id("booking_id")
    held = await booking.reserve(
        call.services.booking_commits, user_id=call.user_id, booking_id=booking_id, seats=call.asked.seats
    )
    body: answers.HeldBookingAnswer = {"booking": render_booking(held)}
    return render_json(body)


async def confirm_booking(call: Call[ConfirmBooking]) -> Response:
    """Answer the booking, confirmed."""
    booking_id = call.read_path_id("booking_id")
    confirmed = await booking.confirm(
        call.services.booking_commits, user_id=call.user_id, booking_id=booking_id, seats=call.asked.seats
    )
    body: answers.ConfirmedBookingAnswer = {
        "booking": {**render_booking(confirmed), "confirmed_at": confirmed.confirmed_at}
    }
    return render_json(body)


async def cancel_booking(call: Call[EmptyBody]) -> Response:
    """Answer the booking, cancelled."""
    booking_id = call.read_path_id("booking_id")
    gone = await booking.cancel(call.services.booking_commits, user_id=call.user_id, booking_id=booking_id)
    body: answers.CancelledBookingAnswer = {
        "booking": {**render_booking(gone), "confirmed_at": gone.confirmed_at, "cancelled_at": gone.cancelled_at}
    }
    return render_json(body)


async def list_bookings(call: Call[PageQuery]) -> Response:
    """Answer a page of the caller's bookings; from the primary, so that they see what they have just done."""
    database, listing = call.services.database, lists.list_bookings(call.user_id)
    read, render = plan_page_of(shapes.BOOKINGS, listing, database.cursors, call.asked)
    return Response(render(await read.fetch(database.primary)), media_type=JSON)


async def get_booking(call: Call[Query]) -> Response:
    """Answer one of the caller's bookings as it is now; from the primary, as the list."""
    values = {"id": call.read_path_id("booking_id"), "user_id": call.user_id}
    rows = await bind(OWN_BOOKING, values).fetch(call.services.database.primary)
    body = render_one(shapes.BOOKING, rows, missing=errors.BookingNotFound)
    return Response(body, media_type=JSON)


def render_booking(row: models.Booking) -> answers.HeldBooking:
    """Return the fields of a booking that all answers with seats have."""
    return {
        "id": ids.encode("bok", row.id),
        "session_id": ids.encode("ses", row.session_id),
        "reserved_seats": row.reserved_seats,
        "created_at": row.created_at,
        "closes_at": row.closes_at,
    }


ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path="/v1/sessions/{session_id}/book",
        answer=book_session,
        takes=EmptyBody,
        caller=Caller.SIGNED_IN,
        answers={201: answers.OpenBookingAnswer},
        refusals=(errors.SessionStarted(),),
        tag=TAG,
        shares="booking_commits",
        summary="Book a session",
        description="Opens a booking without seats. Reserve some and confirm it before `closes_at`, 60 seconds later.",
    ),
    Endpoint(
        method="POST",
        path="/v1/bookings/{booking_id}/reserve",
        answer=reserve_seats,
        takes=ReserveSeats,
        caller=Caller.SIGNED_IN,
        answers={200: answers.HeldBookingAnswer},
        refusals=(
            errors.InvalidSeats(field="seats", limit=stock.MOST_SEATS),
            errors.SeatsUnavailable(seats_available=1),
            *CLOSED,
        ),
        tag=TAG,
        shares="booking_commits",
        summary="Reserve seats from a booking",
        description="All or nothing, and as often as wished; the booking stays open no longer for it.",
    ),
    Endpoint(
        method="POST",
        path="/v1/bookings/{booking_id}/confirm",
        answer=confirm_booking,
        takes=ConfirmBooking,
        caller=Caller.SIGNED_IN,
        answers={200: answers.ConfirmedBookingAnswer},
        refusals=(errors.NoSeatsReserved(), errors.SeatsChanged(held=3, seats=2), *CLOSED),
        tag=TAG,
        shares="booking_commits",
        summary="Confirm a booking",
        description="From then on nobody can change it. With `seats` it is refused unless it holds that many.",
    ),
    Endpoint(
        method="POST",
        path="/v1/bookings/{booking_id}/cancel",
        answer=cancel_booking,
        takes=EmptyBody,
        caller=Caller.SIGNED_IN,
        answers={200: answers.CancelledBookingAnswer},
        refusals=CLOSED,
        tag=TAG,
        shares="booking_commits",
        summary="Cancel a booking",
        description="Its seats are free for others at once.",
    ),
    Endpoint(
        method="GET",
        path="/v1/bookings",
        answer=list_bookings,
        takes=PageQuery,
        caller=Caller.SIGNED_IN,
        answers={200: answers.BookingPage},
        refusals=PAGE_FAULTS,
        tag=TAG,
        summary="List my bookings",
        description="The newest first.",
    ),
    Endpoint(
        method="GET",
        path="/v1/bookings/{booking_id}",
        answer=get_booking,
        takes=Query,
        caller=Caller.SIGNED_IN,
        answers={200: answers.BookingAnswer},
        tag=TAG,
        summary="Get a booking",
        description="The caller's booking as it is now. Another user's is 404.",
    ),
)
