"""Whether what an address names is there."""

import pytest

from db.engine import Database
from domain import existence
from errors import MovieNotFound, PlaceNotFound
from tests.support.factories import make_movie, make_place


async def test_accepts_existing_movie_and_place(database: Database) -> None:
    movie, place = await make_movie(database), await make_place(database)

    await existence.require_movie(database.primary, movie_id=movie.id)
    await existence.require_movie(database.primary, movie_id=movie.id, place_id=place.id)


async def test_refuses_missing_movie_before_missing_place(database: Database) -> None:
    place = await make_place(database)
    for place_id in (None, 1, place.id):
        with pytest.raises(MovieNotFound):
            await existence.require_movie(database.primary, movie_id=1, place_id=place_id)


async def test_refuses_missing_place(database: Database) -> None:
    movie = await make_movie(database)
    with pytest.raises(PlaceNotFound):
        await existence.require_movie(database.primary, movie_id=movie.id, place_id=movie.id)
