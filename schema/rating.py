"""What users give movies."""

from datetime import datetime

import strawberry
from strawberry import Parent

from db import models
from schema.connection import Info
from schema.movie import Movie
from schema.node import Node, identified


@strawberry.type(description="What one user gave one movie.")
class Rating(Node):
    """The source is a row."""

    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        """Whether a node is one of these."""
        return isinstance(source, models.Rating)

    id = identified("rat", "rating")
    value: float = strawberry.field(description="0 to 5.")
    created_at: datetime = strawberry.field(description="When it was given first.")
    updated_at: datetime = strawberry.field(description="When it was given last.")

    @strawberry.field(description="What was rated.")
    @staticmethod
    async def movie(root: Parent[models.Rating], info: Info) -> Movie:
        """One statement for all ratings of a list."""
        return await info.context.loaders.movie_by_id.load(root.movie_id)  # type: ignore[return-value]  # the source
