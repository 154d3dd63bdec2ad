"""Of a document that mixes them, a statement answers what it can and the executor the other fields of the root."""

import pytest

from graphql_server.planner import run
from tests.graphql_server.planner.both import Both
from tests.graphql_server.planner.house import House
from tests.support.graphql_client import GraphQL
from tests.support.statements import Statements

DOCUMENTS = {
    "beside each other": "{ movies(first: 2) { nodes { title } } providers { name } places { totalCount } }",
    "by aliases, in their order": "{ b: providers { name } a: movies(first: 1) { nodes { id } } __typename c: providers { name } }",
    "in fragments": "{ ...A ...B } fragment A on Query { providers { name } } fragment B on Query { viewer { username } }",
    "merged": "{ offers { totalCount } movies { totalCount } offers { nodes { title } } ... on Query { movies { nodes { id } } } }",
    "with a fault": '{ movieOffer(id: "nonsense") { title } movies(first: 1) { nodes { title } } }',
    "with a fault in what is planned": '{ providers { name } movie(id: "nonsense") { title } }',
    "under conditions": "query ($yes: Boolean = true) { providers @skip(if: $yes) { name } movies @include(if: $yes) { totalCount } }",
    "cursors": "{ providers { name } movies(first: 1) { edges { cursor } } }",
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
async def test_answers_what_the_executor_answers(ask: Both, house: House, document: str) -> None:
    answer = await ask.ask(document, by=house.viewer)
    assert list(answer["data"])


async def test_reads_what_is_planned_by_one_statement(
    graphql: GraphQL, house: House, statements: Statements, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements.clear()
    document = "{ requestCount movies(first: 2) { nodes { title places { nodes { name } } } } places { totalCount } }"
    answer = await graphql(document, by=house.viewer)
    assert list(answer.data) == ["requestCount", "movies", "places"]
    assert len(statements) == 1
    # Counted once, and paid for once.
    metrics = (await graphql.client.get("/metrics")).text
    assert 'matinee_graphql_field_requests_total{deprecated="false",field="requestCount",type="Query"} 1.0' in metrics
    cost = answer.response.json()["extensions"]

    async def nothing(*_: object) -> None:
        return None

    monkeypatch.setattr(run, "run_bound", nothing)
    executed = await graphql(document, by=house.viewer)
    # The metrics are a request too.
    assert executed.data == answer.data | {"requestCount": answer.data["requestCount"] + 2}
    assert executed.response.json()["extensions"] == cost
