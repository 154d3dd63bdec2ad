"""The tables, and the rows that everything above reads."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import configure_mappers
from sqlmodel import Field, SQLModel

SNOWFLAKE: Final = text("snowflake()")
NOW: Final = text("clock_timestamp()")
# Keysets compare by the codepoint, so that PostgreSQL's order is the same under every locale.
CODEPOINTS: Final = "C"
# Stand in for «never» at the far end of an order: a keyset cannot compare NULLs, and Python has no infinite dates.
LONG_AGO: Final = "timestamptz '0001-01-02 00:00:00+00'"
FAR_AHEAD: Final = "timestamptz '9999-12-30 00:00:00+00'"


class BookingStatus(StrEnum):
    """What a booking can be; only an open one can still change."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class PageEventType(StrEnum):
    """Whether a page was entered or left."""

    PAGE_ENTER = "page_enter"
    PAGE_EXIT = "page_exit"


def snowflake_id() -> Any:
    """Return the primary key that the database makes by itself."""
    return Field(
        default=None, sa_column=Column(BigInteger, primary_key=True, autoincrement=False, server_default=SNOWFLAKE)
    )


def reference(table: str, *, index: bool = False, nullable: bool = False, delete: str | None = None) -> Any:
    """Return a foreign key to a row of `table`."""
    key = ForeignKey(f"{table}.id", ondelete=delete)
    return Field(sa_column=Column(BigInteger, key, nullable=nullable, index=index))


def instant(*, default: bool = False, nullable: bool = False) -> Any:
    """Return a column of an instant; `default` is the database's clock."""
    column = Column(DateTime(timezone=True), nullable=nullable, server_default=NOW if default else None)
    return Field(default=None, sa_column=column)


def words(*, unique: bool = False) -> Any:
    """Return a column of text that must be there."""
    return Field(sa_column=Column(Text, nullable=False, unique=unique))


def derived(type_: Any, expression: str, *, nullable: bool = False, internal: bool = False) -> Any:
    """Return a column that the database works out from others of its row; `internal` ones are never read."""
    computed = Computed(expression, persisted=True)
    info = {"internal": internal}
    return Field(default=None, sa_column=Column(type_, computed, nullable=nullable, info=info))


def table(model: type[SQLModel]) -> Table:
    """Return the table of a model, for statements that are composed."""
    made: Table = model.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not say so
    return made


class User(SQLModel, table=True):
    """Somebody with an account, known by an e-mail address, a username or both."""

    __tablename__: ClassVar[str] = "users"
    __table_args__ = (
        CheckConstraint("num_nonnulls(email, username) > 0", name="users_identity_check"),
        Index("users_email_key", func.lower(text("email")), unique=True),
        Index("users_username_key", func.lower(text("username")), unique=True),
    )

    id: int = snowflake_id()
    email: str | None = Field(default=None, sa_column=Column(Text))
    username: str | None = Field(default=None, sa_column=Column(Text))
    password_hash: str = words()
    is_staff: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    created_at: datetime = instant(default=True)


class Movie(SQLModel, table=True):
    """A film. What is derived from sessions and ratings is kept by triggers, in their own transaction."""

    __tablename__: ClassVar[str] = "movies"
    __table_args__ = (
        CheckConstraint("duration BETWEEN 1 AND 1440", name="movies_duration_check"),
        Index("movies_by_rating", "rating_order", "id"),
        Index("movies_by_airing_from", "airing_from_order", "id"),
        Index("movies_by_airing_to", "airing_to_order", "id"),
        Index("movies_by_trigram", "title_trigrams", postgresql_using="gin"),
        Index("movies_by_genre", "genres", postgresql_using="gin"),
    )

    id: int = snowflake_id()
    title: str = words()
    title_key: str = derived(Text(collation=CODEPOINTS), "fold(title)")
    title_trigrams: list[str] = derived(ARRAY(Text), "trigrams(fold(title))", internal=True)
    description: str = words()
    poster: str = words()
    duration: int = Field(sa_column=Column(Integer, nullable=False))
    genres: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False, server_default=text("'{}'")))
    airing_from: datetime | None = instant(nullable=True)
    airing_to: datetime | None = instant(nullable=True)
    rating_sum: Any = Field(
        sa_column=Column(Numeric, nullable=False, server_default=text("0"), info={"internal": True})
    )
    rating_count: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    rating: float | None = derived(Double, "(rating_sum / nullif(rating_count, 0))::double precision", nullable=True)
    rating_order: float = derived(Double, "coalesce((rating_sum / nullif(rating_count, 0))::double precision, -1)")
    airing_from_order: datetime = derived(DateTime(timezone=True), f"coalesce(airing_from, {LONG_AGO})")
    airing_to_order: datetime = derived(DateTime(timezone=True), f"coalesce(airing_to, {FAR_AHEAD})")


class Place(SQLModel, table=True):
    """A cinema; each has one room."""

    __tablename__: ClassVar[str] = "places"
    __table_args__ = (
        CheckConstraint("capacity BETWEEN 1 AND 100000", name="places_capacity_check"),
        Index("places_by_name", "name_key", "id"),
        Index("places_by_trigram", "name_trigrams", postgresql_using="gin"),
    )

    id: int = snowflake_id()
    name: str = words()
    name_key: str = derived(Text(collation=CODEPOINTS), "fold(name)")
    name_trigrams: list[str] = derived(ARRAY(Text), "trigrams(fold(name))", internal=True)
    address: str = words()
    capacity: int = Field(sa_column=Column(Integer, nullable=False))


class Session(SQLModel, table=True):
    """One showing of a movie. `taken` counts confirmed and held seats; `ends_at` follows the movie's duration."""

    __tablename__: ClassVar[str] = "sessions"
    __table_args__ = (
        CheckConstraint("taken BETWEEN 0 AND capacity", name="sessions_taken_check"),
        Index("sessions_of_movie", "movie_id", "starts_at", "id"),
        Index("sessions_of_place", "place_id", "starts_at", "id"),
        Index("sessions_of_movie_in_place", "movie_id", "place_id", "starts_at", "id"),
    )

    id: int = snowflake_id()
    movie_id: int = reference("movies")
    place_id: int = reference("places")
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    capacity: int = Field(sa_column=Column(Integer, nullable=False))
    taken: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default=text("0")))


class Airing(SQLModel, table=True):
    """Where a movie is shown, and when for the last time: kept by triggers, so that no list aggregates sessions."""

    __tablename__: ClassVar[str] = "airings"
    __table_args__ = (Index("airings_of_movie_by_place", "movie_id", "place_key", "place_id"),)

    movie_id: int = Field(sa_column=Column(BigInteger, ForeignKey("movies.id", ondelete="CASCADE"), primary_key=True))
    place_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("places.id", ondelete="CASCADE"), primary_key=True, index=True)
    )
    place_key: str = Field(sa_column=Column(Text(collation=CODEPOINTS), nullable=False))
    last_starts_at: datetime = instant()
    last_ends_at: datetime = instant()


class Rating(SQLModel, table=True):
    """What one user gave one movie, 0 to 5."""

    __tablename__: ClassVar[str] = "ratings"
    __table_args__ = (
        UniqueConstraint("user_id", "movie_id", name="ratings_user_id_movie_id_key"),
        CheckConstraint("value BETWEEN 0 AND 5", name="ratings_value_check"),
    )

    id: int = snowflake_id()
    user_id: int = reference("users")
    movie_id: int = reference("movies", index=True)
    value: float = Field(sa_column=Column(Double, nullable=False))
    created_at: datetime = instant(default=True)
    updated_at: datetime = instant(default=True)


class Booking(SQLModel, table=True):
    """Seats of one session, held by one user until `closes_at`, or theirs for good once confirmed."""

    __tablename__: ClassVar[str] = "bookings"
    __table_args__ = (
        CheckConstraint("reserved_seats >= 0", name="bookings_reserved_seats_check"),
        CheckConstraint("status IN ('open', 'confirmed', 'cancelled', 'expired')", name="bookings_status_check"),
        Index("bookings_of_user", "user_id", "id"),
        Index("bookings_of_session", "session_id", "status"),
        Index("bookings_open", "session_id", "closes_at", postgresql_where=text("status = 'open'")),
        Index("bookings_due", "closes_at", postgresql_where=text("status = 'open'")),
    )

    id: int = snowflake_id()
    user_id: int = reference("users")
    session_id: int = reference("sessions")
    status: BookingStatus = Field(sa_column=Column(Text, nullable=False, server_default=text("'open'")))
    reserved_seats: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default=text("0")))
    created_at: datetime = instant()
    closes_at: datetime = instant()
    confirmed_at: datetime | None = instant(nullable=True)
    cancelled_at: datetime | None = instant(nullable=True)


class SeatReservation(SQLModel, table=True):
    """One change of a booking's seats; rows are only ever added."""

    __tablename__: ClassVar[str] = "seat_reservations"
    __table_args__ = (Index("seat_reservations_of_booking", "booking_id", "id"),)

    id: int = snowflake_id()
    booking_id: int = reference("bookings", delete="CASCADE")
    seats: int = Field(sa_column=Column(Integer, nullable=False))
    created_at: datetime = instant()


class PageView(SQLModel, table=True):
    """A page entered or left; `query` is a list of [name, value] pairs."""

    __tablename__: ClassVar[str] = "page_views"
    __table_args__ = (
        CheckConstraint("type IN ('page_enter', 'page_exit')", name="page_views_type_check"),
        Index("page_views_by_time", "occurred_at", "id"),
        Index("page_views_of_tracking_id", "tracking_id", "occurred_at", "id"),
        Index("page_views_of_user", "user_id", "occurred_at", "id"),
        # By digest: a path may be longer than a B-tree entry.
        Index("page_views_of_path", func.md5(text("path")), text("occurred_at"), text("id")),
    )

    id: int = snowflake_id()
    tracking_id: str = words()
    user_id: int | None = reference("users", nullable=True, delete="SET NULL")
    type: PageEventType = Field(sa_column=Column(Text, nullable=False))
    scheme: str = words()
    path: str = words()
    query: list[list[str]] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'[]'")))
    occurred_at: datetime = instant(default=True)


class IdempotencyKey(SQLModel, table=True):
    """What a request with an `Idempotency-Key` was answered, for a day. Sealed: an answer may hold a token or a name.

    Without an answer the request runs outside of a transaction, and the key is taken until `leased_until`.
    """

    __tablename__: ClassVar[str] = "idempotency_keys"
    __table_args__ = (
        CheckConstraint("(answer IS NULL) = (leased_until IS NOT NULL)", name="idempotency_keys_lease_check"),
        Index("idempotency_keys_by_age", "created_at"),
    )

    caller: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    fingerprint: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    answer: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    created_at: datetime = instant(default=True)
    leased_until: datetime | None = instant(nullable=True)


# Rows are built without a session of SQLAlchemy, which would otherwise configure these at its first use.
configure_mappers()
