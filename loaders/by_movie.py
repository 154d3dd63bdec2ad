"""Loads the ratings of one user by movie."""

from collections.abc import Sequence
from typing import Final

from aiodataloader import DataLoader
from sqlalchemy import BigInteger, bindparam, func
from sqlalchemy.dialects.postgresql import ARRAY

from db import paging, selects
from db.engine import StatementRunner
from db.models import Rating
from loaders.shielded import ShieldedLoader

RATINGS: Final = paging.compile_sql(
    selects.select_rating(
        bindparam("user_id", type_=BigInteger), func.any_(bindparam("movie_ids", type_=ARRAY(BigInteger)))
    )
)


def rating_by_movie(primary: StatementRunner, *, user_id: int) -> DataLoader[int, Rating | None]:
    """Return the loader of one user's ratings by movie."""

    async def load(movie_ids: Sequence[int]) -> list[Rating | None]:
        rows = await primary.rows(Rating, RATINGS, user_id=user_id, movie_ids=list(movie_ids))
        found = {row.movie_id: row for row in rows}
        return [found.get(movie_id) for movie_id in movie_ids]

    return ShieldedLoader(load)
