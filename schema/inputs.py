"""Arguments: sorts, filters and the inputs of mutations."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, cast

import strawberry

from db import lists
from resolvers.changes import EMPTY

UNSET: Any = strawberry.UNSET

AT_PLACE = Annotated[strawberry.ID | None, strawberry.argument(description="Only those at this place.")]
OF_MOVIE = Annotated[strawberry.ID | None, strawberry.argument(description="Only those of this movie.")]
FROM_START = Annotated[
    datetime | None, strawberry.argument(name="from", description="Only those that start then or later.")
]
DAYS_FROM = Annotated[
    datetime | None,
    strawberry.argument(name="from", description="Only sessions that start then or later; by default from now on."),
]
FIRST_DAYS = Annotated[int, strawberry.argument(description="So many days at most: 1 to 100.")]
TO_START = Annotated[datetime | None, strawberry.argument(description="Only those that start then or earlier.")]


def optional_field(description: str, *, name: str | None = None) -> Any:
    """Return an input field that may be left out."""
    return strawberry.field(description=description, name=name, default=strawberry.UNSET)


def clearable_field(description: str, *, empty: object) -> Any:
    """Return a field of an update that null sets to its empty value."""
    return strawberry.field(description=description, default=strawberry.UNSET, metadata={EMPTY: empty})


def required_field(description: str) -> Any:
    """Return a required input field."""
    return strawberry.field(description=description)


@strawberry.enum(description="The orders of movies.")
class MovieSort(Enum):
    """The values are those of db/lists/."""

    RATING = strawberry.enum_value("rating", description="Best rated first; unrated movies last.")
    NEW = strawberry.enum_value("new", description="Latest airingDates.from first; movies without sessions last.")
    LEAVING_SOON = strawberry.enum_value(
        "leaving_soon", description="Earliest airingDates.to first; movies without sessions last."
    )


def read_order(sort: MovieSort) -> lists.MovieSort:
    """Return the name of an order in db/lists/."""
    return cast("lists.MovieSort", sort.value)


SortBy = Annotated[MovieSort, strawberry.argument(description="In which order.")]


@strawberry.input(description="Which movies; what is left out does not matter.")
class MovieFilter:
    """A row matches where it meets every condition."""

    search: str | None = optional_field(
        "Words of the title, in any case and with or without accents; a typing error is forgiven."
    )
    airing_from: datetime | None = optional_field(
        "Movies with a session at this instant or later, and at this place if one is given."
    )
    place_id: strawberry.ID | None = optional_field("Movies with a session at this place.")
    genre: str | None = optional_field("Movies of this genre, spelled as they spell it.")
    genres: list[str] | None = optional_field("Movies of one of these genres; at most 20.")


@strawberry.input(description="Which places.")
class PlaceFilter:
    """A row matches where it meets every condition."""

    search: str | None = optional_field("Words of the name, as for movies.")


@strawberry.input(description="A movie for a provider.")
class PublishMovieInput:
    provider: str = required_field("The provider's name, as in `providers`.")
    title: str = required_field("1 to 200 characters.")
    body: str = required_field("What there is to say about it, 1 to 5000 characters.")
    price: Decimal = required_field("0 or more, at most 9 digits before the point and 6 behind it.")


@strawberry.input(description="Which page views; what is left out does not matter.")
class PageViewFilter:
    """A row matches where it meets every condition."""

    tracking_id: str | None = optional_field("Of this client.")
    user_id: strawberry.ID | None = optional_field("Of this user.")
    path: str | None = optional_field("Of this path, exactly.")
    from_: datetime | None = optional_field("Then or later.", name="from")
    to: datetime | None = optional_field("Then or earlier.")


@strawberry.input(one_of=True, description="Exactly one of the two.")
class IdentityInput:
    """The name of an account: an e-mail address or a username."""

    email: str | None = optional_field("An e-mail address.")
    username: str | None = optional_field("1 to 150 letters, digits and @ . + - _")


@strawberry.input(description="A new account.")
class SignUpInput:
    identity: IdentityInput = required_field("What the account is known by.")
    password: str = required_field("8 to 128 characters.")


@strawberry.input(description="An account and its password.")
class SignInInput:
    identity: IdentityInput = required_field("What the account is known by.")
    password: str = required_field("Its password.")


@strawberry.input(description="A rating of a movie.")
class RateMovieInput:
    movie_id: strawberry.ID = required_field("The movie.")
    value: float = required_field("0 to 5; halves and the like are fine.")


@strawberry.input(description="The session to book.")
class OpenBookingInput:
    session_id: strawberry.ID = required_field("The session.")


@strawberry.input(description="The seats of a booking.")
class ReserveSeatsInput:
    booking_id: strawberry.ID = required_field("The booking.")
    seats: int = required_field("The booking's new total, not an addition; 0 frees them all.")


@strawberry.input(description="The booking to confirm.")
class ConfirmBookingInput:
    booking_id: strawberry.ID = required_field("The booking.")
    seats: int | None = optional_field("How many seats it must hold: SEATS_CHANGED where it holds another number.")


@strawberry.input(description="Which bookings.")
class BookingFilter:
    """A row matches where it meets every condition."""

    with_seats: bool = strawberry.field(
        default=False, description="Only those that hold seats, or did before they were cancelled or expired."
    )


@strawberry.input(description="The booking to cancel.")
class CancelBookingInput:
    booking_id: strawberry.ID = required_field("The booking.")


@strawberry.input(description="A new movie.")
class CreateMovieInput:
    title: str = required_field("Up to 200 characters.")
    description: str = required_field("Up to 5000 characters.")
    poster: str = required_field("An http or https address, or a path of this server.")
    duration: int = required_field("Minutes, 1 to 1440.")
    genres: list[str] = strawberry.field(default_factory=list, description="Up to 10.")


@strawberry.input(
    description="The changes of a movie. What is left out stays; null is refused, but for `genres`, which it clears."
)
class UpdateMovieInput:
    id: strawberry.ID = required_field("The movie.")
    title: str | None = optional_field("Up to 200 characters.")
    description: str | None = optional_field("Up to 5000 characters.")
    poster: str | None = optional_field("An http or https address, or a path of this server.")
    duration: int | None = optional_field("Minutes, 1 to 1440.")
    genres: list[str] | None = clearable_field("Up to 10; null removes them all.", empty=())


@strawberry.input(description="A new place.")
class CreatePlaceInput:
    name: str = required_field("Up to 200 characters.")
    address: str = required_field("Up to 500 characters.")
    capacity: int = required_field("Seats of its room.")


@strawberry.input(
    description="The changes of a place. What is left out stays; null is refused. A new capacity holds for sessions scheduled from then on."
)
class UpdatePlaceInput:
    id: strawberry.ID = required_field("The place.")
    name: str | None = optional_field("Up to 200 characters.")
    address: str | None = optional_field("Up to 500 characters.")
    capacity: int | None = optional_field("Seats of its room.")


@strawberry.input(
    description=(
        "Each place has one room: a session that overlaps another there (start to start plus duration) is"
        " SESSION_OVERLAPS; a start in the past is INVALID_DATE."
    )
)
class ScheduleSessionInput:
    movie_id: strawberry.ID = required_field("What is shown.")
    place_id: strawberry.ID = required_field("Where.")
    starts_at: datetime = required_field("When; not in the past.")


@strawberry.input(description="A session's new start; its bookings go with it.")
class RescheduleSessionInput:
    id: strawberry.ID = required_field("The session.")
    starts_at: datetime = required_field("When; not in the past.")


@strawberry.input(
    description=(
        "STILL_IN_USE while an open or confirmed booking hangs on it; otherwise what hangs on it goes too."
        " An event's live reservations are cancelled."
    )
)
class DeleteInput:
    id: strawberry.ID = required_field("What to delete.")
