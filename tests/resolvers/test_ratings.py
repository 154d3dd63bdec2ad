"""Ratings through GraphQL: one for each user and movie, and the mean that follows."""

import pytest

from db.engine import Database
from db.models import User
from tests.support.documents import barred, done, refused
from tests.support.factories import make_movie, make_rating, make_user
from tests.support.graphql_client import GraphQL

RATINGS = """query ($id: ID!) {
    movie(id: $id) { rating ratingCount viewerRating { id value movie { id } } }
}"""


@pytest.fixture
async def user(database: Database) -> User:
    """Who rates."""
    return await make_user(database)


async def test_rates_movie(database: Database, graphql: GraphQL, user: User) -> None:
    movie = await make_movie(database)
    await make_rating(database, movie=movie, value=2.0)
    payload = await done(graphql, "rateMovie", by=user, movieId=f"mov_{movie.id}", value=4.5)
    assert payload["rating"]["id"].startswith("rat_")
    assert payload["rating"]["value"] == 4.5
    assert payload["rating"]["movie"] == {"id": f"mov_{movie.id}"}
    # The movie is read after the rating, mean and all.
    assert payload["movie"] == {
        "id": f"mov_{movie.id}",
        "rating": 3.25,
        "ratingCount": 2,
        "viewerRating": {"value": 4.5},
    }


async def test_second_rating_replaces_first(database: Database, graphql: GraphQL, user: User) -> None:
    movie = await make_movie(database)
    first = await done(graphql, "rateMovie", by=user, movieId=f"mov_{movie.id}", value=1)
    again = await done(graphql, "rateMovie", by=user, movieId=f"mov_{movie.id}", value=5)
    assert again["rating"]["id"] == first["rating"]["id"]
    assert again["rating"]["createdAt"] == first["rating"]["createdAt"]
    assert again["rating"]["updatedAt"] > first["rating"]["updatedAt"]
    assert (again["movie"]["rating"], again["movie"]["ratingCount"]) == (5.0, 1)


@pytest.mark.parametrize("value", [0, 5, 2.5])
async def test_accepts_ratings_of_0_and_5(database: Database, graphql: GraphQL, user: User, value: float) -> None:
    movie = await make_movie(database)
    payload = await done(graphql, "rateMovie", by=user, movieId=f"mov_{movie.id}", value=value)
    assert payload["movie"]["rating"] == value


@pytest.mark.parametrize("value", [-0.1, 5.1, 1e300])
async def test_refuses_rating_out_of_bounds(database: Database, graphql: GraphQL, user: User, value: float) -> None:
    movie = await make_movie(database)
    refusal = await refused(graphql, "rateMovie", by=user, movieId=f"mov_{movie.id}", value=value)
    assert refusal == [("InvalidInput", "INVALID_RATING", ["input", "value"])]


async def test_refuses_infinite_number_in_document(database: Database, graphql: GraphQL, user: User) -> None:
    movie = await make_movie(database)
    document = f'mutation {{ rateMovie(input: {{movieId: "mov_{movie.id}", value: 1e999}}) {{ errors {{ code }} }} }}'
    answer = await graphql(document, by=user)
    assert answer.response.json()["data"] == {"rateMovie": {"errors": [{"code": "INVALID_RATING"}]}}


async def test_refuses_rating_of_missing_movie(graphql: GraphQL, user: User) -> None:
    refusal = await refused(graphql, "rateMovie", by=user, movieId="mov_1", value=1)
    assert refusal == [("NotFound", "MOVIE_NOT_FOUND", ["input", "movieId"])]


async def test_refuses_all_faults_of_rating_at_once(graphql: GraphQL, user: User) -> None:
    assert await refused(graphql, "rateMovie", by=user, movieId="plc_1", value=9) == [
        ("InvalidInput", "INVALID_ID", ["input", "movieId"]),
        ("InvalidInput", "INVALID_RATING", ["input", "value"]),
    ]


async def test_refuses_rating_without_token(graphql: GraphQL) -> None:
    assert await barred(graphql, "rateMovie", movieId="mov_1", value=1) == "UNAUTHENTICATED"


async def test_refuses_rating_with_token_of_deleted_account(database: Database, graphql: GraphQL) -> None:
    movie = await make_movie(database)
    gone = User(id=1, email="gone@example.org", password_hash="")
    assert await barred(graphql, "rateMovie", by=gone, movieId=f"mov_{movie.id}", value=1) == "UNAUTHENTICATED"


async def test_each_viewer_sees_their_own_rating(database: Database, graphql: GraphQL, user: User) -> None:
    movie = await make_movie(database)
    other = await make_user(database)
    mine = await make_rating(database, movie=movie, user=user, value=1.0)
    await make_rating(database, movie=movie, user=other, value=4.0)
    variables = {"id": f"mov_{movie.id}"}
    seen = {"id": f"rat_{mine.id}", "value": 1.0, "movie": {"id": f"mov_{movie.id}"}}
    assert (await graphql(RATINGS, variables, by=user)).data["movie"]["viewerRating"] == seen
    assert (await graphql(RATINGS, variables, by=other)).data["movie"]["viewerRating"]["value"] == 4.0
    assert (await graphql(RATINGS, variables)).data["movie"] == {"rating": 2.5, "ratingCount": 2, "viewerRating": None}


async def test_unrated_movie_has_no_mean(database: Database, graphql: GraphQL, user: User) -> None:
    movie = await make_movie(database)
    found = (await graphql(RATINGS, {"id": f"mov_{movie.id}"}, by=user)).data["movie"]
    assert found == {"rating": None, "ratingCount": 0, "viewerRating": None}
