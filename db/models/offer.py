"""The tables of offers, of the provider entries behind them, and of how each provider did last."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from sqlalchemy import CheckConstraint, Column, Index, Integer, Numeric, Text, text
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


class MovieOffer(SQLModel, table=True):
    """A movie that providers sell; their entries of the same movie belong to it. Listed while one has a price."""

    __tablename__: ClassVar[str] = "movie_offers"
    __table_args__ = (
        Index("movie_offers_by_title", "title_key", "id"),
        Index("movie_offers_by_lexeme", "title_lexemes", postgresql_using="gin", postgresql_with=NO_PENDING_LIST),
    )

    id: int = id_column()
    title: str = text_column()
    title_key: str = derived_column(Text(collation=CODEPOINTS), "fold(title)")
    title_lexemes: str = derived_column(TSVECTOR, "lexemes(fold(title))", internal=True)
    # Searched by servers of the version before this one.
    title_trigrams: list[str] = derived_column(ARRAY(Text), "trigrams(fold(title))", internal=True)
    year: str | None = Field(default=None, sa_column=Column(Text))
    poster: str | None = Field(default=None, sa_column=Column(Text))


class ProviderMovie(SQLModel, table=True):
    """A provider's entry of a movie, as last seen. Entries of a provider that fails stay `listed`.

    `price` is null where none can be read; `priced_at` is when it was read.
    """

    __tablename__: ClassVar[str] = "provider_movies"
    __table_args__ = (
        CheckConstraint("price >= 0", name="provider_movies_price_check"),
        Index("provider_movies_of_offer", "offer_id"),
        Index("provider_movies_by_tail", "tail"),
        Index("provider_movies_by_title", "title_key"),
        Index("provider_movies_listed", "provider", postgresql_where=text("listed")),
    )

    provider: str = Field(sa_column=Column(Text, primary_key=True))
    provider_movie_id: str = Field(sa_column=Column(Text(collation=CODEPOINTS), primary_key=True))
    offer_id: int = reference_column("movie_offers")
    title: str = text_column()
    title_key: str = derived_column(Text(collation=CODEPOINTS), "fold(title)")
    # The id without the provider's two letters: both providers have the same for the same movie.
    tail: str | None = derived_column(
        Text(collation=CODEPOINTS),
        "CASE WHEN provider_movie_id ~ '^[A-Za-z]{2}.' THEN lower(substr(provider_movie_id, 3)) END",
        nullable=True,
    )
    year: str | None = Field(default=None, sa_column=Column(Text))
    poster: str | None = Field(default=None, sa_column=Column(Text))
    price: Decimal | None = Field(default=None, sa_column=Column(Numeric))
    priced_at: datetime | None = instant_column(nullable=True)
    listed: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    first_seen_at: datetime = instant_column(default=True)
    last_seen_at: datetime = instant_column(default=True)


class PriceProvider(SQLModel, table=True):
    """The outcome of a provider's last call, by any server; `failures` are those in a row."""

    __tablename__: ClassVar[str] = "price_providers"

    name: str = Field(sa_column=Column(Text, primary_key=True))
    answered_at: datetime | None = instant_column(nullable=True)
    failed_at: datetime | None = instant_column(nullable=True)
    failures: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default=text("0")))
    last_error: str | None = Field(default=None, sa_column=Column(Text))
