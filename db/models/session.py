"""The tables of sessions, and of airings: which movie a place shows, and until when."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, Text, text
from sqlmodel import Field, SQLModel

from db.models.columns import CODEPOINTS, id_column, instant_column, reference_column


class Session(SQLModel, table=True):
    """One showing of a movie. `taken` counts confirmed and held seats; `ends_at` follows the movie's duration."""

    __tablename__: ClassVar[str] = "sessions"
    __table_args__ = (
        CheckConstraint("taken BETWEEN 0 AND capacity", name="sessions_taken_check"),
        Index("sessions_by_start", "starts_at", "id"),
        Index("sessions_of_movie", "movie_id", "starts_at", "id"),
        Index("sessions_of_place", "place_id", "starts_at", "id"),
        Index("sessions_of_movie_in_place", "movie_id", "place_id", "starts_at", "id"),
    )

    id: int = id_column()
    movie_id: int = reference_column("movies")
    place_id: int = reference_column("places")
    starts_at: datetime = instant_column()
    ends_at: datetime = instant_column()
    capacity: int = Field(sa_column=Column(Integer, nullable=False))
    taken: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default=text("0")))


class Airing(SQLModel, table=True):
    """A movie in a place, with its last session. Triggers maintain it, so that no list aggregates sessions."""

    __tablename__: ClassVar[str] = "airings"
    __table_args__ = (
        Index("airings_of_movie_by_place", "movie_id", "place_key", "place_id"),
        # For the next one to end, until when an answer that leaves ended ones out may be kept.
        Index("airings_by_end", "last_ends_at"),
    )

    movie_id: int = Field(sa_column=Column(BigInteger, ForeignKey("movies.id", ondelete="CASCADE"), primary_key=True))
    place_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("places.id", ondelete="CASCADE"), primary_key=True, index=True)
    )
    place_key: str = Field(sa_column=Column(Text(collation=CODEPOINTS), nullable=False))
    last_starts_at: datetime = instant_column()
    last_ends_at: datetime = instant_column()
