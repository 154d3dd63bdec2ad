"""Lists of bookings."""

from sqlalchemy import exists, literal_column, select

from db.lists.filters import Names
from db.models import Booking, SeatReservation, find_table
from db.ordered import Ordered
from db.paging import Listing, Value
from db.selects import list_columns

booking = find_table(Booking).c
seat_reservation = find_table(SeatReservation).c


def list_bookings(user_id: int, *, with_seats: bool = False) -> Listing[Booking]:
    """Return a user's bookings, newest first; `with_seats` leaves out those that never held a seat."""
    values = {"user_id": user_id, "with_seats": with_seats or None}
    return Listing("bookings", Booking, select_bookings, values, parent="user_id")


def select_bookings(names: Names, _sort: str, value: Value) -> Ordered:
    """Return the statement of `list_bookings`; ids grow with time."""
    statement = select(*list_columns(Booking)).where(booking.user_id == value("user_id"))
    if "with_seats" in names:
        statement = statement.where(
            exists().where(seat_reservation.booking_id == booking.id, seat_reservation.seats > literal_column("0"))
        )
    return Ordered(statement, (booking.id,), ("id",), descending=True)
