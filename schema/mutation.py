"""What can be changed: each field by a transaction of its own."""

from typing import Annotated

import strawberry

from db import models
from domain.page_view import Seen
from resolvers import bookings, exports, movies, offers, page_views, places, ratings, sessions, users
from schema.collection_mutation import CollectingMutation
from schema.connection import Info, given
from schema.inputs import (
    CancelBookingInput,
    ConfirmBookingInput,
    CreateMovieInput,
    CreatePlaceInput,
    DeleteInput,
    IdentityInput,
    OpenBookingInput,
    PageInput,
    PublishMovieInput,
    RateMovieInput,
    RescheduleSessionInput,
    ReserveSeatsInput,
    ScheduleSessionInput,
    SignInInput,
    SignUpInput,
    UpdateMovieInput,
    UpdatePlaceInput,
    required,
)
from schema.mutation_payload import about, changed
from schema.page_view import PageEventType
from schema.payloads import (
    BookingPayload,
    DeletePayload,
    MovieExportPayload,
    MoviePayload,
    PlacePayload,
    PublishMoviePayload,
    RateMoviePayload,
    SessionPayload,
    SignInPayload,
    SignUpPayload,
    TrackPagePayload,
)
from schema.ticket_mutation import TicketingMutation


@strawberry.input(description="A page that somebody entered or left.")
class TrackPageInput:
    """See the fields."""

    tracking_id: str = required("Who it was, as far as the client tells.")
    type: PageEventType = required("Whether the page was entered or left.")
    page: PageInput = required("Which page.")


@strawberry.type(description="What can be changed. Mutations of one document run one after the other.")
class Mutation(CollectingMutation, TicketingMutation):
    """The root of mutations."""

    @strawberry.mutation(description="Makes an account, and signs it in.")
    async def sign_up(self, info: Info, input: Annotated[SignUpInput, about("The account.")]) -> SignUpPayload | None:
        """EMAIL_TAKEN, USERNAME_TAKEN, INVALID_EMAIL, INVALID_USERNAME, WEAK_PASSWORD."""
        asked = users.sign_up(info.context, **identity(input.identity), password=input.password)
        return await changed(info, SignUpPayload, asked, "user", "token")

    @strawberry.mutation(description="Signs an account in.")
    async def sign_in(self, info: Info, input: Annotated[SignInInput, about("The account.")]) -> SignInPayload | None:
        """INVALID_CREDENTIALS."""
        asked = users.sign_in(info.context, **identity(input.identity), password=input.password)
        return await changed(info, SignInPayload, asked, "user", "token")

    @strawberry.mutation(description="Rates a movie, in place of what the viewer gave it before.")
    async def rate_movie(
        self, info: Info, input: Annotated[RateMovieInput, about("The rating.")]
    ) -> RateMoviePayload | None:
        """INVALID_RATING, MOVIE_NOT_FOUND."""

        async def rated() -> tuple[models.Rating, models.Movie | None]:
            given_ = await ratings.rate_movie(info.context, input.movie_id, value=input.value)
            info.context.renew()
            return given_, await ratings.movie_of(info.context, given_)

        return await changed(info, RateMoviePayload, rated(), "rating", "movie")

    @strawberry.mutation(description="Opens a booking of a session, without seats yet, for 60 seconds.")
    async def open_booking(
        self, info: Info, input: Annotated[OpenBookingInput, about("What to book.")]
    ) -> BookingPayload | None:
        """SESSION_NOT_FOUND, SESSION_STARTED."""
        asked = bookings.open_booking(info.context, input.session_id)
        return await changed(info, BookingPayload, asked, "booking")

    @strawberry.mutation(description="Sets the seats of an open booking, all or nothing.")
    async def reserve_seats(
        self, info: Info, input: Annotated[ReserveSeatsInput, about("The seats.")]
    ) -> BookingPayload | None:
        """BOOKING_NOT_FOUND, BOOKING_EXPIRED …, INVALID_SEATS, SEATS_UNAVAILABLE."""
        asked = bookings.reserve_seats(info.context, input.booking_id, seats=input.seats)
        return await changed(info, BookingPayload, asked, "booking")

    @strawberry.mutation(description="Confirms an open booking; from then on nobody can change it.")
    async def confirm_booking(
        self, info: Info, input: Annotated[ConfirmBookingInput, about("The booking.")]
    ) -> BookingPayload | None:
        """BOOKING_NOT_FOUND, BOOKING_EXPIRED …, NO_SEATS_RESERVED, SEATS_CHANGED."""
        asked = bookings.confirm_booking(info.context, input.booking_id, seats=given(input.seats))
        return await changed(info, BookingPayload, asked, "booking")

    @strawberry.mutation(description="Cancels an open booking; its seats are free for others at once.")
    async def cancel_booking(
        self, info: Info, input: Annotated[CancelBookingInput, about("The booking.")]
    ) -> BookingPayload | None:
        """BOOKING_NOT_FOUND, BOOKING_EXPIRED …."""
        asked = bookings.cancel_booking(info.context, input.booking_id)
        return await changed(info, BookingPayload, asked, "booking")

    @strawberry.mutation(description="Adds a movie. Staff only.")
    async def create_movie(
        self, info: Info, input: Annotated[CreateMovieInput, about("The movie.")]
    ) -> MoviePayload | None:
        """INVALID_INPUT."""
        asked = movies.create_movie(
            info.context,
            title=input.title,
            description=input.description,
            poster=input.poster,
            duration=input.duration,
            genres=input.genres,
        )
        return await changed(info, MoviePayload, asked, "movie")

    @strawberry.mutation(description="Changes what is given of a movie. Staff only.")
    async def update_movie(
        self, info: Info, input: Annotated[UpdateMovieInput, about("The changes.")]
    ) -> MoviePayload | None:
        """INVALID_INPUT, MOVIE_NOT_FOUND, SESSION_OVERLAPS."""
        asked = movies.update_movie(
            info.context,
            input.id,
            title=given(input.title),
            description=given(input.description),
            poster=given(input.poster),
            duration=given(input.duration),
            genres=given(input.genres),
        )
        return await changed(info, MoviePayload, asked, "movie")

    @strawberry.mutation(description="Deletes a movie with its ratings and sessions. Staff only.")
    async def delete_movie(
        self, info: Info, input: Annotated[DeleteInput, about("The movie.")]
    ) -> DeletePayload | None:
        """MOVIE_NOT_FOUND, STILL_IN_USE."""
        return await changed(info, DeletePayload, movies.delete_movie(info.context, input.id), "deleted_id")

    @strawberry.mutation(description="Adds a place. Staff only.")
    async def create_place(
        self, info: Info, input: Annotated[CreatePlaceInput, about("The place.")]
    ) -> PlacePayload | None:
        """INVALID_INPUT."""
        asked = places.create_place(info.context, name=input.name, address=input.address, capacity=input.capacity)
        return await changed(info, PlacePayload, asked, "place")

    @strawberry.mutation(description="Changes what is given of a place. Staff only.")
    async def update_place(
        self, info: Info, input: Annotated[UpdatePlaceInput, about("The changes.")]
    ) -> PlacePayload | None:
        """INVALID_INPUT, PLACE_NOT_FOUND."""
        asked = places.update_place(
            info.context,
            input.id,
            name=given(input.name),
            address=given(input.address),
            capacity=given(input.capacity),
        )
        return await changed(info, PlacePayload, asked, "place")

    @strawberry.mutation(description="Deletes a place with its sessions. Staff only.")
    async def delete_place(
        self, info: Info, input: Annotated[DeleteInput, about("The place.")]
    ) -> DeletePayload | None:
        """PLACE_NOT_FOUND, STILL_IN_USE."""
        return await changed(info, DeletePayload, places.delete_place(info.context, input.id), "deleted_id")

    @strawberry.mutation(description="Schedules a session. Staff only.")
    async def schedule_session(
        self, info: Info, input: Annotated[ScheduleSessionInput, about("The session.")]
    ) -> SessionPayload | None:
        """MOVIE_NOT_FOUND, PLACE_NOT_FOUND, INVALID_DATE, SESSION_OVERLAPS."""
        asked = sessions.schedule_session(
            info.context, movie_id=input.movie_id, place_id=input.place_id, starts_at=input.starts_at
        )
        return await changed(info, SessionPayload, asked, "session")

    @strawberry.mutation(description="Moves a session to another start. Staff only.")
    async def reschedule_session(
        self, info: Info, input: Annotated[RescheduleSessionInput, about("The new start.")]
    ) -> SessionPayload | None:
        """SESSION_NOT_FOUND, INVALID_DATE, SESSION_OVERLAPS."""
        asked = sessions.reschedule_session(info.context, input.id, starts_at=input.starts_at)
        return await changed(info, SessionPayload, asked, "session")

    @strawberry.mutation(description="Deletes a session. Staff only.")
    async def delete_session(
        self, info: Info, input: Annotated[DeleteInput, about("The session.")]
    ) -> DeletePayload | None:
        """SESSION_NOT_FOUND, STILL_IN_USE."""
        return await changed(info, DeletePayload, sessions.delete_session(info.context, input.id), "deleted_id")

    @strawberry.mutation(description="Sends a movie to a provider's own API. Staff only.")
    async def publish_movie(
        self, info: Info, input: Annotated[PublishMovieInput, about("The movie.")]
    ) -> PublishMoviePayload | None:
        """PROVIDER_NOT_FOUND, INVALID_INPUT, UPSTREAM_UNAVAILABLE."""
        asked = offers.publish_movie(
            info.context, input.provider, title=input.title, body=input.body, price=input.price
        )
        return await changed(info, PublishMoviePayload, asked, "provider_movie_id")

    @strawberry.mutation(
        description="Queues a CSV of every movie seen at the providers in the last 24 hours. For signed-in users; each "
        "sees their own exports, staff all."
    )
    async def request_movie_export(self, info: Info) -> MovieExportPayload | None:
        """A worker writes it."""
        return await changed(info, MovieExportPayload, exports.request_export(info.context), "export")

    @strawberry.mutation(description="Tells that a page was entered or left. For anybody.")
    async def track_page(
        self, info: Info, input: Annotated[TrackPageInput, about("The page.")]
    ) -> TrackPagePayload | None:
        """INVALID_INPUT."""
        seen = Seen(
            tracking_id=input.tracking_id,
            type=models.PageEventType(str(input.type.value)),
            scheme=input.page.scheme,
            path=input.page.path,
            query=tuple((parameter.name, parameter.value) for parameter in input.page.query),
            user_id=info.context.actor.user_id if info.context.actor else None,
        )
        answer = await changed(info, TrackPagePayload, page_views.track_page(info.context, seen), "ok")
        answer.ok = bool(answer.ok)
        return answer


def identity(given_: IdentityInput) -> dict[str, str | None]:
    """Return the one of both that is given."""
    return {"email": given(given_.email), "username": given(given_.username)}
