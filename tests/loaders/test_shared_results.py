"""Fields that wait for the same row do not depend on each other's fate."""

from dataclasses import replace

import pytest

from config.settings import Settings
from config.variables import PlannerMode
from db.engine import Database
from tests.support.factories import make_session
from tests.support.graphql_client import GraphQL


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Those of a server without plans: what this is about is the executor."""
    return replace(settings, planner=PlannerMode(is_on=False))


async def test_failing_field_does_not_affect_siblings(graphql: GraphQL, database: Database) -> None:
    await make_session(database)
    answer = await graphql("""{
        failing: movies { nodes { places { totalCount nodes { name } } sessions(first: 0) { totalCount } } }
        other: movies { nodes { places { totalCount nodes { name } } } }
    }""")
    assert answer.codes == ["INVALID_LIMIT"]
    body = answer.response.json()
    assert body["data"]["failing"] is None
    assert body["data"]["other"]["nodes"][0]["places"]["totalCount"] == 1
