"""Ratings: what the viewer gives a movie."""

from db import ids
from db.models import Movie, Rating
from domain import rating
from errors import all_of
from resolvers.context import Context


async def rate_movie(context: Context, movie_id: str, *, value: float) -> Rating:
    """Return the viewer's rating of the movie."""
    user_id = context.user_id
    movie, value = all_of(lambda: ids.expect("mov", movie_id, "input", "movieId"), lambda: rating.check_value(value))
    async with context.database.transaction() as tx:
        given, _ = await rating.rate(tx, user_id=user_id, movie_id=movie, value=value)
    return given


async def movie_of(context: Context, row: Rating) -> Movie | None:
    """Return the movie that was rated."""
    return await context.loaders.movie_by_id.load(row.movie_id)
