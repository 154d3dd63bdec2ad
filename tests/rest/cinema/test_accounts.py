"""POST /v1/auth/signup and /v1/auth/signin."""

from typing import Any

import pytest
from httpx import AsyncClient

from db import ids
from db.engine import Database
from domain import instants
from identity.tokens import read_token
from tests.support.answers import codes, message
from tests.support.factories import KEYS, PASSWORD, make_user

ADA = {"email": "ada@example.org", "password": PASSWORD}


async def test_sign_up_answers_only_the_account(client: AsyncClient) -> None:
    response = await client.post("/v1/auth/signup", json=ADA)

    assert response.status_code == 201
    user = response.json()["user"]
    assert response.json() == {"user": {"id": user["id"], "email": ADA["email"], "created_at": user["created_at"]}}
    assert ids.decode("usr", user["id"])
    assert instants.spell(instants.read(user["created_at"])) == user["created_at"]


@pytest.mark.parametrize("email", ["ada@example.org", "ADA@Example.ORG"])
async def test_refuses_taken_email_in_any_case(client: AsyncClient, email: str) -> None:
    await client.post("/v1/auth/signup", json=ADA)
    response = await client.post("/v1/auth/signup", json=ADA | {"email": email})

    assert response.status_code == 409
    assert codes(response) == ["email_taken"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, ["missing_field", "missing_field"]),
        ({"email": "ada@example.org"}, ["missing_field"]),
        ({"email": "ada", "password": "short"}, ["invalid_email", "weak_password"]),
        ({"email": "", "password": PASSWORD}, ["invalid_email"]),
        ({"email": None, "password": PASSWORD}, ["invalid_email"]),
        ({"email": 5, "password": PASSWORD}, ["invalid_email"]),
        ({"email": ["ada@example.org"], "password": PASSWORD}, ["invalid_email"]),
        ({"email": "a\0da@example.org", "password": PASSWORD}, ["invalid_email"]),
        ({"email": "a" * 300 + "@example.org", "password": PASSWORD}, ["invalid_email"]),
        ({"email": "ada@example.org", "password": 12345678}, ["invalid_input"]),
        ({"email": "ada@example.org", "password": None}, ["invalid_input"]),
        ({"email": "ada@example.org", "password": "1234567"}, ["weak_password"]),
        ({"email": "ada@example.org", "password": "x" * 129}, ["weak_password"]),
        ({"email": "ada@example.org", "password": "12345678\0"}, ["weak_password"]),
        (ADA | {"username": "ada"}, ["unknown_field"]),
        ({"email": "ada", "password": "x", "a": 1, "b": 2}, ["invalid_email", "weak_password", *["unknown_field"] * 2]),
    ],
)
async def test_reports_all_faults_of_a_sign_up_at_once(
    client: AsyncClient, body: dict[str, Any], expected: list[str]
) -> None:
    response = await client.post("/v1/auth/signup", json=body)

    assert response.status_code == 422
    assert codes(response) == expected


@pytest.mark.parametrize("password", ["12345678", "x" * 128, "motdepassé", "        "])
async def test_accepts_password_of_8_to_128_characters(client: AsyncClient, password: str) -> None:
    signed_up = await client.post("/v1/auth/signup", json=ADA | {"password": password})
    signed_in = await client.post("/v1/auth/signin", json=ADA | {"password": password})

    assert signed_up.status_code == 201
    assert signed_in.status_code == 200


async def test_fault_names_its_field(client: AsyncClient) -> None:
    response = await client.post("/v1/auth/signup", json={"email": "ada@example.org"})

    assert message(response) == "`password` is missing. Give it a value."


@pytest.mark.parametrize("email", ["ada@example.org", "Ada@Example.org"])
async def test_sign_in_answers_token_of_the_user(client: AsyncClient, database: Database, email: str) -> None:
    user = await make_user(database, email="ada@example.org")
    response = await client.post("/v1/auth/signin", json=ADA | {"email": email})

    assert response.status_code == 200
    assert set(response.json()) == {"token"}
    assert read_token(response.json()["token"], keys=KEYS).user_id == user.id
    assert response.headers["cache-control"] == "no-store"


async def test_same_answer_for_unknown_email_and_wrong_password(client: AsyncClient, database: Database) -> None:
    await make_user(database, email="ada@example.org")
    wrong_password = await client.post("/v1/auth/signin", json=ADA | {"password": "not hers at all"})
    wrong_address = await client.post("/v1/auth/signin", json=ADA | {"email": "bob@example.org"})
    no_address = await client.post("/v1/auth/signin", json={"email": "", "password": ""})

    assert wrong_password.status_code == wrong_address.status_code == no_address.status_code == 401
    assert wrong_password.content == wrong_address.content == no_address.content
    assert codes(wrong_address) == ["invalid_credentials"]
    assert wrong_address.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, ["missing_field", "missing_field"]),
        ({"email": 1, "password": True}, ["invalid_input", "invalid_input"]),
        ({"email": "a\0", "password": "b\0"}, ["invalid_input", "invalid_input"]),
        (ADA | {"token": "x"}, ["unknown_field"]),
    ],
)
async def test_refuses_invalid_sign_in_body(client: AsyncClient, body: dict[str, Any], expected: list[str]) -> None:
    response = await client.post("/v1/auth/signin", json=body)

    assert response.status_code == 422
    assert codes(response) == expected


@pytest.mark.parametrize("path", ["/v1/auth/signup", "/v1/auth/signin"])
async def test_signs_in_despite_expired_token(client: AsyncClient, database: Database, path: str) -> None:
    if path.endswith("signin"):
        await make_user(database, email="ada@example.org")
    response = await client.post(path, json=ADA, headers={"Authorization": "Bearer long.since.expired"})

    assert response.is_success
