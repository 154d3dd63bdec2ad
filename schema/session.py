"""Sessions: a movie in a place at a time."""

from datetime import datetime

import strawberry
from strawberry import Parent

from db import models
from resolvers import sessions
from resolvers.field_metadata import LIVE, PUBLIC, declare
from resolvers.planned_reads import EVERYBODY, SqlValue, follow_key
from schema.connection import Info
from schema.movie import Movie
from schema.node import Node
from schema.place import Place


@strawberry.type(description="One showing of a movie.")
class Session(Node, row=models.Session, prefix="ses", visible_to=EVERYBODY):
    starts_at: datetime = strawberry.field(description="When it starts.", metadata=declare(cache=PUBLIC))
    capacity: int = strawberry.field(
        description="Seats of the room when it was scheduled.", metadata=declare(cache=PUBLIC)
    )

    @strawberry.field(
        graphql_type=Movie,
        description="What is shown.",
        metadata=declare(cache=PUBLIC, reads=follow_key(models.Movie, "movie_id")),
    )
    @staticmethod
    async def movie(root: Parent[models.Session], info: Info) -> models.Movie | None:
        return await info.context.loaders.movie_by_id.load(root.movie_id)

    @strawberry.field(
        graphql_type=Place,
        description="Where it is shown.",
        metadata=declare(cache=PUBLIC, reads=follow_key(models.Place, "place_id")),
    )
    @staticmethod
    async def place(root: Parent[models.Session], info: Info) -> models.Place | None:
        return await info.context.loaders.place_by_id.load(root.place_id)

    @strawberry.field(
        description="Seats that could be reserved now: neither confirmed nor held by an open booking. Never cached.",
        metadata=declare(cache=LIVE, reads=SqlValue(sessions.write_seats_available, newest=True)),
    )
    @staticmethod
    async def seats_available(root: Parent[models.Session], info: Info) -> int:
        """One statement for all sessions of a list."""
        return await info.context.loaders.seats_available_by_session.load(root.id)
