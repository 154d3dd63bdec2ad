"""A refused root field is null with its error, and the answers of its neighbours stay."""

from httpx import AsyncClient

from db.engine import Database
from tests.support.factories import bearer, make_movie, make_user
from tests.support.graphql_client import GraphQL

STAFF_ONLY = "{ viewer { id } pageViews { totalCount } }"
RATE_AND_DELETE = """
    mutation ($id: ID!) {
        rateMovie(input: {movieId: $id, value: 4}) { rating { value } errors { code } }
        deleteMovie(input: {id: $id}) { deletedId errors { code } }
    }
"""


async def test_answers_viewer_beside_forbidden_page_views(graphql: GraphQL, database: Database) -> None:
    user = await make_user(database)
    answer = await graphql(STAFF_ONLY, by=user)
    assert answer.response.json()["data"] == {"viewer": {"id": f"usr_{user.id}"}, "pageViews": None}
    assert [(error["path"], error["extensions"]["code"]) for error in answer.errors] == [(["pageViews"], "FORBIDDEN")]


async def test_answers_first_mutation_beside_forbidden_second(graphql: GraphQL, database: Database) -> None:
    user, movie = await make_user(database), await make_movie(database)
    answer = await graphql(RATE_AND_DELETE, {"id": f"mov_{movie.id}"}, by=user)
    assert answer.response.json()["data"] == {
        "rateMovie": {"rating": {"value": 4.0}, "errors": []},
        "deleteMovie": None,
    }
    assert [(error["path"], error["extensions"]["code"]) for error in answer.errors] == [(["deleteMovie"], "FORBIDDEN")]


async def test_repeats_partial_answer_of_mutations_with_idempotency_key(
    client: AsyncClient, database: Database
) -> None:
    user, movie = await make_user(database), await make_movie(database)
    body = {"query": RATE_AND_DELETE, "variables": {"id": f"mov_{movie.id}"}}
    headers = {**bearer(user), "Idempotency-Key": "partial"}
    first, second = [await client.post("/graphql", json=body, headers=headers) for _ in range(2)]
    assert first.json()["data"]["rateMovie"]["rating"] == {"value": 4.0}
    assert (second.json(), second.headers["idempotent-replayed"]) == (first.json(), "true")


async def test_nulls_only_malformed_ids_of_nodes(graphql: GraphQL, database: Database) -> None:
    movie = await make_movie(database)
    public_id = f"mov_{movie.id}"
    answer = await graphql("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["x", public_id, "mov_01"]})
    assert answer.response.json()["data"] == {"nodes": [None, {"id": public_id}, None]}
    assert [(error["path"], error["extensions"]["code"]) for error in answer.errors] == [
        (["nodes", 0], "INVALID_ID"),
        (["nodes", 2], "INVALID_ID"),
    ]
    assert "`ids.2`" in answer.errors[1]["message"]
