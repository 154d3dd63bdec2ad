"""Bookings: the viewer's own bookings, and the mutations that open, change and confirm them."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Select, select
from sqlmodel import SQLModel

from db import ids, lists, selects
from db.models import Booking, Movie, Place, SeatReservation, Session, find_table
from db.paging import Listing, Page, Window
from domain import booking
from errors import Refusal, check_all
from loaders.by_parent import make_list_key
from resolvers.context import Context
from resolvers.planned_reads import VIEWER, Arguments, Parent, Visibility

# No snowflake is 0.
NOBODY: Final = 0


async def list_bookings(context: Context, user_id: int, window: Window, *, with_seats: bool) -> Page[Any]:
    """Return a page of the viewer's bookings; of another user there are none, not even for staff."""
    owner_id = user_id if context.actor and context.actor.user_id == user_id else NOBODY
    listing = lists.list_bookings(owner_id, with_seats=with_seats)
    return await context.loaders.private_page.load((make_list_key(listing), window))


async def booking_by_id(context: Context, public_id: str) -> Booking | None:
    """Return one of the viewer's bookings; None for another user's."""
    return await find_own_booking(context, ids.expect("bok", public_id, "id"))


async def find_own_booking(context: Context, booking_id: int) -> Booking | None:
    """Return a booking if it is the viewer's."""
    found = await context.loaders.booking_by_id.load(booking_id) if context.actor else None
    return found if found and context.actor and found.user_id == context.actor.user_id else None


async def load_booked_session(context: Context, row: Booking) -> Session | None:
    """Return the session that a booking is for."""
    return await context.loaders.session_by_id.load(row.session_id)


async def load_booked_movie(context: Context, row: Booking) -> Movie | None:
    """Return the movie that a booking is for."""
    session = await load_booked_session(context, row)
    return await context.loaders.movie_by_id.load(session.movie_id) if session else None


async def load_booked_place(context: Context, row: Booking) -> Place | None:
    """Return the place that a booking is for."""
    session = await load_booked_session(context, row)
    return await context.loaders.place_by_id.load(session.place_id) if session else None


async def open_booking(context: Context, session_id: str) -> Booking:
    """Return the viewer's new booking of a session."""
    user_id, seconds = context.user_id, context.services.settings.hold_seconds
    session = ids.expect("ses", session_id, "input", "sessionId")
    return await booking.open_booking(
        context.services.booking_commits, user_id=user_id, session_id=session, hold_seconds=seconds
    )


async def reserve_seats(context: Context, public_id: str, *, seats: int) -> Booking:
    """Return the booking with its new total of seats."""
    user_id, booking_id = context.user_id, expect_booking(public_id, seats=seats)
    return await booking.reserve(context.services.booking_commits, user_id=user_id, booking_id=booking_id, seats=seats)


async def confirm_booking(context: Context, public_id: str, *, seats: int | None) -> Booking:
    """Return the booking, confirmed."""
    user_id, booking_id = context.user_id, expect_booking(public_id, seats=0 if seats is None else seats)
    return await booking.confirm(context.services.booking_commits, user_id=user_id, booking_id=booking_id, seats=seats)


async def cancel_booking(context: Context, public_id: str) -> Booking:
    """Return the booking, cancelled."""
    user_id, booking_id = context.user_id, ids.expect("bok", public_id, "input", "bookingId")
    return await booking.cancel(context.services.booking_commits, user_id=user_id, booking_id=booking_id)


def bind_bookings(arguments: Arguments, user_id: int) -> Listing[Booking]:
    """Return the list of a user's bookings for the arguments of its field."""
    return lists.list_bookings(user_id, with_seats=(arguments.get("filter") or {}).get("withSeats", False))


def select_booked_movie(parent: Parent) -> Select[Any]:
    """Return the statement of the movie that a booking is for."""
    return select_by_session(Movie, "movie_id", parent)


def select_booked_place(parent: Parent) -> Select[Any]:
    """Return the statement of the place that a booking is for."""
    return select_by_session(Place, "place_id", parent)


def select_by_session(model: type[SQLModel], column: str, parent: Parent) -> Select[Any]:
    """Return the statement of the row whose id is in a column of a booking's session."""
    session = find_table(Session).c
    return selects.select_row(
        model, select(session[column]).where(session.id == parent("session_id")).scalar_subquery()
    )


def select_seat_reservations(parent: Parent) -> Select[Any]:
    """Return the statement of the changes of a booking's seats."""
    return selects.select_latest_changes(parent("id"))


def select_own_seat_reservation(model: type[SQLModel], identity: ColumnElement[int]) -> Select[Any]:
    """Return the statement of a change of seats that nobody but the booking's user sees."""
    booking_of = find_table(Booking).c
    user_id = select(booking_of.user_id).where(booking_of.id == find_table(SeatReservation).c.booking_id)
    return selects.select_row(model, identity).where(user_id.scalar_subquery() == VIEWER)


OWNER_OF_BOOKING: Final = Visibility(select_own_seat_reservation)


def expect_booking(public_id: str, *, seats: int) -> int:
    """Return the snowflake of a booking; raise InvalidId, InvalidSeats, or both at once."""
    try:
        booking_id = ids.expect("bok", public_id, "input", "bookingId")
        booking.check_seats(seats)
    except Refusal:
        check_all(
            lambda: ids.expect("bok", public_id, "input", "bookingId"),
            lambda: booking.check_seats(seats),
        )
        raise
    return booking_id
