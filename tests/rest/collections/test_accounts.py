"""POST /register/ and /login/."""

import pytest
from httpx import AsyncClient

from db.engine import Database
from identity.tokens import read_token
from tests.support.answers import codes
from tests.support.factories import KEYS, PASSWORD, bearer, make_user

ADA = {"username": "ada", "password": PASSWORD}


async def test_register_answers_only_a_token(client: AsyncClient, database: Database) -> None:
    response = await client.post("/register/", json=ADA)

    assert response.status_code == 201
    assert response.headers["cache-control"] == "no-store"
    assert set(response.json()) == {"access_token"}
    actor = read_token(response.json()["access_token"], keys=KEYS)
    assert await database.primary.value("SELECT username FROM users WHERE id = %(id)s", id=actor.user_id) == "ada"
    token = {"Authorization": f"Bearer {response.json()['access_token']}"}
    assert (await client.get("/collection/", headers=token)).status_code == 200


@pytest.mark.parametrize("username", ["ada", "ADA"])
async def test_refuses_taken_username_in_any_case(client: AsyncClient, username: str) -> None:
    await client.post("/register/", json=ADA)
    response = await client.post("/register/", json=ADA | {"username": username})

    assert response.status_code == 409
    assert codes(response) == ["username_taken"]


@pytest.mark.parametrize("username", ["Ünï_cødé", "a", "x" * 150, "a@b.c", "a.b+c-d_e", "42"])
async def test_accepts_valid_usernames(client: AsyncClient, username: str) -> None:
    assert (await client.post("/register/", json=ADA | {"username": username})).status_code == 201


@pytest.mark.parametrize("username", ["", "x" * 151, "a b", "a/b", "a\nb", "ada\n", "a\0b", None, 7, ["ada"]])
async def test_refuses_invalid_usernames(client: AsyncClient, username: object) -> None:
    response = await client.post("/register/", json=ADA | {"username": username})

    assert response.status_code == 422
    assert codes(response) == ["invalid_username"]


async def test_reports_all_faults_at_once(client: AsyncClient) -> None:
    response = await client.post("/register/", json={"username": "", "password": "short", "email": "a@b.c"})

    assert response.status_code == 422
    assert codes(response) == ["invalid_username", "weak_password", "unknown_field"]


async def test_issues_distinct_tokens(client: AsyncClient) -> None:
    answers = [await client.post(address, json=ADA) for address in ("/register/", "/login/", "/login/")]

    assert len({answer.json()["access_token"] for answer in answers}) == 3


@pytest.mark.parametrize("username", ["ada", "Ada"])
async def test_login_answers_new_token(client: AsyncClient, database: Database, username: str) -> None:
    user = await make_user(database, username="ada")

    response = await client.post("/login", json={"username": username, "password": PASSWORD})

    assert response.status_code == 200
    assert set(response.json()) == {"access_token"}
    assert read_token(response.json()["access_token"], keys=KEYS).user_id == user.id


@pytest.mark.parametrize("asked", [{"username": "nobody", "password": PASSWORD}, {"username": "ada", "password": "x"}])
async def test_same_answer_for_unknown_username_and_wrong_password(
    client: AsyncClient, database: Database, asked: dict[str, str]
) -> None:
    await make_user(database, username="ada")

    response = await client.post("/login/", json=asked)

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["errors"] == [
        {"code": "invalid_credentials", "message": "There is no account with this name and password."}
    ]


@pytest.mark.parametrize(
    "operation",
    [
        "GET /movies/",
        "GET /collection/",
        "POST /collection/",
        "GET /collection/0325270c-8001-8000-84ad-e3bdb8cc9f5f/",
        "PUT /collection/0325270c-8001-8000-84ad-e3bdb8cc9f5f/",
        "DELETE /collection/0325270c-8001-8000-84ad-e3bdb8cc9f5f/",
        "GET /request-count/",
        "POST /request-count/reset/",
    ],
)
@pytest.mark.parametrize("slash", [True, False])
async def test_all_but_register_and_login_need_token(client: AsyncClient, operation: str, slash: bool) -> None:  # noqa: FBT001
    method, _, path = operation.partition(" ")
    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        response = await client.request(method, path if slash else path.rstrip("/"), headers=headers)

        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert codes(response) == ["unauthenticated"]


async def test_accepts_token_of_the_cinema_surface(client: AsyncClient, database: Database) -> None:
    response = await client.get("/collection/", headers=bearer(await make_user(database)))

    assert response.status_code == 200


@pytest.mark.parametrize("path", ["/register/", "/login", "/movies/", "/collection/", "/request-count/reset/"])
async def test_answers_405_for_other_methods(client: AsyncClient, path: str) -> None:
    response = await client.patch(path)

    assert response.status_code == 405
    assert response.headers["allow"]
    assert codes(response) == ["method_not_allowed"]
