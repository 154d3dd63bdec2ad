"""Collections over REST: stored whole, private to their user, answered as docs/contract/collections.md states."""

import asyncio
from typing import Any
from uuid import uuid4

import orjson
import pytest
from httpx import AsyncClient, Response

from db import ids
from db.engine import Database
from db.models import User
from tests.support.answers import codes, message
from tests.support.factories import bearer, make_user

ZAZIE = {
    "title": "Zazie dans le métro",
    "description": "A girl visits her uncle.",
    "genres": "Comedy,Fantasy",
    "uuid": "57baf4f4-c9ef-4197-9e4f-acf04eae5b4d",
}
HULOT = {"title": "Playtime", "description": "", "genres": "", "uuid": "0a6a1e57-1c3d-4f0b-8f2e-9a1d1f6c2b10"}
MINE = {"title": "Mine", "description": "What I like.", "movies": [ZAZIE, HULOT]}


class Caller:
    """One user's requests."""

    def __init__(self, client: AsyncClient, user: User) -> None:
        self.client = client
        self.headers = bearer(user)

    async def __call__(self, method: str, path: str, body: object = None) -> Response:
        return await self.client.request(method, path, json=body, headers=self.headers)

    async def create(self, **given: Any) -> str:
        response = await self("POST", "/collection/", MINE | given)
        assert response.status_code == 201, response.text
        assert set(response.json()) == {"collection_uuid"}
        return f"/collection/{response.json()['collection_uuid']}/"


@pytest.fixture
async def ada(client: AsyncClient, database: Database) -> Caller:
    return Caller(client, await make_user(database))


@pytest.fixture
async def eve(client: AsyncClient, database: Database) -> Caller:
    return Caller(client, await make_user(database))


async def test_reads_back_the_created_collection(ada: Caller) -> None:
    response = await ada("POST", "/collection/", MINE)
    path = response.headers["location"]

    assert path == f"/collection/{response.json()['collection_uuid']}/"
    found = await ada("GET", path)
    assert found.status_code == 200
    assert found.json() == MINE
    assert (await ada("GET", path.upper().replace("COLLECTION", "collection"))).json() == MINE


async def test_lists_collections_with_favourite_genres(ada: Caller, eve: Caller) -> None:
    await eve.create()
    first = await ada.create(title="First")
    second = await ada.create(title="Second", movies=[ZAZIE | {"genres": " Drama ,, Fantasy"}])

    assert (await ada("GET", "/collection/")).json() == {
        "is_success": True,
        "data": {
            "collections": [
                {"title": title, "uuid": path.split("/")[2], "description": "What I like."}
                for title, path in (("Second", second), ("First", first))
            ],
            "favourite_genres": "Fantasy, Comedy, Drama",
        },
    }


async def test_new_user_has_no_collections(ada: Caller) -> None:
    response = await ada("GET", "/collection")

    assert response.json() == {"is_success": True, "data": {"collections": [], "favourite_genres": ""}}


async def test_long_list_has_next_link(ada: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rest.collections.collections.MOST_AT_ONCE", 2)
    made = [await ada.create(title=str(number)) for number in range(3)]

    first = await ada("GET", "/collection/")
    link = first.headers["link"]
    assert link.endswith('>; rel="next"')
    second = await ada("GET", link.removeprefix("<https://cinema.test").partition(">")[0])

    found = [each["uuid"] for page in (first, second) for each in page.json()["data"]["collections"]]
    assert [f"/collection/{uuid}/" for uuid in found] == made[::-1]
    assert "link" not in second.headers
    refused = await ada("GET", "/collection/?cursor=nonsense")
    assert codes(refused) == ["invalid_cursor"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, MINE),
        ({"title": "New"}, MINE | {"title": "New"}),
        ({"description": ""}, MINE | {"description": ""}),
        ({"movies": [HULOT]}, MINE | {"movies": [HULOT]}),
        ({"movies": []}, MINE | {"movies": []}),
        ({"title": "New", "description": "New.", "movies": [HULOT, ZAZIE]},) * 2,
    ],
)
async def test_put_changes_only_the_given_fields(ada: Caller, change: dict[str, Any], expected: dict[str, Any]) -> None:
    path = await ada.create()

    response = await ada("PUT", path, change)

    assert response.status_code == 200
    assert response.json() == expected
    assert (await ada("GET", path)).json() == expected


async def test_concurrent_replacements_of_movies_never_mix(ada: Caller) -> None:
    path = await ada.create()
    lists = [[{**HULOT, "title": str(number), "uuid": str(uuid4())} for _ in range(20)] for number in range(8)]

    changed = await asyncio.gather(*(ada("PUT", path, {"movies": movies}) for movies in lists))

    assert {response.status_code for response in changed} == {200}
    assert [response.json()["movies"] for response in changed] == lists
    assert (await ada("GET", path)).json()["movies"] in lists


async def test_deletes_collection_with_its_movies(ada: Caller, database: Database) -> None:
    path = await ada.create()

    response = await ada("DELETE", path)

    assert response.status_code == 204
    assert response.content == b""
    for method in ("GET", "PUT", "DELETE"):
        again = await ada(method, path, {} if method == "PUT" else None)
        assert again.status_code == 404
        assert codes(again) == ["collection_not_found"]
    assert await database.primary.value("SELECT count(*) FROM collected_movies") == 0


async def test_answers_404_for_another_users_collection(ada: Caller, eve: Caller) -> None:
    path = await ada.create()

    for method in ("GET", "PUT", "DELETE"):
        response = await eve(method, path, {"title": "Stolen", "movies": []} if method == "PUT" else None)
        assert response.status_code == 404
        assert codes(response) == ["collection_not_found"]

    assert (await ada("GET", path)).json() == MINE


@pytest.mark.parametrize(
    "uuid",
    [
        "nonsense",
        "7262193846145024",
        "col_7262193846145024",
        "b18ed78c-6adf-4568-8b9f-429e73a918e7",
        str(ids.to_uuid("col", 1)),
        str(ids.to_uuid("mov", 7262193846145024)),
        str(ids.to_uuid("col", 7262193846145024)).replace("-", ""),
        "{" + str(ids.to_uuid("col", 7262193846145024)) + "}",
        "%00",
        "9" * 300,
    ],
)
async def test_answers_404_for_malformed_uuid(ada: Caller, uuid: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        response = await ada(method, f"/collection/{uuid}/", {} if method == "PUT" else None)
        assert response.status_code == 404


async def test_stores_duplicate_movie_once(ada: Caller) -> None:
    path = await ada.create(movies=[ZAZIE, HULOT, ZAZIE | {"uuid": ZAZIE["uuid"].upper(), "title": "Again"}])

    assert (await ada("GET", path)).json()["movies"] == [ZAZIE, HULOT]


@pytest.mark.parametrize(
    "movie",
    [
        {"title": "Playtime", "uuid": HULOT["uuid"]},
        HULOT | {"genres": None},
        HULOT | {"description": None},
    ],
)
async def test_accepts_movie_without_optional_catalogue_fields(ada: Caller, movie: dict[str, Any]) -> None:
    path = await ada.create(movies=[movie])

    assert (await ada("GET", path)).json()["movies"] == [HULOT]


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"title": None}, ["invalid_input"]),
        ({"title": 7}, ["invalid_input"]),
        ({"title": ""}, ["invalid_input"]),
        ({"title": " \t"}, ["invalid_input"]),
        ({"title": "x" * 201}, ["invalid_input"]),
        ({"title": "nul\0"}, ["invalid_input"]),
        ({"description": None}, ["invalid_input"]),
        ({"description": "x" * 5001}, ["invalid_input"]),
        ({"movies": None}, ["invalid_input"]),
        ({"movies": {}}, ["invalid_input"]),
        ({"movies": "all"}, ["invalid_input"]),
        ({"movies": [None]}, ["invalid_input"]),
        ({"movies": [ZAZIE["uuid"]]}, ["invalid_input"]),
        ({"movies": [{}]}, ["missing_field", "missing_field"]),
        ({"movies": [ZAZIE | {"uuid": "nonsense"}]}, ["invalid_input"]),
        ({"movies": [ZAZIE | {"uuid": ZAZIE["uuid"].replace("-", "")}]}, ["invalid_input"]),
        ({"movies": [ZAZIE | {"uuid": 5}]}, ["invalid_input"]),
        ({"movies": [ZAZIE | {"title": ""}]}, ["invalid_input"]),
        ({"movies": [ZAZIE | {"title": "x" * 501}]}, ["invalid_input"]),
        ({"movies": [ZAZIE | {"genres": ["Comedy"]}]}, ["invalid_input"]),
        ({"movies": [ZAZIE | {"genres": "nul\0"}]}, ["invalid_input"]),
        ({"movies": [ZAZIE | {"description": "nul\0"}]}, ["invalid_input"]),
        ({"movies": [ZAZIE | {"year": 1960}]}, ["unknown_field"]),
        ({"movies": [ZAZIE] * 99 + [ZAZIE | {"title": 7}]}, ["invalid_input"]),
        ({"titel": "x"}, ["unknown_field"]),
        (
            {"title": "", "description": 5, "movies": [{}], "x": 1},
            ["invalid_input"] * 2 + ["missing_field"] * 2 + ["unknown_field"],
        ),
    ],
)
async def test_reports_faults_and_writes_nothing(
    ada: Caller, database: Database, wrong: dict[str, Any], expected: list[str]
) -> None:
    path = await ada.create()

    created, changed = await ada("POST", "/collection/", MINE | wrong), await ada("PUT", path, wrong)

    for response in (created, changed):
        assert response.status_code == 422
        assert codes(response) == expected
    assert (await ada("GET", path)).json() == MINE
    assert await database.primary.value("SELECT count(*) FROM collections") == 1


async def test_fault_names_its_path(ada: Caller) -> None:
    response = await ada("POST", "/collection/", MINE | {"movies": [ZAZIE, ZAZIE | {"uuid": "x"}]})

    assert message(response) == ("`movies.1.uuid` must be a UUID such as 57baf4f4-c9ef-4197-9e4f-acf04eae5b4d.")


@pytest.mark.parametrize(("field", "most"), [("title", 500), ("description", 10_000), ("genres", 1000)])
async def test_message_has_the_bound_of_a_text_that_is_too_long(ada: Caller, field: str, most: int) -> None:
    response = await ada("POST", "/collection/", MINE | {"movies": [ZAZIE | {field: "x" * (most + 1)}]})

    assert message(response) == f"`movies.0.{field}` must have at most {most} characters."


async def test_creates_collection_from_a_title_alone(ada: Caller) -> None:
    response = await ada("POST", "/collection/", {"title": "Empty"})

    found = await ada("GET", f"/collection/{response.json()['collection_uuid']}/")
    assert found.json() == {"title": "Empty", "description": "", "movies": []}
    assert codes(await ada("POST", "/collection/", {})) == ["missing_field"]


def many(number: int, *, wordy: bool = False) -> list[dict[str, str]]:
    more = {"description": "x" * 40, "genres": "Drama"} if wordy else {}
    return [{"title": f"M{each}", "uuid": str(uuid4())} | more for each in range(number)]


async def test_creates_collection_of_ten_thousand_movies(ada: Caller) -> None:
    movies = many(10_000)
    assert len(orjson.dumps(MINE | {"movies": movies})) < 1024 * 1024

    path = await ada.create(movies=movies)

    found = (await ada("GET", path)).json()["movies"]
    assert [movie["uuid"] for movie in found] == [movie["uuid"] for movie in movies]
    replaced = await ada("PUT", path, {"movies": movies[::-1]})
    assert [movie["uuid"] for movie in replaced.json()["movies"]] == [movie["uuid"] for movie in movies[::-1]]


async def test_refuses_collection_over_one_mebibyte(ada: Caller, database: Database) -> None:
    response = await ada("POST", "/collection/", MINE | {"movies": many(10_000, wordy=True)})

    assert response.status_code == 413
    assert codes(response) == ["payload_too_large"]
    assert await database.primary.value("SELECT count(*) FROM collections") == 0


@pytest.mark.parametrize(("body", "kind", "status"), [(b"{", "application/json", 400), (b"{}", "text/plain", 415)])
async def test_refuses_unreadable_bodies(ada: Caller, body: bytes, kind: str, status: int) -> None:
    path = await ada.create()
    headers = ada.headers | {"Content-Type": kind}

    for response in (
        await ada.client.post("/collection/", content=body, headers=headers),
        await ada.client.put(path, content=body, headers=headers),
    ):
        assert response.status_code == status
        assert codes(response)


async def test_statements_do_not_grow_with_the_movies(ada: Caller, statements: list[str]) -> None:
    counts = []
    for number in (1, 500):
        statements.clear()
        path = await ada.create(movies=many(number))
        await ada("GET", path)
        await ada("PUT", path, {"movies": many(number)})
        await ada("GET", "/collection/")
        counts.append(len(statements))

    assert counts[0] == counts[1] <= 16
