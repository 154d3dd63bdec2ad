"""Answers of the cinema surface (docs/contract/cinema.md)."""

from datetime import datetime
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from db.models import BookingStatus
from rest.payloads import PageMetadata

UserId = Annotated[str, Field(examples=["usr_7262193846145024"])]
MovieId = Annotated[str, Field(examples=["mov_7262193846145025"])]
PlaceId = Annotated[str, Field(examples=["plc_7262193846145026"])]
SessionId = Annotated[str, Field(examples=["ses_7262193846145027"])]
RatingId = Annotated[str, Field(examples=["rat_7262193846145028"])]
BookingId = Annotated[str, Field(examples=["bok_7262193846145029"])]
Instant = Annotated[datetime, Field(description="In UTC.", examples=["2026-11-20T18:30:00Z"])]
Title = Annotated[str, Field(examples=["La Règle du jeu"])]
PlaceName = Annotated[str, Field(examples=["Le Grand Rex"])]
ClosesAt = Annotated[
    datetime, Field(description="When it expires unless it is confirmed before.", examples=["2026-11-20T18:31:00Z"])
]
Seats = Annotated[int, Field(description="0 once it is cancelled or expired.", examples=[2])]


class User(TypedDict):
    """An account."""

    id: UserId
    email: Annotated[str, Field(examples=["ada@example.org"])]
    created_at: Instant


class SignUpAnswer(TypedDict):
    """The new account."""

    user: User


class SignInAnswer(TypedDict):
    """The token to send as `Authorization: Bearer …`."""

    token: Annotated[str, Field(examples=["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2lnbmF0dXJl"])]


# By call, since `from` is a keyword.
AiringDates = TypedDict("AiringDates", {"from": Instant, "to": Instant})


class Movie(TypedDict):
    """A movie."""

    id: MovieId
    title: Title
    description: Annotated[str, Field(examples=["A week-end in the country goes wrong."])]
    poster: Annotated[
        str, Field(description="Address of its image.", examples=["https://cinema.example.org/posters/mov_1.svg"])
    ]
    duration: Annotated[int, Field(description="Minutes.", examples=[110])]
    airing_dates: Annotated[
        AiringDates | None,
        Field(description="Start of its first and of its last session, both included; null without sessions."),
    ]
    rating: Annotated[
        float | None, Field(description="Mean of all ratings, 0 to 5; null until the first.", examples=[4.375])
    ]


class MovieAnswer(TypedDict):
    """The movie."""

    movie: Movie


class MoviePage(TypedDict):
    """A page of movies."""

    movies: list[Movie]
    metadata: PageMetadata


class Place(TypedDict):
    """A cinema."""

    id: PlaceId
    name: PlaceName
    address: Annotated[str, Field(examples=["1 boulevard Poissonnière, 75002 Paris"])]


class PlacePage(TypedDict):
    """A page of places."""

    places: list[Place]
    metadata: PageMetadata


class Session(TypedDict):
    """A session: one showing of a movie in a place."""

    id: SessionId
    starts_at: Instant


class NamedMovie(TypedDict):
    """The movie that a session shows."""

    id: MovieId
    title: Title


class NamedPlace(TypedDict):
    """The place of a session."""

    id: PlaceId
    name: PlaceName


class SessionDetails(Session):
    """A session with its free seats, and what is shown where."""

    capacity: Annotated[int, Field(description="All seats.", examples=[120])]
    seats_available: Annotated[int, Field(description="How many could be reserved at this moment.", examples=[87])]
    movie: NamedMovie
    place: NamedPlace


class SessionAnswer(TypedDict):
    """The session."""

    session: SessionDetails


class SessionPage(TypedDict):
    """A page of sessions."""

    sessions: list[Session]
    metadata: PageMetadata


class Rating(TypedDict):
    """The rating of a movie by a user."""

    id: RatingId
    value: Annotated[float, Field(examples=[4.5])]


class RatedMovie(TypedDict):
    """The rating as it is now."""

    rating: Rating


class OpenBooking(TypedDict):
    """A booking without seats yet."""

    id: BookingId
    session_id: SessionId
    created_at: Instant
    closes_at: ClosesAt


class OpenBookingAnswer(TypedDict):
    """The new booking."""

    booking: OpenBooking


class HeldBooking(TypedDict):
    """A booking and the seats that it holds."""

    id: BookingId
    session_id: SessionId
    reserved_seats: Seats
    created_at: Instant
    closes_at: ClosesAt


class HeldBookingAnswer(TypedDict):
    """The booking with its new total of seats."""

    booking: HeldBooking


class ConfirmedBooking(HeldBooking):
    """A booking that may have been confirmed."""

    confirmed_at: Annotated[datetime | None, Field(description="Null until then.", examples=["2026-11-20T18:30:40Z"])]


class ConfirmedBookingAnswer(TypedDict):
    """The booking, confirmed."""

    booking: ConfirmedBooking


class CancelledBooking(HeldBooking):
    """A booking that was cancelled."""

    confirmed_at: Annotated[datetime | None, Field(description="Null: it never was.", examples=[None])]
    cancelled_at: Annotated[datetime | None, Field(description="When it was.", examples=["2026-11-20T18:30:20Z"])]


class CancelledBookingAnswer(TypedDict):
    """The booking, cancelled."""

    booking: CancelledBooking


class ListedBooking(ConfirmedBooking):
    """A booking with what it is for."""

    movie: NamedMovie
    place: NamedPlace


class BookingPage(TypedDict):
    """A page of bookings."""

    bookings: list[ListedBooking]
    metadata: PageMetadata


class BookingDetails(ListedBooking):
    """A booking as it is now."""

    status: Annotated[BookingStatus, Field(examples=["confirmed"])]
    cancelled_at: Annotated[datetime | None, Field(description="When it was cancelled, if it was.", examples=[None])]


class BookingAnswer(TypedDict):
    """The booking."""

    booking: BookingDetails
