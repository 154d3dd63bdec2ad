"""Ratings of movies by users."""

from datetime import datetime

import strawberry
from strawberry import Parent

from db import models
from resolvers.field_metadata import declare
from resolvers.planned_reads import OWNER, follow_key
from schema.connection import Info
from schema.movie import Movie
from schema.node import Node


@strawberry.type(description="What one user gave one movie.")
class Rating(Node, row=models.Rating, prefix="rat", visible_to=OWNER):
    value: float = strawberry.field(description="0 to 5.")
    created_at: datetime = strawberry.field(description="When it was given first.")
    updated_at: datetime = strawberry.field(description="When it was given last.")

    @strawberry.field(
        graphql_type=Movie, description="What was rated.", metadata=declare(reads=follow_key(models.Movie, "movie_id"))
    )
    @staticmethod
    async def movie(root: Parent[models.Rating], info: Info) -> models.Movie | None:
        return await info.context.loaders.movie_by_id.load(root.movie_id)
