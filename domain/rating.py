"""Ratings: one for each user and movie; a new one replaces it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from db.engine import StatementRunner
from db.models import Rating
from db.pipeline.statement import make_row_maker
from errors import InvalidRating, MovieNotFound

WORST: Final = 0.0
BEST: Final = 5.0

# Locks the movie's row first, as deleting a movie does; the trigger that updates its mean would lock it anyway.
# xmax is 0 in a row that was just inserted, and the locker of the row that an update replaced.
RATE: Final = """
    INSERT INTO ratings (user_id, movie_id, value)
    SELECT %(user_id)s, id, %(value)s FROM (
        SELECT id FROM movies WHERE id = %(movie_id)s FOR NO KEY UPDATE
    ) AS rated
    ON CONFLICT (user_id, movie_id) DO UPDATE SET value = excluded.value, updated_at = clock_timestamp()
    RETURNING *, xmax = 0 AS is_first
"""


# First in a batch: every movie that it changes, in id order, so that two batches never wait for each other in a ring.
LOCK_ALL: Final = "SELECT FROM movies WHERE id = ANY (%(movie_ids)s) ORDER BY id FOR NO KEY UPDATE"


def check_value(value: float) -> float:
    """Return the value; raise InvalidRating unless it is a number from 0 to 5."""
    if not (math.isfinite(value) and WORST <= value <= BEST):
        raise InvalidRating(path=("input", "value"), field="value")
    return value


async def rate(tx: StatementRunner, *, user_id: int, movie_id: int, value: float) -> tuple[Rating, bool]:
    """Return the user's rating of the movie, and whether it is their first; raise InvalidRating, MovieNotFound."""
    parameters = {"user_id": user_id, "movie_id": movie_id, "value": float(check_value(value))}
    found = await tx.make_rows(make_rating, RATE, parameters)
    if not found:
        raise MovieNotFound
    tx.touch("programme", movie_id)
    return found[0]


def make_rating(*, is_first: bool, **columns: Any) -> tuple[Rating, bool]:
    """Return a row of RATE."""
    return make_row_maker(Rating)(**columns), is_first


def lock_movies(changes: Sequence[Mapping[str, object]]) -> list[tuple[str, Mapping[str, object]]]:
    """Return the only statement that locks the movies which several ratings change."""
    return [(LOCK_ALL, {"movie_ids": [change["movie_id"] for change in changes]})]
