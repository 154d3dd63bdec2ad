"""Ratings: the viewer rates a movie."""

from db import ids
from db.models import Movie, Rating
from domain import rating
from errors import check_all
from resolvers.context import Context


async def rate_movie(context: Context, movie_id: str, *, value: float) -> tuple[Rating, Movie | None]:
    """Return the viewer's rating of the movie, and the movie with its new mean."""
    user_id = context.user_id
    movie, value = check_all(lambda: ids.expect("mov", movie_id, "input", "movieId"), lambda: rating.check_value(value))
    rated, _ = await rating.rate(context.services.rating_commits, user_id=user_id, movie_id=movie, value=value)
    context.renew()
    return rated, await context.loaders.movie_by_id.load(movie)
