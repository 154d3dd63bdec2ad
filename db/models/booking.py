"""The tables of bookings, and of each change of their seats."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import CheckConstraint, Column, Index, Integer, Text, text
from sqlmodel import Field, SQLModel

from db.models.columns import id_column, instant_column, reference_column


class BookingStatus(StrEnum):
    """What a booking can be; only an open one can still change."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Booking(SQLModel, table=True):
    """Seats of one session, held by one user until `closes_at`; once confirmed they are the user's."""

    __tablename__: ClassVar[str] = "bookings"
    __table_args__ = (
        CheckConstraint("reserved_seats >= 0", name="bookings_reserved_seats_check"),
        CheckConstraint("status IN ('open', 'confirmed', 'cancelled', 'expired')", name="bookings_status_check"),
        Index("bookings_of_user", "user_id", "id"),
        Index("bookings_of_session", "session_id", "status"),
        Index("bookings_open", "session_id", "closes_at", postgresql_where=text("status = 'open'")),
        Index("bookings_due", "closes_at", postgresql_where=text("status = 'open'")),
    )

    id: int = id_column()
    user_id: int = reference_column("users")
    session_id: int = reference_column("sessions")
    status: BookingStatus = Field(sa_column=Column(Text, nullable=False, server_default=text("'open'")))
    reserved_seats: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default=text("0")))
    created_at: datetime = instant_column()
    closes_at: datetime = instant_column()
    confirmed_at: datetime | None = instant_column(nullable=True)
    cancelled_at: datetime | None = instant_column(nullable=True)


class SeatReservation(SQLModel, table=True):
    """One change of a booking's seats; rows are only added."""

    __tablename__: ClassVar[str] = "seat_reservations"
    __table_args__ = (Index("seat_reservations_of_booking", "booking_id", "id"),)

    id: int = id_column()
    booking_id: int = reference_column("bookings", delete="CASCADE")
    seats: int = Field(sa_column=Column(Integer, nullable=False))
    created_at: datetime = instant_column()
