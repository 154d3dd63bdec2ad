"""Mutations of movies, places and sessions, for staff."""

import strawberry

from db import models
from resolvers import movies, places, sessions
from resolvers.mutation_field import mutation
from schema.connection import Info
from schema.inputs import (
    CreateMovieInput,
    CreatePlaceInput,
    DeleteInput,
    RescheduleSessionInput,
    ScheduleSessionInput,
    UpdateMovieInput,
    UpdatePlaceInput,
)
from schema.payloads import DeletePayload, MoviePayload, PlacePayload, SessionPayload


@strawberry.type
class ProgrammeMutations:
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
