"""GraphQL over HTTP: methods, media types, statuses, and who is refused before anything runs."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import AsyncClient, Response

from db.engine import Database
from tests.support.factories import bearer, make_user

GRAPHQL_JSON = "application/graphql-response+json"
OK = "{ __typename }"
INVALID = {"does not parse": "{", "does not validate": "{ nothing }"}


async def post(client: AsyncClient, query: object = OK, *, accept: str = "*/*", **more: object) -> Response:
    return await client.post("/graphql", json={"query": query, **more}, headers={"Accept": accept})


def codes(response: Response) -> list[str]:
    return [error["extensions"]["code"] for error in response.json()["errors"]]


# Reading


async def test_answers_a_post(client: AsyncClient) -> None:
    response = await post(client)
    assert (response.status_code, response.json()["data"]) == (200, {"__typename": "Query"})
    assert response.headers["content-type"] == "application/json; charset=utf-8"


async def test_answers_with_a_trailing_slash_too(client: AsyncClient) -> None:
    response = await client.post("/graphql/", json={"query": OK})
    assert response.status_code == 200


async def test_answers_a_get_with_variables_and_an_operation(client: AsyncClient) -> None:
    query = "query A { __typename } query B($id: ID!) { movie(id: $id) { id } }"
    parameters = {"query": query, "variables": '{"id": "mov_1"}', "operationName": "B"}
    response = await client.get("/graphql", params=parameters)
    assert (response.status_code, response.json()["data"]) == (200, {"movie": None})


async def test_a_head_has_the_status_of_its_get(client: AsyncClient) -> None:
    assert (await client.head("/graphql", params={"query": OK})).status_code == 200


async def test_null_stands_for_members_that_are_left_out(client: AsyncClient) -> None:
    assert (await post(client, variables=None, operationName=None)).status_code == 200


@pytest.mark.parametrize("name", ["C", ""])
async def test_refuses_an_operation_that_is_not_there(client: AsyncClient, name: str) -> None:
    response = await post(client, "query A { __typename } query B { __typename }", operationName=name)
    assert codes(response) == ["INVALID_INPUT"]


async def test_empty_operation_name_counts_as_left_out(client: AsyncClient) -> None:
    for query in (OK, "query A { __typename }"):
        assert (await post(client, query, operationName="")).json()["data"] == {"__typename": "Query"}
        parameters = {"query": query, "operationName": ""}
        assert (await client.get("/graphql", params=parameters)).json()["data"] == {"__typename": "Query"}


# Methods


async def test_refuses_a_mutation_by_get(client: AsyncClient) -> None:
    mutation = 'mutation { openBooking(input: {sessionId: "ses_1"}) { errors { code } } }'
    response = await client.get("/graphql", params={"query": mutation})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert codes(response) == ["METHOD_NOT_ALLOWED"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"])
async def test_refuses_other_methods_and_names_those_it_takes(client: AsyncClient, method: str) -> None:
    response = await client.request(method, "/graphql", json={"query": OK})
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")
    assert codes(response) == ["METHOD_NOT_ALLOWED"]


# The playground


async def test_a_browser_gets_the_playground(client: AsyncClient) -> None:
    response = await client.get("/graphql", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "GraphiQL" in response.text


async def test_a_program_does_not_get_the_playground(client: AsyncClient) -> None:
    response = await client.get("/graphql", headers={"Accept": "application/json"})
    assert (response.status_code, codes(response)) == (400, ["MISSING_FIELD"])


# Media types


@pytest.mark.parametrize("media_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_takes_nothing_but_json(client: AsyncClient, media_type: str | None) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    response = await client.post("/graphql", content=b'{"query": "{ __typename }"}', headers=headers)
    assert (response.status_code, codes(response)) == (415, ["UNSUPPORTED_MEDIA_TYPE"])


async def test_takes_json_with_its_charset_in_any_case(client: AsyncClient) -> None:
    headers = {"Content-Type": "Application/JSON; charset=UTF-8"}
    response = await client.post("/graphql", content=b'{"query": "{ __typename }"}', headers=headers)
    assert response.status_code == 200


@pytest.mark.parametrize("query", INVALID.values(), ids=INVALID)
async def test_a_document_that_cannot_run_is_400_in_graphqls_own_media_type(client: AsyncClient, query: str) -> None:
    response = await post(client, query, accept=GRAPHQL_JSON)
    assert response.status_code == 400
    assert response.headers["content-type"].startswith(GRAPHQL_JSON)
    assert "data" not in response.json()
    assert codes(response) == ["INVALID_INPUT"]


@pytest.mark.parametrize("query", INVALID.values(), ids=INVALID)
async def test_a_document_that_cannot_run_is_200_in_json_as_of_old(client: AsyncClient, query: str) -> None:
    response = await post(client, query)
    assert (response.status_code, codes(response)) == (200, ["INVALID_INPUT"])
    assert "data" not in response.json()


async def test_an_error_of_one_field_is_200_in_either_media_type(client: AsyncClient) -> None:
    for accept in (GRAPHQL_JSON, "application/json"):
        response = await post(client, '{ movie(id: "nonsense") { id } }', accept=accept)
        assert response.status_code == 200
        assert response.json()["data"] == {"movie": None}
        assert response.json()["errors"][0]["path"] == ["movie"]


async def test_variables_that_do_not_fit_are_the_documents_fault(client: AsyncClient) -> None:
    query = "query ($first: Int) { movies(first: $first) { totalCount } }"
    response = await post(client, query, accept=GRAPHQL_JSON, variables={"first": "ten"})
    assert (response.status_code, codes(response)) == (400, ["INVALID_INPUT"])


# What urql 6 sends with every request.
EVERYTHING = (
    "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
)


@pytest.mark.parametrize("accept", [EVERYTHING, "text/event-stream, application/json;q=0.1", "text/event-stream, */*"])
async def test_answers_query_and_mutation_as_json_wherever_accept_allows_it(
    client: AsyncClient, database: Database, accept: str
) -> None:
    headers = {**bearer(await make_user(database)), "Accept": accept, "Idempotency-Key": "once"}
    query = await client.post("/graphql", json={"query": OK}, headers=headers)
    body = {"query": 'mutation { openBooking(input: {sessionId: "ses_1"}) { errors { code } } }'}
    mutation = await client.post("/graphql", json=body, headers=headers)
    for response in (query, mutation):
        assert response.status_code == 200
        assert "json" in response.headers["content-type"]
        assert "errors" not in response.json()
    invalid = await post(client, "{ nothing }", accept=accept)
    assert invalid.status_code == (400 if accept == EVERYTHING else 200)
    assert codes(invalid) == ["INVALID_INPUT"]


# Tokens


BAD = {"not ours": "Bearer nonsense", "another scheme": "Basic YTpi", "empty": "Bearer ", "no scheme": "x.y.z"}


@pytest.mark.parametrize("token", BAD.values(), ids=BAD)
async def test_a_bad_token_is_not_anonymous(client: AsyncClient, token: str) -> None:
    for asked in (
        client.post("/graphql", json={"query": OK}, headers={"Authorization": token}),
        client.get("/graphql", params={"query": OK}, headers={"Authorization": token}),
    ):
        response = await asked
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
        assert codes(response) == ["UNAUTHENTICATED"]


async def test_answers_are_not_kept_by_caches(client: AsyncClient, database: Database) -> None:
    user = await make_user(database)
    response = await client.post("/graphql", json={"query": "{ viewer { id } }"}, headers=bearer(user))
    assert response.headers["cache-control"] == "no-store"


# Bodies


def body(**members: Any) -> dict[str, Any]:
    return {"query": OK, **members}


MALFORMED: dict[str, bytes] = {
    "empty": b"",
    "NUL": b'{"query": "{\0}"}',
    "cut off": b'{"query": ',
    "not UTF-8": b'{"query": "\xff"}',
    "lone surrogate": b'{"query": "{ __typename }", "variables": {"a": "\\ud800"}}',
    "not a number": b'{"query": "{ __typename }", "variables": {"a": NaN}}',
    "deep": b'{"query": "{ __typename }", "variables": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}
MISFITS: dict[str, object] = {
    "a list": [body()],
    "a string": OK,
    "a number": 1,
    "no query": {"variables": {}},
    "query is null": {"query": None},
    "query is blank": {"query": " \n"},
    "query is a list": {"query": [OK]},
    "variables are a list": body(variables=[]),
    "variables are a string": body(variables="{}"),
    "extensions are a list": body(extensions=[]),
    "extensions are a string": body(extensions=""),
    "operation name is a number": body(operationName=1),
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED)
async def test_refuses_what_is_not_json(client: AsyncClient, raw: bytes) -> None:
    response = await client.post("/graphql", content=raw, headers={"Content-Type": "application/json"})
    assert (response.status_code, codes(response)) == (400, ["MALFORMED_JSON"])


@pytest.mark.parametrize("given", MISFITS.values(), ids=MISFITS)
async def test_refuses_json_that_is_no_request(client: AsyncClient, given: object) -> None:
    response = await client.post("/graphql", json=given)
    assert response.status_code == 400
    assert set(codes(response)) <= {"INVALID_INPUT", "MISSING_FIELD"}


@pytest.mark.parametrize("member", ["variables", "extensions"])
async def test_refuses_members_that_are_not_json_by_get(client: AsyncClient, member: str) -> None:
    response = await client.get("/graphql", params={"query": OK, member: "{"})
    assert (response.status_code, codes(response)) == (400, ["MALFORMED_JSON"])


async def test_refuses_more_variables_than_anybody_has(client: AsyncClient) -> None:
    for variables in ({"a": [0] * 10_000}, {str(number): 0 for number in range(5_000)}):
        response = await post(client, variables=variables)
        assert (response.status_code, codes(response)) == (400, ["INVALID_INPUT"])
    assert (await post(client, variables={"a": [0] * 9_997})).status_code == 200


@pytest.mark.parametrize("depth", [10, 900])
async def test_refuses_a_nul_however_deep_it_is(client: AsyncClient, depth: int) -> None:
    raw = b'{"query": "{ __typename }", "variables": {"a": ' + b"[" * depth + b'"\\u0000"' + b"]" * depth + b"}}"
    response = await client.post("/graphql", content=raw, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert codes(response) in (["INVALID_INPUT"], ["MALFORMED_JSON"])


@pytest.mark.parametrize("charset", ["utf-16", "UTF-7", '"latin-1"', ""])
async def test_refuses_json_in_another_charset(client: AsyncClient, charset: str) -> None:
    headers = {"Content-Type": f"application/json; charset={charset}"}
    response = await client.post("/graphql", content=b'{"query": "{ __typename }"}', headers=headers)
    assert (response.status_code, codes(response)) == (415, ["UNSUPPORTED_MEDIA_TYPE"])


async def test_refuses_an_empty_selection(client: AsyncClient) -> None:
    for query in ("{ }", "{ movies { } }"):
        response = await post(client, query, accept=GRAPHQL_JSON)
        assert (response.status_code, codes(response)) == (400, ["INVALID_INPUT"])


async def test_refuses_a_body_of_over_a_mebibyte(client: AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * 65536

    for content in (b" " * (2**20 + 1), chunks()):
        response = await client.post("/graphql", content=content, headers={"Content-Type": "application/json"})
        assert (response.status_code, codes(response)) == (413, ["PAYLOAD_TOO_LARGE"])


async def test_refuses_a_compressed_body(client: AsyncClient) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    response = await client.post("/graphql", content=b"x", headers=headers)
    assert (response.status_code, codes(response)) == (415, ["UNSUPPORTED_MEDIA_TYPE"])
