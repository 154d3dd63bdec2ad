"""The table of movies, with the columns that triggers and expressions derive."""

from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import CheckConstraint, Column, DateTime, Double, Index, Integer, Numeric, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlmodel import Field, SQLModel

from db.models.columns import CODEPOINTS, NO_PENDING_LIST, derived_column, id_column, instant_column, text_column

# Mean «never» at the far end of an order: a keyset cannot compare NULLs, and Python has no infinite dates.
LONG_AGO: Final = "timestamptz '0001-01-02 00:00:00+00'"

FAR_AHEAD: Final = "timestamptz '9999-12-30 00:00:00+00'"


class Movie(SQLModel, table=True):
    """A movie. Triggers maintain what derives from sessions and ratings, in the transaction that changes those."""

    __tablename__: ClassVar[str] = "movies"
    __table_args__ = (
        CheckConstraint("duration BETWEEN 1 AND 1440", name="movies_duration_check"),
        Index("movies_by_rating", "rating_order", "id"),
        Index("movies_by_airing_from", "airing_from_order", "id"),
        Index("movies_by_airing_to", "airing_to_order", "id"),
        Index("movies_by_lexeme", "title_lexemes", postgresql_using="gin", postgresql_with=NO_PENDING_LIST),
        Index("movies_by_genre", "genres", postgresql_using="gin", postgresql_with=NO_PENDING_LIST),
    )

    id: int = id_column()
    title: str = text_column()
    title_key: str = derived_column(Text(collation=CODEPOINTS), "fold(title)")
    title_lexemes: str = derived_column(TSVECTOR, "lexemes(fold(title))", internal=True)
    # Searched by servers of the version before this one.
    title_trigrams: list[str] = derived_column(ARRAY(Text), "trigrams(fold(title))", internal=True)
    description: str = text_column()
    poster: str = text_column()
    duration: int = Field(sa_column=Column(Integer, nullable=False))
    genres: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False, server_default=text("'{}'")))
    airing_from: datetime | None = instant_column(nullable=True)
    airing_to: datetime | None = instant_column(nullable=True)
    rating_sum: Any = Field(
        sa_column=Column(Numeric, nullable=False, server_default=text("0"), info={"internal": True})
    )
    rating_count: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    rating: float | None = derived_column(
        Double, "(rating_sum / nullif(rating_count, 0))::double precision", nullable=True
    )
    rating_order: float = derived_column(
        Double, "coalesce((rating_sum / nullif(rating_count, 0))::double precision, -1)"
    )
    airing_from_order: datetime = derived_column(DateTime(timezone=True), f"coalesce(airing_from, {LONG_AGO})")
    airing_to_order: datetime = derived_column(DateTime(timezone=True), f"coalesce(airing_to, {FAR_AHEAD})")
