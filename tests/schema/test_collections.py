"""Collections, the catalogue and the request count through GraphQL: the same rules as through REST."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient

from config.settings import Settings
from db import ids
from db.engine import Database
from db.models import User
from domain import collection
from tests.support.catalogue_standin import CatalogueStandIn
from tests.support.factories import bearer, make_collection, make_user
from tests.support.graphql_client import GraphQL
from upstreams.standin_catalogue import list_movies

ZAZIE = {"uuid": "57baf4f4-c9ef-4197-9e4f-acf04eae5b4d", "title": "Zazie", "description": "", "genres": ["Comedy"]}
HULOT = {"uuid": str(uuid4()), "title": "Playtime", "description": "Paris.", "genres": ["Comedy", "Drama"]}
FIELDS = "id uuid title description movies { uuid title description genres } createdAt updatedAt"
ERRORS = "errors { __typename code message path }"
CREATE = f"mutation ($input: CreateCollectionInput!) {{ made: createCollection(input: $input) {{ collection {{ {FIELDS} }} {ERRORS} }} }}"
UPDATE = f"mutation ($input: UpdateCollectionInput!) {{ made: updateCollection(input: $input) {{ collection {{ {FIELDS} }} {ERRORS} }} }}"
DELETE = f"mutation ($id: ID!) {{ gone: deleteCollection(input: {{id: $id}}) {{ deletedId {ERRORS} }} }}"
MINE = "{ viewer { collections { totalCount nodes { id title movies { title } } } favouriteGenres } }"


@pytest.fixture
def settings(settings: Settings, catalogue: CatalogueStandIn) -> Settings:
    """A server that has a catalogue to ask."""
    return catalogue.told(settings)


@pytest.fixture
async def ada(database: Database) -> User:
    return await make_user(database, username="ada")


@pytest.fixture
async def staff(database: Database) -> User:
    return await make_user(database, is_staff=True)


async def create(graphql: GraphQL, user: User, **given: Any) -> dict[str, Any]:
    answer = await graphql(CREATE, {"input": {"title": "Mine", "movies": [ZAZIE, HULOT]} | given}, by=user)
    made: dict[str, Any] = answer.data["made"]["collection"]
    assert answer.data["made"]["errors"] == []
    return made


async def test_created_collection_is_answered(graphql: GraphQL, ada: User) -> None:
    made = await create(graphql, ada)

    assert made["movies"] == [ZAZIE, HULOT]
    assert (made["title"], made["description"]) == ("Mine", "")
    snowflake = ids.decode("col", made["id"])
    assert snowflake
    assert made["uuid"] == str(ids.to_uuid("col", snowflake))
    assert (await graphql(f'{{ node(id: "{made["id"]}") {{ ... on Collection {{ {FIELDS} }} }} }}', by=ada)).data == {
        "node": made
    }


async def test_graphql_and_rest_have_same_collection(graphql: GraphQL, client: AsyncClient, ada: User) -> None:
    made = await create(graphql, ada)

    found = await client.get(f"/collection/{made['uuid']}/", headers=bearer(ada))

    assert [movie["genres"] for movie in found.json()["movies"]] == ["Comedy", "Comedy,Drama"]
    await client.put(f"/collection/{made['uuid']}/", json={"title": "From there"}, headers=bearer(ada))
    data = (await graphql(MINE, by=ada)).data["viewer"]
    assert [each["title"] for each in data["collections"]["nodes"]] == ["From there"]
    assert data["favouriteGenres"] == ["Comedy", "Drama"]


async def test_update_keeps_values_that_are_left_out(graphql: GraphQL, ada: User) -> None:
    made = await create(graphql, ada, description="Before.")

    answer = await graphql(UPDATE, {"input": {"id": made["id"], "title": "After"}}, by=ada)
    changed = answer.data["made"]["collection"]
    assert changed == made | {"title": "After", "updatedAt": changed["updatedAt"]}

    answer = await graphql(UPDATE, {"input": {"id": made["id"], "movies": [HULOT, HULOT]}}, by=ada)
    assert answer.data["made"]["collection"]["movies"] == [HULOT]


async def test_deleted_collection_is_gone(graphql: GraphQL, ada: User) -> None:
    made = await create(graphql, ada)

    assert (await graphql(DELETE, {"id": made["id"]}, by=ada)).data["gone"]["deletedId"] == made["id"]
    again = (await graphql(DELETE, {"id": made["id"]}, by=ada)).data["gone"]
    assert again["deletedId"] is None
    assert [(error["__typename"], error["code"]) for error in again["errors"]] == [("NotFound", "COLLECTION_NOT_FOUND")]
    assert (await graphql(MINE, by=ada)).data["viewer"]["collections"]["totalCount"] == 0


async def test_collection_of_other_user_is_not_found(graphql: GraphQL, ada: User, staff: User) -> None:
    made = await create(graphql, ada)
    seen = f"""{{
        node(id: "{made["id"]}") {{ id }}
        user: node(id: "{ids.encode("usr", ada.id)}") {{
            ... on User {{ favouriteGenres collections {{ totalCount nodes {{ id }} edges {{ cursor }} }} }}
        }}
    }}"""

    assert (await graphql(seen, by=staff)).data == {
        "node": None,
        "user": {"favouriteGenres": [], "collections": {"totalCount": 0, "nodes": [], "edges": []}},
    }
    assert (await graphql(seen)).data == {"node": None, "user": None}
    for document, given in (
        (UPDATE, {"input": {"id": made["id"], "title": "Stolen"}}),
        (DELETE, {"id": made["id"]}),
    ):
        (payload,) = (await graphql(document, given, by=staff)).data.values()
        assert [error["code"] for error in payload["errors"]] == ["COLLECTION_NOT_FOUND"]
    assert (await graphql(MINE, by=ada)).data["viewer"]["collections"]["nodes"][0]["title"] == "Mine"


@pytest.mark.parametrize(
    ("document", "given"),
    [
        (CREATE, {"input": {"title": "Mine"}}),
        (UPDATE, {"input": {"id": "col_7262193846145024"}}),
        (DELETE, {"id": "col_7262193846145024"}),
        ("mutation { resetRequestCount { requestCount } }", {}),
        ("{ requestCount }", {}),
        ("{ catalogue { totalCount } }", {}),
    ],
)
async def test_refuses_collections_without_token(graphql: GraphQL, document: str, given: dict[str, Any]) -> None:
    assert (await graphql(document, given)).codes == ["UNAUTHENTICATED"]


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ({"title": " "}, [["title"]]),
        ({"title": "x" * 201}, [["title"]]),
        ({"description": "x" * 5001}, [["description"]]),
        ({"movies": [ZAZIE, ZAZIE | {"title": ""}]}, [["movies", "1", "title"]]),
        ({"movies": [ZAZIE | {"genres": ["Comedy", "War,Drama"]}]}, [["movies", "0", "genres", "1"]]),
        ({"movies": [ZAZIE | {"genres": [""]}]}, [["movies", "0", "genres", "0"]]),
        (
            {"movies": [ZAZIE | {"title": "x" * 501, "description": "x" * 10_001}]},
            [["movies", "0", "title"], ["movies", "0", "description"]],
        ),
    ],
)
async def test_fault_of_collection_has_its_path(
    graphql: GraphQL, ada: User, given: dict[str, Any], paths: list[list[str]]
) -> None:
    made = await create(graphql, ada)

    for document, asked in ((CREATE, {"title": "Mine"} | given), (UPDATE, {"id": made["id"]} | given)):
        payload = (await graphql(document, {"input": asked}, by=ada)).data["made"]
        assert payload["collection"] is None
        assert [error["path"] for error in payload["errors"]] == [["input", *path] for path in paths]
        assert {(error["__typename"], error["code"]) for error in payload["errors"]} == {
            ("InvalidInput", "INVALID_INPUT")
        }
    assert (await graphql(MINE, by=ada)).data["viewer"]["collections"]["totalCount"] == 1


@pytest.mark.parametrize("uuid", ["nonsense", "{57baf4f4-c9ef-4197-9e4f-acf04eae5b4d}", 5, None, [], "9" * 300])
async def test_refuses_malformed_uuid(graphql: GraphQL, ada: User, uuid: object) -> None:
    answer = await graphql(CREATE, {"input": {"title": "Mine", "movies": [ZAZIE | {"uuid": uuid}]}}, by=ada)

    assert answer.codes == ["INVALID_INPUT"]
    assert len(answer.errors[0]["message"]) < 400


@pytest.mark.parametrize("public_id", ["col_x", "mov_7262193846145024", "0325270c-8001-8000-84ad-e3bdb8cc9f5f"])
async def test_refuses_id_of_other_kind(graphql: GraphQL, ada: User, public_id: str) -> None:
    payload = (await graphql(UPDATE, {"input": {"id": public_id}}, by=ada)).data["made"]

    assert [(error["code"], error["path"]) for error in payload["errors"]] == [("INVALID_ID", ["input", "id"])]


async def test_pages_of_collections_make_whole_list(graphql: GraphQL, ada: User) -> None:
    made = [(await create(graphql, ada, title=str(number), movies=[]))["id"] for number in range(5)]
    found: list[str] = []
    after = None
    for _ in range(3):
        document = "query ($after: String) { viewer { collections(first: 2, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } } }"
        page = (await graphql(document, {"after": after}, by=ada)).data["viewer"]["collections"]
        found += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]

    assert found == made[::-1]
    assert page["pageInfo"]["hasNextPage"] is False


CATALOGUE = """query ($first: Int, $after: String) { catalogue(first: $first, after: $after) {
    totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { uuid title description genres } } nodes { title }
} }"""


async def catalogue_page(graphql: GraphQL, user: User, **given: Any) -> dict[str, Any]:
    page: dict[str, Any] = (await graphql(CATALOGUE, given, by=user)).data["catalogue"]
    return page


@pytest.mark.parametrize("size", [100, 37, 10])
async def test_catalogue_is_connection_over_pages_of_ten(graphql: GraphQL, ada: User, size: int) -> None:
    pages = [await catalogue_page(graphql, ada, first=size)]
    while pages[-1]["pageInfo"]["hasNextPage"]:
        pages.append(await catalogue_page(graphql, ada, first=size, after=pages[-1]["pageInfo"]["endCursor"]))

    edges = [edge for page in pages for edge in page["edges"]]
    assert [edge["node"]["uuid"] for edge in edges] == [movie["uuid"] for movie in list_movies()]
    assert {len(page["edges"]) for page in pages[:-1]} == {size}
    assert {page["totalCount"] for page in pages} == {len(list_movies())}
    assert [page["pageInfo"]["hasPreviousPage"] for page in pages] == [False] + [True] * (len(pages) - 1)
    assert pages[0]["pageInfo"]["startCursor"] == edges[0]["cursor"]
    names = collection.CatalogueMovie(uuid4(), "", genres=str(list_movies()[6]["genres"])).genre_names
    assert edges[6]["node"]["genres"] == names


async def test_catalogue_can_be_read_from_any_position_to_its_end(graphql: GraphQL, ada: User) -> None:
    page = await catalogue_page(graphql, ada)
    assert len(page["nodes"]) == 20

    middle = await catalogue_page(graphql, ada, first=3, after=page["edges"][8]["cursor"])
    assert [node["title"] for node in middle["nodes"]] == [movie["title"] for movie in list_movies()[9:12]]

    last = await catalogue_page(graphql, ada, first=100, after=page["edges"][-1]["cursor"])
    while last["pageInfo"]["hasNextPage"]:
        last = await catalogue_page(graphql, ada, first=100, after=last["pageInfo"]["endCursor"])
    beyond = await catalogue_page(graphql, ada, after=last["pageInfo"]["endCursor"])
    assert beyond["edges"] == []
    assert beyond["totalCount"] == len(list_movies())
    assert beyond["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": True,
        "startCursor": None,
        "endCursor": None,
    }


@pytest.mark.parametrize(
    ("arguments", "code"),
    [("first: 0", "INVALID_LIMIT"), ("first: 101", "INVALID_LIMIT"), ('after: "x"', "INVALID_CURSOR")],
)
async def test_refuses_impossible_page_of_catalogue(graphql: GraphQL, ada: User, arguments: str, code: str) -> None:
    answer = await graphql(f"{{ catalogue({arguments}) {{ totalCount }} }}", by=ada)

    assert answer.codes == [code]


async def test_refuses_cursor_of_other_list_for_catalogue(graphql: GraphQL, ada: User, database: Database) -> None:
    await make_collection(database, user=ada)
    answer = await graphql("{ viewer { collections { edges { cursor } } } }", by=ada)
    cursor = answer.data["viewer"]["collections"]["edges"][0]["cursor"]

    assert (await graphql(CATALOGUE, {"after": cursor}, by=ada)).codes == ["INVALID_CURSOR"]


async def test_catalogue_that_does_not_answer_is_reported(
    graphql: GraphQL, ada: User, catalogue: CatalogueStandIn
) -> None:
    catalogue.behave(error_rate=1)

    answer = await graphql("{ catalogue { totalCount } viewer { username } }", by=ada)

    assert answer.codes == ["UPSTREAM_UNAVAILABLE"]


async def test_graphql_and_rest_share_request_count(graphql: GraphQL, client: AsyncClient, ada: User) -> None:
    await asyncio.gather(*(client.get("/livez") for _ in range(5)))
    assert (await graphql("{ requestCount }", by=ada)).data == {"requestCount": 6}

    answer = await graphql("mutation { resetRequestCount { requestCount errors { code } } }", by=ada)

    assert answer.data == {"resetRequestCount": {"requestCount": 0, "errors": []}}
    assert (await client.get("/request-count/", headers=bearer(ada))).json() == {"requests": 1}
    assert (await graphql("{ requestCount }", by=ada)).data == {"requestCount": 2}
