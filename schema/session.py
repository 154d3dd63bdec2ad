"""Sessions: a movie in a place at a time."""

from datetime import datetime

import strawberry
from strawberry import Parent

from db import models
from schema.connection import Info
from schema.movie import Movie
from schema.node import Node, identified
from schema.place import Place


@strawberry.type(description="One showing of a movie.")
class Session(Node):
    """The source is a row."""

    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        """Whether a node is one of these."""
        return isinstance(source, models.Session)

    id = identified("ses", "session")
    starts_at: datetime = strawberry.field(description="When it starts.")
    capacity: int = strawberry.field(description="Seats of the room when it was scheduled.")

    @strawberry.field(description="What is shown.")
    @staticmethod
    async def movie(root: Parent[models.Session], info: Info) -> Movie:
        """One statement for all sessions of a list."""
        return await info.context.loaders.movie_by_id.load(root.movie_id)  # type: ignore[return-value]  # the source

    @strawberry.field(description="Where it is shown.")
    @staticmethod
    async def place(root: Parent[models.Session], info: Info) -> Place:
        """One statement for all sessions of a list."""
        return await info.context.loaders.place_by_id.load(root.place_id)  # type: ignore[return-value]  # the source

    @strawberry.field(
        description="Seats that could be reserved now: neither confirmed nor held by an open booking. Never cached."
    )
    @staticmethod
    async def seats_available(root: Parent[models.Session], info: Info) -> int:
        """One statement for all sessions of a list."""
        return await info.context.loaders.seats_available_by_session.load(root.id)
