"""Trusted documents over HTTP: asked for by hash, alone allowed where that is wished, and kept by caches where that is right."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from httpx import AsyncClient, Response
from structlog.testing import capture_logs

from config.settings import Settings
from db.engine import Database
from domain import trusted_document
from domain.trusted_document import compute_digest
from tests.support.factories import bearer, make_movie, make_session, make_user
from web import storefront

MOVIES = "query Movies($first: Int) { movies(first: $first) { nodes { id title rating } } }\n"
SEATS = "query Seats($id: ID!) { session(id: $id) { id ...Free } } fragment Free on Session { seatsAvailable }"
VIEWER = "{ viewer { email } movies { nodes { title } } }"
MUTATION = 'mutation { openBooking(input: {sessionId: "ses_1"}) { errors { code } } }'
TWO = "query A { __typename } query B { viewer { id } }"
UNKNOWN = "{ places { totalCount } }"


@pytest.fixture
async def registered(database: Database) -> None:
    """All but UNKNOWN are registered."""
    async with database.transaction() as tx:
        await trusted_document.add_documents(tx, [MOVIES, SEATS, VIEWER, MUTATION, TWO])


@pytest.fixture
def mode(request: pytest.FixtureRequest) -> str:
    """What MATINEE_DOCUMENTS is; the default unless a test says otherwise."""
    return getattr(request, "param", "automatic")


@pytest.fixture
def settings(settings: Settings, mode: str) -> Settings:
    """With that mode."""
    return replace(settings, documents=mode)


def identifier(text: str) -> str:
    return f"sha256:{compute_digest(text)}"


async def get(
    client: AsyncClient, text: str, *, headers: dict[str, str] | None = None, **variables: object
) -> Response:
    parameters = {"documentId": identifier(text), "variables": json.dumps(variables)}
    return await client.get("/graphql", params=parameters, headers=headers)


async def post(client: AsyncClient, **body: object) -> Response:
    return await client.post("/graphql", json=body)


def codes(response: Response) -> list[str]:
    return [error["extensions"]["code"] for error in response.json()["errors"]]


async def counted(client: AsyncClient, outcome: str) -> float:
    """Return what /metrics says of documents."""
    line = f'matinee_graphql_documents_total{{outcome="{outcome}"}} '
    found = [each for each in (await client.get("/metrics")).text.splitlines() if each.startswith(line)]
    return float(found[0].removeprefix(line)) if found else 0.0


# By hash

WAYS: dict[str, dict[str, Any]] = {
    "GraphQL over HTTP": {"documentId": identifier(MOVIES)},
    "GraphQL over HTTP, with an empty query": {"documentId": identifier(MOVIES), "query": ""},
    "Apollo": {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": compute_digest(MOVIES)}}},
    "Apollo, with the text": {
        "query": MOVIES,
        "extensions": {"persistedQuery": {"version": 1, "sha256Hash": compute_digest(MOVIES)}},
    },
}


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("mode", ["automatic", "off", "log", "enforce"], indirect=True)
@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
async def test_a_registered_document_runs_by_its_hash(
    client: AsyncClient, database: Database, way: dict[str, object]
) -> None:
    movies = [await make_movie(database) for _ in range(2)]
    response = await post(client, variables={"first": 1}, **way)
    (found,) = response.json()["data"]["movies"]["nodes"]
    assert found["id"] in {f"mov_{movie.id}" for movie in movies}


@pytest.mark.usefixtures("registered")
async def test_apollo_asks_by_get_too(client: AsyncClient) -> None:
    extensions = json.dumps(WAYS["Apollo"]["extensions"])
    response = await client.get("/graphql", params={"extensions": extensions, "operationName": "Movies"})
    assert response.json()["data"] == {"movies": {"nodes": []}}


@pytest.mark.usefixtures("registered")
async def test_a_browser_gets_the_answer_and_not_the_playground(client: AsyncClient) -> None:
    response = await get(client, MOVIES, headers={"Accept": "text/html,*/*;q=0.8"})
    assert response.headers["content-type"].startswith("application/json")


@pytest.mark.usefixtures("registered")
async def test_a_registered_document_needs_the_name_of_its_operation(client: AsyncClient) -> None:
    assert codes(await post(client, documentId=identifier(TWO))) == ["INVALID_INPUT"]
    assert (await post(client, documentId=identifier(TWO), operationName="B")).json()["data"] == {"viewer": None}


@pytest.mark.usefixtures("registered")
async def test_a_registered_mutation_does_not_run_by_get(client: AsyncClient) -> None:
    response = await get(client, MUTATION)
    assert (response.status_code, codes(response)) == (405, ["METHOD_NOT_ALLOWED"])


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(
    "body",
    [
        {"documentId": identifier(UNKNOWN)},
        {"documentId": compute_digest(MOVIES)},
        {"documentId": identifier(MOVIES).upper()},
        {"documentId": "md5:900150983cd24fb0d6963f7d28e17f72"},
        {"documentId": ""},
        {"documentId": 7},
        {"documentId": f"{identifier(MOVIES)}\n"},
        {"documentId": identifier(MOVIES), "query": MOVIES},
        {"extensions": {"persistedQuery": "x"}},
        {"extensions": {"persistedQuery": {"sha256Hash": "x"}}},
        {"extensions": {"persistedQuery": {"version": 2, "sha256Hash": compute_digest(MOVIES)}}},
        {"extensions": {"persistedQuery": {"sha256Hash": compute_digest(MOVIES)}}, "query": UNKNOWN},
    ],
)
async def test_refuses_what_names_no_registered_document(client: AsyncClient, body: dict[str, object]) -> None:
    response = await post(client, **body)
    assert (response.status_code, codes(response)) == (400, ["INVALID_INPUT"])


async def test_a_document_that_is_added_meanwhile_runs(
    client: AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domain.trusted_document_cache.UNKNOWN_SECONDS", 0.0)
    assert (await get(client, MOVIES)).status_code == 400
    async with database.transaction() as tx:
        await trusted_document.add_documents(tx, [MOVIES])
    assert (await get(client, MOVIES)).status_code == 200


# Modes


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("mode", ["enforce"], indirect=True)
async def test_where_it_is_enforced_nothing_else_runs(client: AsyncClient) -> None:
    for text in (UNKNOWN, MOVIES.strip(), "{ __schema { queryType { name } } }", "{"):
        response = await post(client, query=text)
        assert (response.status_code, codes(response)) == (403, ["FORBIDDEN"]), text
    assert (await post(client, query=MOVIES)).status_code == 200
    assert await counted(client, "refused") == 4
    assert await counted(client, "registered") == 1


@pytest.mark.parametrize("mode", ["enforce"], indirect=True)
async def test_the_storefront_is_registered_by_being_there(client: AsyncClient) -> None:
    assert len(storefront.list_documents()) > 10
    for text in storefront.list_documents():
        assert (await post(client, query=text)).status_code != 403, text
    assert await counted(client, "refused") == 0
    films = next(text for text in storefront.list_documents() if "query Films" in text)
    variables = {"sort": "NEW", "filter": {}, "counted": True}
    response = await post(client, documentId=identifier(films), variables=variables)
    assert response.json()["data"]["movies"]["totalCount"] == 0


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("mode", ["log"], indirect=True)
async def test_where_it_is_logged_others_run_and_are_noted(client: AsyncClient, log: list[dict[str, Any]]) -> None:
    assert (await post(client, query=UNKNOWN)).status_code == 200
    assert (await post(client, query=MOVIES)).status_code == 200
    noted = [line["document"] for line in log if line["event"] == "unregistered document"]
    assert noted == [identifier(UNKNOWN)]
    assert await counted(client, "unregistered") == 1
    assert await counted(client, "registered") == 1


async def test_where_it_is_off_nobody_asks(client: AsyncClient, log: list[dict[str, Any]]) -> None:
    assert (await post(client, query=UNKNOWN)).status_code == 200
    assert not [line for line in log if line["event"] == "unregistered document"]
    assert [await counted(client, outcome) for outcome in ("registered", "unregistered", "refused")] == [0, 0, 0]


@pytest.fixture
def log() -> Iterator[list[Any]]:
    """What is logged meanwhile."""
    with capture_logs() as lines:
        yield lines


# Caches


@pytest.mark.usefixtures("registered")
async def test_the_programme_may_be_kept_and_is_sent_once(client: AsyncClient, database: Database) -> None:
    await make_movie(database)
    first = await get(client, MOVIES, first=1)
    assert first.headers["cache-control"] == "public, max-age=60"
    assert first.headers["vary"] == "Accept, Authorization, Cookie"
    tag = first.headers["etag"]
    assert tag.startswith('"')
    for listed in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = await get(client, MOVIES, first=1, headers={"If-None-Match": listed})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"] == "public, max-age=60"
    assert (await get(client, MOVIES, first=1, headers={"If-None-Match": '"other"'})).status_code == 200
    await make_movie(database)
    changed = await get(client, MOVIES, first=2, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.headers["etag"] == tag) == (200, False)


@pytest.mark.usefixtures("registered")
async def test_free_seats_are_never_kept(client: AsyncClient, database: Database) -> None:
    session = await make_session(database)
    response = await get(client, SEATS, id=f"ses_{session.id}")
    assert response.json()["data"]["session"]["seatsAvailable"] == 100
    assert_private(response)


@pytest.mark.usefixtures("registered")
async def test_what_the_viewer_sees_is_never_kept(client: AsyncClient) -> None:
    assert_private(await get(client, VIEWER))


@pytest.mark.usefixtures("registered")
async def test_nothing_is_kept_for_somebody(client: AsyncClient, database: Database) -> None:
    token = bearer(await make_user(database))
    for headers in (token, {"Cookie": "session=x"}, {"Cookie": ""}):
        assert_private(await get(client, MOVIES, headers=headers))


@pytest.mark.usefixtures("registered")
async def test_an_answer_with_errors_is_never_kept(client: AsyncClient) -> None:
    response = await get(client, MOVIES, first=0)
    assert codes(response) == ["INVALID_LIMIT"]
    assert_private(response)


@pytest.mark.usefixtures("registered")
async def test_a_document_that_is_sent_along_is_never_kept(client: AsyncClient) -> None:
    for response in (
        await client.get("/graphql", params={"query": MOVIES}),
        await client.post("/graphql", json={"documentId": identifier(MOVIES)}),
    ):
        assert response.status_code == 200
        assert "no-store" in response.headers["cache-control"]
        assert "etag" not in response.headers


def assert_private(response: Response) -> None:
    assert response.status_code == 200
    assert response.headers["cache-control"] == "private, no-store"
    assert "etag" not in response.headers
