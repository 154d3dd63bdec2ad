import asyncio
import math
from collections.abc import Sequence
from statistics import fmean

import pytest

from db.commit_batching import CommitBatcher
from db.engine import Database
from db.models import Movie, Rating, User
from domain import rating
from errors import InvalidRating, MovieNotFound, Unauthenticated
from tests.support.factories import make_movie, make_user


async def rate(database: Database, user: User, movie: Movie, value: float) -> tuple[Rating, bool]:
    async with database.transaction() as tx:
        return await rating.rate(tx, user_id=user.id, movie_id=movie.id, value=value)


async def mean(database: Database, movie: Movie) -> tuple[float | None, int]:
    found = await database.primary.tuples("SELECT rating, rating_count FROM movies WHERE id = %(id)s", id=movie.id)
    return found[0][0], found[0][1]


async def test_first_rating_is_new(database: Database) -> None:
    user, movie = await make_user(database), await make_movie(database)
    assert await mean(database, movie) == (None, 0)
    given, is_first = await rate(database, user, movie, 3.5)
    assert is_first
    assert (given.user_id, given.movie_id, given.value) == (user.id, movie.id, 3.5)
    assert await mean(database, movie) == (3.5, 1)


async def test_second_rating_replaces_first(database: Database) -> None:
    user, movie = await make_user(database), await make_movie(database)
    before, _ = await rate(database, user, movie, 1)
    after, is_first = await rate(database, user, movie, 4)
    assert not is_first
    assert (after.id, after.value, after.created_at) == (before.id, 4.0, before.created_at)
    assert after.updated_at > before.updated_at
    assert await database.primary.value("SELECT count(*) FROM ratings") == 1
    assert await mean(database, movie) == (4.0, 1)


async def test_rating_belongs_to_one_movie(database: Database) -> None:
    user = await make_user(database)
    first, second = await make_movie(database), await make_movie(database)
    await rate(database, user, first, 1)
    _, is_first = await rate(database, user, second, 5)
    assert is_first
    assert (await mean(database, first), await mean(database, second)) == ((1.0, 1), (5.0, 1))


@pytest.mark.parametrize("values", [(0.1, 0.2, 0.3), (1 / 3, 2 / 3, 5), (4.9999999999, 0), (0, 0, 0, 0), (2.5,) * 7])
async def test_mean_is_exact_after_change_and_change_back(database: Database, values: Sequence[float]) -> None:
    movie = await make_movie(database)
    users = [await make_user(database) for _ in values]
    for user, value in zip(users, values, strict=True):
        await rate(database, user, movie, value)
    first = await mean(database, movie)
    assert first[0] == pytest.approx(fmean(values), abs=1e-12)
    assert first[1] == len(values)
    for other in (5, 0.7, math.pi, *values[:1]):
        await rate(database, users[0], movie, other)
    assert await mean(database, movie) == first


async def test_movies_with_equal_ratings_have_equal_means(database: Database) -> None:
    users = [await make_user(database) for _ in range(3)]
    movies = [await make_movie(database) for _ in range(3)]
    for movie, values in zip(movies, [(0.1, 0.2, 0.3), (0.3, 0.1, 0.2), (0.2, 0.2, 0.2)], strict=True):
        for user, value in zip(users, values, strict=True):
            await rate(database, user, movie, value)
    assert len({(await mean(database, movie))[0] for movie in movies}) == 1


@pytest.mark.parametrize("value", [0, 5, 0.0, 5.0, -0.0, 1e-300])
async def test_accepts_rating_from_0_to_5(database: Database, value: float) -> None:
    user, movie = await make_user(database), await make_movie(database)
    assert (await rate(database, user, movie, value))[0].value == value


@pytest.mark.parametrize("value", [-1, 5.0000001, -1e-9, math.nan, math.inf, -math.inf, 10**30])
async def test_refuses_rating_below_0_above_5_or_not_finite(database: Database, value: float) -> None:
    user, movie = await make_user(database), await make_movie(database)
    with pytest.raises(InvalidRating) as refused:
        await rate(database, user, movie, value)
    assert refused.value.path == ("input", "value")
    assert await mean(database, movie) == (None, 0)


async def test_refuses_rating_of_missing_movie(database: Database) -> None:
    user, movie = await make_user(database), await make_movie(database)
    await database.primary.value("DELETE FROM movies RETURNING 1")
    with pytest.raises(MovieNotFound):
        await rate(database, user, movie, 3)


async def test_refuses_rating_of_deleted_account(database: Database) -> None:
    user, movie = await make_user(database), await make_movie(database)
    await database.primary.value("DELETE FROM users RETURNING 1")
    with pytest.raises(Unauthenticated):
        await rate(database, user, movie, 3)


async def test_concurrent_ratings_are_all_counted(database: Database) -> None:
    movie = await make_movie(database)
    users = [await make_user(database) for _ in range(4)]
    await asyncio.gather(*(rate(database, user, movie, value) for value in (1, 5, 2) for user in users))
    counted = await database.primary.tuples("SELECT avg(value), count(*)::integer FROM ratings")
    assert [await mean(database, movie)] == counted
    assert counted[0][1] == 4


async def test_ratings_that_arrive_together_share_commits(database: Database) -> None:
    servers = [CommitBatcher(database.primary.pool, lock_all=rating.lock_movies) for _ in range(2)]
    movies = [await make_movie(database) for _ in range(4)]
    users = [await make_user(database) for _ in range(10)]
    # Each server goes through the movies in another direction: without locks in one order they would wait in a ring.
    asked = [
        rating.rate(server, user_id=user.id, movie_id=movie_id, value=place % 6)
        for place, user in enumerate(users)
        for server, ids in zip(
            servers, ([1, *(each.id for each in movies)], [each.id for each in movies[::-1]]), strict=True
        )
        for movie_id in ids
    ]
    answers = await asyncio.gather(*asked, return_exceptions=True)

    assert sum(isinstance(answer, MovieNotFound) for answer in answers) == len(users)
    rated = [answer for answer in answers if isinstance(answer, tuple)]
    assert len(rated) == len(answers) - len(users)
    assert sum(is_first for _, is_first in rated) == len(users) * len(movies)
    assert await mean(database, movies[0]) == (fmean(place % 6 for place in range(10)), len(users))
    assert await database.primary.value("SELECT count(DISTINCT xmin::text) FROM ratings") <= 4
