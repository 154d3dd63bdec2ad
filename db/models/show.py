"""The tables of shows at the counter, and of the tickets sold for them."""

from datetime import datetime
from typing import ClassVar, Final

from sqlalchemy import CheckConstraint, Column, Index, Integer, text
from sqlmodel import Field, SQLModel

from db.models.columns import id_column, instant_column, reference_column, text_column

# Tickets of a show, and its life after its start (docs/contract/counter.md).
SHOW_CAPACITY: Final = 20

SHOW_HOURS: Final = 8

SHOW_LIFE: Final = f"interval '{SHOW_HOURS} hours'"


class Show(SQLModel, table=True):
    """What the counter sells tickets for, known by its time alone. `taken` counts its tickets."""

    __tablename__: ClassVar[str] = "shows"
    __table_args__ = (
        CheckConstraint("taken BETWEEN 0 AND capacity", name="shows_taken_check"),
        Index("shows_show_timing_key", "show_timing", unique=True),
    )

    id: int = id_column()
    show_timing: datetime = instant_column()
    capacity: int = Field(
        default=SHOW_CAPACITY, sa_column=Column(Integer, nullable=False, server_default=text(str(SHOW_CAPACITY)))
    )
    taken: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default=text("0")))


class Ticket(SQLModel, table=True):
    """Tickets that one person bought at the counter: personal data, deleted with their show."""

    __tablename__: ClassVar[str] = "tickets"
    __table_args__ = (
        CheckConstraint("ticket_count > 0", name="tickets_ticket_count_check"),
        Index("tickets_of_show", "show_id", "id"),
    )

    id: int = id_column()
    show_id: int = reference_column("shows", delete="CASCADE")
    user_name: str = text_column()
    phone_number: str = text_column()
    ticket_count: int = Field(sa_column=Column(Integer, nullable=False))
