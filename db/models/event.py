"""The tables of events and of the reservations of their tickets."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Boolean, CheckConstraint, Column, DateTime, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlmodel import Field, SQLModel

from db.models.columns import (
    CODEPOINTS,
    NO_PENDING_LIST,
    derived_column,
    id_column,
    instant_column,
    reference_column,
    text_column,
)


class Event(SQLModel, table=True):
    """An event with tickets. `taken` counts those of live reservations; a deleted event is hidden, never destroyed."""

    __tablename__: ClassVar[str] = "events"
    __table_args__ = (
        CheckConstraint("taken BETWEEN 0 AND capacity", name="events_taken_check"),
        Index("events_by_date", "date", "id", postgresql_where=text("deleted_at IS NULL")),
        # Over a column that changes only with the last ticket: every other sale leaves the indexes alone.
        Index(
            "events_with_tickets_by_date",
            "date",
            "id",
            postgresql_where=text("deleted_at IS NULL AND NOT sold_out"),
        ),
        Index("events_by_lexeme", "name_lexemes", postgresql_using="gin", postgresql_with=NO_PENDING_LIST),
    )

    id: int = id_column()
    name: str = text_column()
    name_key: str = derived_column(Text(collation=CODEPOINTS), "fold(name)", internal=True)
    name_lexemes: str = derived_column(TSVECTOR, "lexemes(fold(name))", internal=True)
    # Searched by servers of the version before this one.
    name_trigrams: list[str] = derived_column(ARRAY(Text), "trigrams(fold(name))", internal=True)
    description: str = text_column()
    date: datetime = instant_column()
    capacity: int = Field(sa_column=Column(Integer, nullable=False))
    taken: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default=text("0")))
    availability: int = derived_column(Integer, "capacity - taken")
    sold_out: bool = derived_column(Boolean, "taken >= capacity", internal=True)
    created_at: datetime = instant_column(default=True)
    updated_at: datetime = instant_column(default=True)
    deleted_at: datetime | None = Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=True, info={"internal": True})
    )


class EventReservation(SQLModel, table=True):
    """Tickets of one event, of a user, or of nobody if made by REST without a token. A cancelled row keeps its number."""

    __tablename__: ClassVar[str] = "event_reservations"
    __table_args__ = (
        CheckConstraint("tickets > 0", name="event_reservations_tickets_check"),
        Index("event_reservations_of_user", "user_id", "id"),
        Index("event_reservations_of_event", "event_id", postgresql_where=text("NOT cancelled")),
    )

    id: int = id_column()
    event_id: int = reference_column("events")
    user_id: int | None = reference_column("users", nullable=True)
    tickets: int = Field(sa_column=Column(Integer, nullable=False))
    cancelled: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    created_at: datetime = instant_column(default=True)
    updated_at: datetime = instant_column(default=True)
