"""Tells an empty list from a missing parent, so that the latter is a 404."""

from typing import Final

from db.engine import StatementRunner
from errors import MovieNotFound, PlaceNotFound

THERE: Final = """
    SELECT
        EXISTS (SELECT FROM movies WHERE id = %(movie_id)s),
        %(place_id)s::bigint IS NULL OR EXISTS (SELECT FROM places WHERE id = %(place_id)s)
"""


async def require_movie(runner: StatementRunner, *, movie_id: int, place_id: int | None = None) -> None:
    """Raise MovieNotFound unless the movie exists, PlaceNotFound unless the place does, where one is named."""
    ((movie, place),) = await runner.tuples(THERE, movie_id=movie_id, place_id=place_id)
    if not movie:
        raise MovieNotFound
    if not place:
        raise PlaceNotFound
