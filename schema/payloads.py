"""What mutations answer: the object as it is now, or null and the errors."""

from typing import Any

import strawberry

from schema.booking import Booking
from schema.collection import Collection
from schema.event import Event, EventReservation
from schema.export import MovieExport
from schema.movie import Movie
from schema.place import Place
from schema.rating import Rating
from schema.session import Session
from schema.show import Ticket
from schema.user import User
from schema.user_error import UserError


def errors() -> Any:
    """Return the field that every payload has."""
    return strawberry.field(description="Why it was refused; empty where it was not.")


def shown(what: str) -> Any:
    """Return a field that is null where the mutation was refused."""
    return strawberry.field(description=f"{what}; null where it was refused.")


@strawberry.type(description="The answer to signUp.")
class SignUpPayload:
    """See the fields."""

    user: User | None = shown("The new account")
    token: str | None = shown("Send it as `Authorization: Bearer …`")
    errors: list[UserError] = errors()


@strawberry.type(description="The answer to signIn.")
class SignInPayload:
    """See the fields."""

    user: User | None = shown("The account")
    token: str | None = shown("Send it as `Authorization: Bearer …`")
    errors: list[UserError] = errors()


@strawberry.type(description="The answer to rateMovie.")
class RateMoviePayload:
    """See the fields."""

    rating: Rating | None = shown("The rating")
    movie: Movie | None = shown("The movie with its new mean")
    errors: list[UserError] = errors()


@strawberry.type(description="The answer to every mutation of a booking.")
class BookingPayload:
    """See the fields."""

    booking: Booking | None = shown("The booking as it is now")
    errors: list[UserError] = errors()


@strawberry.type(description="The answer to mutations of a movie.")
class MoviePayload:
    """See the fields."""

    movie: Movie | None = shown("The movie as it is now")
    errors: list[UserError] = errors()


@strawberry.type(description="The answer to mutations of a place.")
class PlacePayload:
    """See the fields."""

    place: Place | None = shown("The place as it is now")
    errors: list[UserError] = errors()


@strawberry.type(description="The answer to mutations of a session.")
class SessionPayload:
    """See the fields."""

    session: Session | None = shown("The session as it is now")
    errors: list[UserError] = errors()


@strawberry.type(description="The answer to mutations of a collection.")
class CollectionPayload:
    """See the fields."""

    collection: Collection | None = shown("The collection as it is now")
    errors: list[UserError] = errors()


@strawberry.type(description="The answer to resetRequestCount.")
class ResetRequestCountPayload:
    """See the fields."""

    request_count: int | None = shown("The count after the reset")
    errors: list[UserError] = errors()


@strawberry.type(description="The answer to mutations of an event.")
class EventPayload:
    """See the fields."""

    event: Event | None = shown("The event as it is now")
    errors: list[UserError] = errors()


@strawberry.type(description="The answer to every mutation of a reservation.")
class EventReservationPayload:
    """See the fields."""

    reservation: EventReservation | None = shown("The reservation as it is now")
    errors: list[UserError] = errors()


@strawberry.type(description="The answer to mutations of a counter ticket.")
class TicketPayload:
    """See the fields."""

    ticket: Ticket | None = shown("The ticket as it is now")
    errors: list[UserError] = errors()


@strawberry.type(description="The answer to every deletion.")
class DeletePayload:
    """See the fields."""

    deleted_id: strawberry.ID | None = shown("What is no more")
    errors: list[UserError] = errors()


@strawberry.type(description="The answer to publishMovie.")
class PublishMoviePayload:
    """See the fields."""

    provider_movie_id: str | None = shown("The movie's id at the provider")
    errors: list[UserError] = errors()


@strawberry.type(description="The answer to requestMovieExport.")
class MovieExportPayload:
    """See the fields."""

    export: MovieExport | None = shown("The export, queued")
    errors: list[UserError] = errors()


@strawberry.type(description="The answer to trackPage.")
class TrackPagePayload:
    """See the fields."""

    ok: bool = strawberry.field(description="Whether the page view is kept for good.")
    errors: list[UserError] = errors()
