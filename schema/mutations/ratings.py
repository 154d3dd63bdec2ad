"""Mutations of ratings."""

import strawberry

from db import models
from resolvers import ratings
from resolvers.mutation_field import mutation
from schema.connection import Info
from schema.inputs import RateMovieInput
from schema.payloads import RateMoviePayload


@strawberry.type
class RatingMutations:
    @mutation(
        RateMoviePayload,
        "rating",
        "movie",
        description="Rates a movie, in place of what the viewer gave it before.",
        codes="INVALID_RATING, INVALID_ID, MOVIE_NOT_FOUND",
    )
    async def rate_movie(self, info: Info, input: RateMovieInput) -> tuple[models.Rating, models.Movie | None]:
        return await ratings.rate_movie(info.context, input.movie_id, value=input.value)
