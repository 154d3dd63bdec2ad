"""Bounds in time that are the wrong way round are refused, as at /v1."""

import pytest

from db import ids
from db.engine import Database
from tests.support.factories import make_session, make_user
from tests.support.graphql_client import GraphQL

BOUNDS = '(from: "2026-11-21T00:00:00Z", to: "2026-11-20T23:59:59Z") { totalCount }'
LISTS = {
    "sessions of a movie": f"query ($movie: ID!, $place: ID!) {{ movie(id: $movie) {{ sessions{BOUNDS} }} place(id: $place) {{ id }} }}",
    "sessions of a place": f"query ($movie: ID!, $place: ID!) {{ place(id: $place) {{ sessions{BOUNDS} }} movie(id: $movie) {{ id }} }}",
}


@pytest.mark.parametrize("document", LISTS.values(), ids=LISTS)
async def test_refuses_sessions_whose_range_ends_before_its_beginning(
    database: Database, graphql: GraphQL, document: str
) -> None:
    session = await make_session(database)
    variables = {"movie": ids.encode("mov", session.movie_id), "place": ids.encode("plc", session.place_id)}
    assert (await graphql(document, variables)).codes == ["INVALID_DATE"]


async def test_refuses_page_views_whose_range_ends_before_its_beginning(database: Database, graphql: GraphQL) -> None:
    staff = await make_user(database, is_staff=True)
    filtered = 'filter: {from: "2026-11-21T00:00:00Z", to: "2026-11-20T23:59:59Z"}'
    assert (await graphql(f"{{ pageViews({filtered}) {{ totalCount }} }}", by=staff)).codes == ["INVALID_DATE"]
