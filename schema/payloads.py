"""The payloads of mutations: the object as it is now, or null and the errors."""

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


def errors_field() -> Any:
    """Return the field that every payload has."""
    return strawberry.field(description="Why it was refused; empty where it was not.")


def result_field(what: str) -> Any:
    """Return a field that is null where the mutation was refused."""
    return strawberry.field(description=f"{what}; null where it was refused.")


@strawberry.type(description="The answer to signUp.")
class SignUpPayload:
    user: User | None = result_field("The new account")
    token: str | None = result_field("Send it as `Authorization: Bearer …`")
    errors: list[UserError] = errors_field()


@strawberry.type(description="The answer to signIn.")
class SignInPayload:
    user: User | None = result_field("The account")
    token: str | None = result_field("Send it as `Authorization: Bearer …`")
    errors: list[UserError] = errors_field()


@strawberry.type(description="The answer to signOutEverywhere.")
class SignOutEverywherePayload:
    user: User | None = result_field("The account")
    errors: list[UserError] = errors_field()


@strawberry.type(description="The answer to rateMovie.")
class RateMoviePayload:
    rating: Rating | None = result_field("The rating")
    movie: Movie | None = result_field("The movie with its new mean")
    errors: list[UserError] = errors_field()


@strawberry.type(description="The answer to every mutation of a booking.")
class BookingPayload:
    booking: Booking | None = result_field("The booking as it is now")
    errors: list[UserError] = errors_field()


@strawberry.type(description="The answer to mutations of a movie.")
class MoviePayload:
    movie: Movie | None = result_field("The movie as it is now")
    errors: list[UserError] = errors_field()


@strawberry.type(description="The answer to mutations of a place.")
class PlacePayload:
    place: Place | None = result_field("The place as it is now")
    errors: list[UserError] = errors_field()


@strawberry.type(description="The answer to mutations of a session.")
class SessionPayload:
    session: Session | None = result_field("The session as it is now")
    errors: list[UserError] = errors_field()


@strawberry.type(description="The answer to mutations of a collection.")
class CollectionPayload:
    collection: Collection | None = result_field("The collection as it is now")
    errors: list[UserError] = errors_field()


@strawberry.type(description="The answer to resetRequestCount.")
class ResetRequestCountPayload:
    request_count: int | None = result_field("The count after the reset")
    errors: list[UserError] = errors_field()


@strawberry.type(description="The answer to mutations of an event.")
class EventPayload:
    event: Event | None = result_field("The event as it is now")
    errors: list[UserError] = errors_field()


@strawberry.type(description="The answer to every mutation of a reservation.")
class EventReservationPayload:
    reservation: EventReservation | None = result_field("The reservation as it is now")
    errors: list[UserError] = errors_field()


@strawberry.type(description="The answer to mutations of a counter ticket.")
class TicketPayload:
    ticket: Ticket | None = result_field("The ticket as it is now")
    errors: list[UserError] = errors_field()


@strawberry.type(description="The answer to every deletion.")
class DeletePayload:
    deleted_id: strawberry.ID | None = result_field("What is no more")
    errors: list[UserError] = errors_field()


@strawberry.type(description="The answer to publishMovie.")
class PublishMoviePayload:
    provider_movie_id: str | None = result_field("The movie's id at the provider")
    errors: list[UserError] = errors_field()


@strawberry.type(description="The answer to requestMovieExport.")
class MovieExportPayload:
    export: MovieExport | None = result_field("The export, queued")
    errors: list[UserError] = errors_field()


@strawberry.type(description="The answer to trackPage.")
class TrackPagePayload:
    errors: list[UserError] = errors_field()

    @strawberry.field(description="Whether the page view is stored for good.")
    @staticmethod
    def ok(root: strawberry.Parent[Any]) -> bool:
        """False where it was refused."""
        return bool(root.ok)
