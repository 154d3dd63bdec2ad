"""Documents and values that mean harm, or nobody's good: refused, never an error of ours."""

import pytest
import structlog
from httpx import AsyncClient

from db.engine import Database
from tests.support.factories import bearer, make_user
from tests.support.graphql_client import GraphQL

HOSTILE = {
    "nested selections": "{ a" * 5_000 + "}" * 5_000,
    "nested lists": "{ movie(id: " + "[" * 4_000 + "]" * 4_000 + ") { id } }",
    "many fields": "{ " + "__typename " * 50_000 + "}",
    "many aliases": "{ " + " ".join(f"a{n}: __typename" for n in range(50_000)) + "}",
    "fragments in a circle": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "NUL": "{ \0 }",
    "lone surrogate in a literal": '{ movie(id: "\\ud800") { id } }',
    "NUL in a literal": '{ movies(filter: {genre: "a\\u0000"}) { totalCount } }',
    "NUL in another spelling": '{ movies(filter: {genre: "a\\u{0}"}) { totalCount } }',
    "huge number": "{ movies(first: " + "9" * 10_000 + ") { totalCount } }",
}


@pytest.mark.parametrize("query", HOSTILE.values(), ids=HOSTILE)
async def test_refuses_a_hostile_document(graphql: GraphQL, query: str) -> None:
    answer = await graphql(query)
    assert answer.response.status_code in (200, 400)
    assert answer.errors
    assert "INTERNAL" not in answer.codes


SEARCHES = ["\0", "a\0b", "%", "_", "\\", "(", "[a-", "' OR 1=1 --", "ß" * 5_000, "\u202e", "e\u0301" * 500, "🎬", ""]


@pytest.mark.parametrize("search", SEARCHES, ids=ascii)
async def test_any_search_is_answered_or_refused(graphql: GraphQL, search: str) -> None:
    query = """query ($of: String!) {
        movies(filter: {search: $of}) { totalCount nodes { id } } places(filter: {search: $of}) { totalCount }
    }"""
    answer = await graphql(query, {"of": search})
    assert set(answer.codes) <= {"INVALID_INPUT"}


TEXTS = {
    "movies": "query ($of: String!) { movies(filter: {genre: $of}) { totalCount } }",
    "page views of a client": "query ($of: String!) { pageViews(filter: {trackingId: $of}) { totalCount } }",
    "page views of a path": "query ($of: String!) { pageViews(filter: {path: $of}) { totalCount } }",
    "node": "query ($of: ID!) { node(id: $of) { id } }",
    "sign in": """mutation ($of: String!) {
        signIn(input: {identity: {email: $of}, password: $of}) { errors { code } }
    }""",
    "sign up": """mutation ($of: String!) {
        signUp(input: {identity: {username: $of}, password: $of}) { errors { code } }
    }""",
    "a movie": """mutation ($of: String!) {
        createMovie(input: {title: $of, description: $of, poster: $of, duration: 1, genres: [$of]}) { errors { code } }
    }""",
    "a place": "mutation ($of: String!) { createPlace(input: {name: $of, address: $of, capacity: 1}) { errors { code } } }",
    "a page": """mutation ($of: String!) {
        trackPage(input: {
            trackingId: $of, type: PAGE_ENTER, page: {scheme: $of, path: $of, query: [{name: $of, value: $of}]}
        }) { errors { code } }
    }""",
    "a cursor": "query ($of: String!) { movies(after: $of) { totalCount } }",
}


@pytest.mark.parametrize(
    "text", ["a\0", "\0" * 300, "\uffff", "x" * 100_000], ids=["NUL", "NULs", "noncharacter", "long"]
)
@pytest.mark.parametrize("query", TEXTS.values(), ids=TEXTS)
async def test_no_text_is_an_error_of_ours(database: Database, graphql: GraphQL, query: str, text: str) -> None:
    staff = await make_user(database, is_staff=True)
    answer = await graphql(query, {"of": text}, by=staff)
    assert answer.response.status_code in (200, 400)
    assert "INTERNAL" not in answer.codes


INSTANTS = [
    "2026-11-20T18:30:00",
    "2026-11-20",
    "18:30",
    "yesterday",
    "",
    "2026-13-01T00:00:00Z",
    "2026-11-20T18:30:60Z",
    "2026-11-20T18:30:00+99:00",
    "20261120T183000Z",
    0,
    1.5,
    True,
    [],
    {},
]


@pytest.mark.parametrize("instant", INSTANTS, ids=repr)
async def test_refuses_what_is_no_instant(graphql: GraphQL, instant: object) -> None:
    query = "query ($at: DateTime) { movies(filter: {airingFrom: $at}) { totalCount } }"
    assert (await graphql(query, {"at": instant})).codes == ["INVALID_DATE"]


async def test_refuses_what_is_no_instant_in_the_document_too(graphql: GraphQL) -> None:
    assert (await graphql('{ movies(filter: {airingFrom: "2026-11-20"}) { totalCount } }')).codes == ["INVALID_DATE"]


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z"])
async def test_instants_at_the_ends_of_time_are_answered_or_refused(graphql: GraphQL, instant: str) -> None:
    query = "query ($at: DateTime) { movies(filter: {airingFrom: $at}) { totalCount edges { cursor } } }"
    assert set((await graphql(query, {"at": instant})).codes) <= {"INVALID_DATE"}


IDS = [
    "",
    "mov",
    "mov_",
    "mov_x",
    "mov_-1",
    "mov_+1",
    "mov_01",
    "mov_1 ",
    "MOV_1",
    "mov_9223372036854775808",
    "plc_1",
    "١",
]


@pytest.mark.parametrize("public_id", [*IDS, "mov_" + "9" * 5_000, "mov_١"], ids=ascii)
async def test_refuses_what_is_no_id_of_a_movie(graphql: GraphQL, public_id: str) -> None:
    answer = await graphql("query ($id: ID!) { movie(id: $id) { id } }", {"id": public_id})
    assert answer.codes == ["INVALID_ID"]
    assert answer.errors[0]["path"] == ["movie"]


async def test_an_unexpected_error_tells_nothing_but_a_reference(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("the password of the database is hunter2")

    monkeypatch.setattr("resolvers.offers.offer_by_id", broken)
    body = {"query": '{ movieOffer(id: "mof_1") { id } }'}
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        response = await client.post("/graphql", json=body, headers={"X-Request-Id": "the-reference"})
    assert response.json() == {
        "data": {"movieOffer": None},
        "extensions": {"cost": {"requested": 2, "operationLimit": 12_000}},
        "errors": [
            {
                "message": "Something went wrong on our side. Reference: the-reference.",
                "locations": [{"line": 1, "column": 3}],
                "path": ["movieOffer"],
                "extensions": {"code": "INTERNAL"},
            }
        ],
    }
    # The rest of the story is in the log, under the same reference.
    (line,) = [line for line in lines if line["event"] == "unexpected error"]
    assert line["request_id"] == "the-reference"
    assert "hunter2" in str(line["exc_info"])


async def test_bearer_is_needed_where_a_list_is_for_staff(client: AsyncClient, database: Database) -> None:
    user = await make_user(database)
    for headers, code in (({}, "UNAUTHENTICATED"), (bearer(user), "FORBIDDEN")):
        response = await client.post("/graphql", json={"query": "{ pageViews { totalCount } }"}, headers=headers)
        assert response.json()["errors"][0]["extensions"]["code"] == code
