"""The mutations; each runs in a transaction of its own."""

import strawberry

from db import models
from resolvers import (
    bookings,
    collections,
    event_reservations,
    events,
    exports,
    movies,
    offers,
    page_views,
    places,
    ratings,
    request_count,
    sessions,
    tickets,
    users,
)
from resolvers.changes import drop_unset
from resolvers.mutation_field import mutation
from schema.collection_inputs import CreateCollectionInput, UpdateCollectionInput
from schema.connection import Info
from schema.event_inputs import (
    CancelEventReservationInput,
    CreateEventInput,
    ReserveTicketsInput,
    UpdateEventInput,
    UpdateEventReservationInput,
)
from schema.inputs import (
    CancelBookingInput,
    ConfirmBookingInput,
    CreateMovieInput,
    CreatePlaceInput,
    DeleteInput,
    OpenBookingInput,
    PublishMovieInput,
    RateMovieInput,
    RescheduleSessionInput,
    ReserveSeatsInput,
    ScheduleSessionInput,
    SignInInput,
    SignUpInput,
    UpdateMovieInput,
    UpdatePlaceInput,
)
from schema.page_view import TrackPageInput, read_page_view
from schema.payloads import (
    BookingPayload,
    CollectionPayload,
    DeletePayload,
    EventPayload,
    EventReservationPayload,
    MovieExportPayload,
    MoviePayload,
    PlacePayload,
    PublishMoviePayload,
    RateMoviePayload,
    ResetRequestCountPayload,
    SessionPayload,
    SignInPayload,
    SignOutEverywherePayload,
    SignUpPayload,
    TicketPayload,
    TrackPagePayload,
)
from schema.ticket_inputs import BookTicketInput, UpdateTicketTimingInput


@strawberry.type(description="What can be changed. Mutations of one document run one after the other.")
class Mutation:
    """The root of mutations."""

    @mutation(
        SignUpPayload,
        "user",
        "token",
        description="Makes an account, and signs it in.",
        codes="EMAIL_TAKEN, USERNAME_TAKEN, INVALID_EMAIL, INVALID_USERNAME, WEAK_PASSWORD",
    )
    async def sign_up(self, info: Info, input: SignUpInput) -> tuple[models.User, str]:
        return await users.sign_up(
            info.context,
            email=drop_unset(input.identity.email),
            username=drop_unset(input.identity.username),
            password=input.password,
        )

    @mutation(SignInPayload, "user", "token", description="Signs an account in.", codes="INVALID_CREDENTIALS")
    async def sign_in(self, info: Info, input: SignInInput) -> tuple[models.User, str]:
        return await users.sign_in(
            info.context,
            email=drop_unset(input.identity.email),
            username=drop_unset(input.identity.username),
            password=input.password,
        )

    @mutation(
        SignOutEverywherePayload,
        "user",
        description="Ends all tokens of the viewer, that of this request too, on all servers within a second. For signed-in callers.",
    )
    async def sign_out_everywhere(self, info: Info) -> models.User:
        return await users.sign_out_everywhere(info.context)

    @mutation(
        RateMoviePayload,
        "rating",
        "movie",
        description="Rates a movie, in place of what the viewer gave it before.",
        codes="INVALID_RATING, INVALID_ID, MOVIE_NOT_FOUND",
    )
    async def rate_movie(self, info: Info, input: RateMovieInput) -> tuple[models.Rating, models.Movie | None]:
        return await ratings.rate_movie(info.context, input.movie_id, value=input.value)

    @mutation(
        BookingPayload,
        "booking",
        description="Opens a booking of a session, without seats yet, for 60 seconds.",
        codes="INVALID_ID, SESSION_NOT_FOUND, SESSION_STARTED",
    )
    async def open_booking(self, info: Info, input: OpenBookingInput) -> models.Booking:
        return await bookings.open_booking(info.context, input.session_id)

    @mutation(
        BookingPayload,
        "booking",
        description="Sets the seats of an open booking, all or nothing.",
        codes="INVALID_ID, INVALID_SEATS, SEATS_UNAVAILABLE, BOOKING_NOT_FOUND, BOOKING_EXPIRED, BOOKING_CONFIRMED, BOOKING_CANCELLED",
    )
    async def reserve_seats(self, info: Info, input: ReserveSeatsInput) -> models.Booking:
        return await bookings.reserve_seats(info.context, input.booking_id, seats=input.seats)

    @mutation(
        BookingPayload,
        "booking",
        description="Confirms an open booking; from then on nobody can change it.",
        codes="INVALID_ID, NO_SEATS_RESERVED, SEATS_CHANGED, BOOKING_NOT_FOUND, BOOKING_EXPIRED, BOOKING_CONFIRMED, BOOKING_CANCELLED",
    )
    async def confirm_booking(self, info: Info, input: ConfirmBookingInput) -> models.Booking:
        return await bookings.confirm_booking(info.context, input.booking_id, seats=drop_unset(input.seats))

    @mutation(
        BookingPayload,
        "booking",
        description="Cancels an open booking; its seats are free for others at once.",
        codes="INVALID_ID, BOOKING_NOT_FOUND, BOOKING_EXPIRED, BOOKING_CONFIRMED, BOOKING_CANCELLED",
    )
    async def cancel_booking(self, info: Info, input: CancelBookingInput) -> models.Booking:
        return await bookings.cancel_booking(info.context, input.booking_id)

    @mutation(MoviePayload, "movie", description="Adds a movie. Staff only.", codes="INVALID_INPUT")
    async def create_movie(self, info: Info, input: CreateMovieInput) -> models.Movie:
        return await movies.create_movie(
            info.context,
            title=input.title,
            description=input.description,
            poster=input.poster,
            duration=input.duration,
            genres=input.genres,
        )

    @mutation(
        MoviePayload,
        "movie",
        description="Changes a movie. Staff only.",
        codes="INVALID_INPUT, INVALID_ID, MOVIE_NOT_FOUND, SESSION_OVERLAPS",
    )
    async def update_movie(self, info: Info, input: UpdateMovieInput) -> models.Movie:
        return await movies.update_movie(info.context, input)

    @mutation(
        DeletePayload,
        "deleted_id",
        description="Deletes a movie with its ratings and sessions. Staff only.",
        codes="INVALID_ID, MOVIE_NOT_FOUND, STILL_IN_USE",
    )
    async def delete_movie(self, info: Info, input: DeleteInput) -> str:
        return await movies.delete_movie(info.context, input.id)

    @mutation(PlacePayload, "place", description="Adds a place. Staff only.", codes="INVALID_INPUT")
    async def create_place(self, info: Info, input: CreatePlaceInput) -> models.Place:
        return await places.create_place(info.context, name=input.name, address=input.address, capacity=input.capacity)

    @mutation(
        PlacePayload,
        "place",
        description="Changes a place. Staff only.",
        codes="INVALID_INPUT, INVALID_ID, PLACE_NOT_FOUND",
    )
    async def update_place(self, info: Info, input: UpdatePlaceInput) -> models.Place:
        return await places.update_place(info.context, input)

    @mutation(
        DeletePayload,
        "deleted_id",
        description="Deletes a place with its sessions. Staff only.",
        codes="INVALID_ID, PLACE_NOT_FOUND, STILL_IN_USE",
    )
    async def delete_place(self, info: Info, input: DeleteInput) -> str:
        return await places.delete_place(info.context, input.id)

    @mutation(
        SessionPayload,
        "session",
        description="Schedules a session. Staff only.",
        codes="INVALID_ID, INVALID_DATE, MOVIE_NOT_FOUND, PLACE_NOT_FOUND, SESSION_OVERLAPS",
    )
    async def schedule_session(self, info: Info, input: ScheduleSessionInput) -> models.Session:
        return await sessions.schedule_session(
            info.context, movie_id=input.movie_id, place_id=input.place_id, starts_at=input.starts_at
        )

    @mutation(
        SessionPayload,
        "session",
        description="Moves a session to another start. Staff only.",
        codes="INVALID_ID, INVALID_DATE, SESSION_NOT_FOUND, SESSION_OVERLAPS",
    )
    async def reschedule_session(self, info: Info, input: RescheduleSessionInput) -> models.Session:
        return await sessions.reschedule_session(info.context, input.id, starts_at=input.starts_at)

    @mutation(
        DeletePayload,
        "deleted_id",
        description="Deletes a session. Staff only.",
        codes="INVALID_ID, SESSION_NOT_FOUND, STILL_IN_USE",
    )
    async def delete_session(self, info: Info, input: DeleteInput) -> str:
        return await sessions.delete_session(info.context, input.id)

    @mutation(EventPayload, "event", description="Adds an event. Staff only.", codes="INVALID_INPUT, INVALID_DATE")
    async def create_event(self, info: Info, input: CreateEventInput) -> models.Event:
        return await events.create_event(
            info.context,
            name=input.name,
            description=input.description,
            date=input.date,
            availability=input.availability,
        )

    @mutation(
        EventPayload,
        "event",
        description="Changes an event. Staff only.",
        codes="INVALID_INPUT, INVALID_ID, INVALID_DATE, EVENT_NOT_FOUND",
    )
    async def update_event(self, info: Info, input: UpdateEventInput) -> models.Event:
        return await events.update_event(info.context, input)

    @mutation(
        DeletePayload,
        "deleted_id",
        description="Deletes an event and cancels its reservations. Staff only.",
        codes="INVALID_ID, EVENT_NOT_FOUND",
    )
    async def delete_event(self, info: Info, input: DeleteInput) -> str:
        return await events.delete_event(info.context, input.id)

    @mutation(
        EventReservationPayload,
        "reservation",
        description="Reserves tickets of an event, all or nothing.",
        codes="INVALID_INPUT, INVALID_ID, EVENT_NOT_FOUND, EVENT_OVER, SEATS_UNAVAILABLE",
    )
    async def reserve_tickets(self, info: Info, input: ReserveTicketsInput) -> models.EventReservation:
        return await event_reservations.reserve_tickets(info.context, input.event_id, tickets=input.tickets)

    @mutation(
        EventReservationPayload,
        "reservation",
        description="Sets the tickets of a reservation, all or nothing.",
        codes="INVALID_INPUT, INVALID_ID, RESERVATION_NOT_FOUND, RESERVATION_CANCELLED, EVENT_OVER, SEATS_UNAVAILABLE",
    )
    async def update_event_reservation(self, info: Info, input: UpdateEventReservationInput) -> models.EventReservation:
        return await event_reservations.update_reservation(info.context, input.id, tickets=input.tickets)

    @mutation(
        EventReservationPayload,
        "reservation",
        description="Cancels a reservation; its tickets are free for others at once. Once more changes nothing.",
        codes="INVALID_ID, RESERVATION_NOT_FOUND",
    )
    async def cancel_event_reservation(self, info: Info, input: CancelEventReservationInput) -> models.EventReservation:
        return await event_reservations.cancel_reservation(info.context, input.id)

    @mutation(
        TicketPayload,
        "ticket",
        description="Sells tickets at the counter. Staff only.",
        codes="INVALID_INPUT, INVALID_DATE, SEATS_UNAVAILABLE",
    )
    async def book_ticket(self, info: Info, input: BookTicketInput) -> models.Ticket:
        return await tickets.book_ticket(
            info.context,
            user_name=input.user_name,
            phone_number=input.phone_number,
            ticket_count=input.ticket_count,
            show_timing=input.show_timing,
        )

    @mutation(
        TicketPayload,
        "ticket",
        description="Moves a ticket to another show; where that is full it stays where it was. Staff only.",
        codes="INVALID_ID, INVALID_DATE, TICKET_NOT_FOUND, SEATS_UNAVAILABLE",
    )
    async def update_ticket_timing(self, info: Info, input: UpdateTicketTimingInput) -> models.Ticket:
        return await tickets.update_timing(info.context, input.id, show_timing=input.show_timing)

    @mutation(
        DeletePayload,
        "deleted_id",
        description="Deletes a ticket; its show has room for others. Staff only.",
        codes="INVALID_ID, TICKET_NOT_FOUND",
    )
    async def delete_ticket(self, info: Info, input: DeleteInput) -> str:
        return await tickets.delete_ticket(info.context, input.id)

    @mutation(CollectionPayload, "collection", description="Makes a collection of the viewer's.", codes="INVALID_INPUT")
    async def create_collection(self, info: Info, input: CreateCollectionInput) -> models.Collection:
        return await collections.create_collection(
            info.context, title=input.title, description=input.description, movies=input.movies
        )

    @mutation(
        CollectionPayload,
        "collection",
        description="Changes one of the viewer's collections.",
        codes="INVALID_INPUT, INVALID_ID, COLLECTION_NOT_FOUND",
    )
    async def update_collection(self, info: Info, input: UpdateCollectionInput) -> models.Collection:
        return await collections.update_collection(info.context, input)

    @mutation(
        DeletePayload,
        "deleted_id",
        description="Deletes one of the viewer's collections.",
        codes="INVALID_ID, COLLECTION_NOT_FOUND",
    )
    async def delete_collection(self, info: Info, input: DeleteInput) -> str:
        return await collections.delete_collection(info.context, input.id)

    @mutation(
        PublishMoviePayload,
        "provider_movie_id",
        description="Sends a movie to a provider's own API. Staff only.",
        codes="PROVIDER_NOT_FOUND, INVALID_INPUT, UPSTREAM_UNAVAILABLE",
    )
    async def publish_movie(self, info: Info, input: PublishMovieInput) -> str:
        return await offers.publish_movie(
            info.context, input.provider, title=input.title, body=input.body, price=input.price
        )

    @mutation(
        MovieExportPayload,
        "export",
        description="Queues a CSV of every movie seen at the providers in the last 24 hours. For signed-in users; each sees their own exports, staff all.",
    )
    async def request_movie_export(self, info: Info) -> models.MovieExport:
        return await exports.request_export(info.context)

    @mutation(
        TrackPagePayload,
        "ok",
        description="Records that a page was entered or left. For anybody.",
        codes="INVALID_INPUT",
    )
    async def track_page(self, info: Info, input: TrackPageInput) -> bool:
        return await page_views.track_page(info.context, read_page_view(info.context, input))

    @mutation(
        ResetRequestCountPayload,
        "request_count",
        description="Begins to count requests anew, on all servers. For signed-in callers.",
    )
    async def reset_request_count(self, info: Info) -> int:
        return await request_count.reset_count(info.context)
