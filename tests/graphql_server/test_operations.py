"""Which operation of a document runs, and what is said of a document that has none to run."""

import pytest
from httpx import AsyncClient, Response
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from tests.support.graphql_client import GraphQL

GRAPHQL_JSON = "application/graphql-response+json"
TWO = "query A { __typename } query B { places { totalCount } }"


async def post(client: AsyncClient, query: str, *, accept: str = GRAPHQL_JSON, **more: object) -> Response:
    return await client.post("/graphql", json={"query": query, **more}, headers={"Accept": accept})


def codes(response: Response) -> list[str]:
    return [error["extensions"]["code"] for error in response.json()["errors"]]


async def test_the_named_operation_runs(client: AsyncClient) -> None:
    assert (await post(client, TWO, operationName="B")).json()["data"] == {"places": {"totalCount": 0}}


async def test_of_several_operations_one_must_be_named(client: AsyncClient) -> None:
    # The second time the document is known already.
    for asked in (post(client, TWO), post(client, TWO, operationName=None), post(client, TWO, operationName="C")):
        response = await asked
        assert (response.status_code, codes(response)) == (400, ["INVALID_INPUT"])
        assert "operationName" in response.json()["errors"][0]["message"]


async def test_the_only_operation_needs_no_name(client: AsyncClient) -> None:
    assert (await post(client, "query A { __typename }")).json()["data"] == {"__typename": "Query"}


async def test_a_document_without_operations_cannot_run(client: AsyncClient) -> None:
    response = await post(client, "fragment F on Query { __typename }")
    assert (response.status_code, codes(response)) == (400, ["INVALID_INPUT"])


async def test_a_subscription_is_no_wrong_method(client: AsyncClient) -> None:
    query, headers = "subscription { __typename }", {"Accept": GRAPHQL_JSON}
    for asked in (client.get("/graphql", params={"query": query}, headers=headers), post(client, query)):
        response = await asked
        assert (response.status_code, codes(response)) == (400, ["INVALID_INPUT"])


async def test_a_client_that_takes_neither_media_type_is_told_which_there_are(client: AsyncClient) -> None:
    response = await post(client, "{ __typename }", accept="text/plain")
    assert (response.status_code, codes(response)) == (406, ["NOT_ACCEPTABLE"])
    assert response.headers["content-type"].startswith("application/json")


async def test_the_playground_and_data_are_told_apart_by_caches(client: AsyncClient) -> None:
    page = await client.get("/graphql", headers={"Accept": "text/html"})
    data = await post(client, "{ __typename }")
    assert page.headers["vary"] == "Accept"
    assert "Accept" in data.headers["vary"]


async def test_a_browser_that_asks_a_question_gets_data(client: AsyncClient) -> None:
    accept = "text/html,application/xhtml+xml,*/*;q=0.8"
    response = await client.get("/graphql", params={"query": "{ __typename }"}, headers={"Accept": accept})
    assert response.json()["data"] == {"__typename": "Query"}


@pytest.mark.parametrize(
    "query",
    [
        "{ " + "a" * 100_000 + " }",
        '{ movies(first: "' + "x" * 100_000 + '") { totalCount } }',
        '{ movies(filter: {airingFrom: "' + "x" * 100_000 + '"}) { totalCount } }',
        "{ movies(first: " + "9" * 100_000 + ") { totalCount } }",
    ],
    ids=["name", "text", "instant", "number"],
)
async def test_a_mistake_is_not_told_at_the_length_of_the_document(graphql: GraphQL, query: str) -> None:
    answer = await graphql(query)
    assert answer.errors
    assert len(answer.response.content) < 2_000
    assert "sys." not in answer.response.text


async def test_what_fails_outside_of_any_field_is_masked_and_logged(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr("graphql_server.prepared_documents.prepare", broken)
    with capture_logs() as lines:
        response = await post(client, "{ nobody: __typename has: __typename asked: __typename }")
    assert (response.status_code, codes(response)) == (500, ["INTERNAL"])
    assert "hunter2" not in response.text
    (line,) = [line for line in lines if line["event"] == "unexpected error"]
    assert str(line["exc_info"]) == "hunter2"


async def test_what_fails_in_a_field_is_masked_and_logged_with_the_field(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr("resolvers.offers.offer_by_id", broken)
    with capture_logs([merge_contextvars]) as lines:
        response = await post(client, '{ __typename movieOffer(id: "mof_1") { id } }')
    assert response.json()["data"] == {"__typename": "Query", "movieOffer": None}
    assert codes(response) == ["INTERNAL"]
    assert "hunter2" not in response.text
    (line,) = [line for line in lines if line["event"] == "unexpected error"]
    assert (line["path"], line["exc_info"].__traceback__ is not None) == (["movieOffer"], True)
    assert line["request_id"] == response.headers["x-request-id"]
    assert line["request_id"] in response.json()["errors"][0]["message"]


async def test_a_refusal_is_no_error_in_the_log(client: AsyncClient) -> None:
    with capture_logs() as lines:
        await post(client, '{ movie(id: "x") { id } viewer { id } nothing }')
        await post(client, '{ movie(id: "x") { id } pageViews { totalCount } }')
    assert [line["event"] for line in lines] == ["request", "request"]


async def test_a_document_is_validated_against_what_is_served(client: AsyncClient) -> None:
    body = (await post(client, "{ nothing }")).json()
    assert body.keys() == {"errors"}
    assert ["Cannot query field 'nothing'" in error["message"] for error in body["errors"]] == [True]
