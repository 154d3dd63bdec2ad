"""The OpenAPI document: valid, complete, and true of what is answered."""

from collections.abc import Iterator
from typing import Any

import openapi_spec_validator
import pytest
from httpx import AsyncClient, Response
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from starlette.applications import Starlette
from starlette.routing import Route

from config.settings import Settings
from db import ids
from db.engine import Database
from errors import list_leaves
from rest.endpoint import PATH_IDS, Endpoint
from rest.endpoints import ENDPOINTS
from rest.error_format import find_status
from rest.openapi import build_document, document_path, list_refusals
from tests.support.catalogue_standin import CatalogueStandIn
from tests.support.factories import (
    PASSWORD,
    bearer,
    make_booking,
    make_collection,
    make_rating,
    make_session,
    make_user,
)

Schema = dict[str, Any]
# Events and the counter have statuses of their own: test_openapi_ticketing.py.
PLAIN = [endpoint for endpoint in ENDPOINTS if endpoint.path.split("/")[1] not in ("events", "reservations", "api")]


@pytest.fixture
def settings(settings: Settings, catalogue: CatalogueStandIn) -> Settings:
    """A server that has a catalogue to ask."""
    return catalogue.told(settings)


@pytest.fixture
def written() -> Schema:
    """The document."""
    return build_document(ENDPOINTS, server="/")


def checker(written: Schema, schema: Schema) -> OAS31Validator:
    """Return what checks against a schema of the document; without closing it, so that references are found."""
    return OAS31Validator(written | schema, format_checker=oas31_format_checker)


def find_titles(part: object) -> Iterator[str]:
    """Yield the titles of all schemas in a part of the document."""
    if isinstance(part, dict):
        if isinstance(part.get("title"), str) and "version" not in part:
            yield part["title"]
        for name, each in part.items():
            yield from () if name in ("example", "examples") else find_titles(each)
    elif isinstance(part, list):
        for each in part:
            yield from find_titles(each)


def answer_of(written: Schema, path: str, method: str, response: Response) -> Schema:
    responses: Schema = written["paths"][path.rstrip("/")][method]["responses"]
    found: Schema = responses[str(response.status_code)]
    return found


def test_document_is_valid(written: Schema) -> None:
    openapi_spec_validator.validate(written)


async def test_serves_document_with_the_public_url(client: AsyncClient) -> None:
    response = await client.get("/openapi.json")

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json()["openapi"].startswith("3.1.")
    assert response.json()["servers"] == [{"url": "https://cinema.test"}]


def test_document_has_every_route_and_no_other(app: Starlette, written: Schema) -> None:
    first_words = {endpoint.path.split("/")[1] for endpoint in ENDPOINTS}
    served = {
        (route.path, method.lower())
        for route in app.routes
        if isinstance(route, Route) and route.path.split("/")[1] in first_words
        for method in (route.methods or set()) - {"HEAD"}
    }
    described = {(path.rstrip("/"), method) for path, methods in written["paths"].items() for method in methods}

    assert described == served
    assert len(described) == 15 + 16 + 10 + 5


def test_every_example_is_what_its_schema_allows(written: Schema) -> None:
    contents = [
        part["content"]["application/json"]
        for methods in written["paths"].values()
        for operation in methods.values()
        for part in (
            operation.get("requestBody", {"content": {"application/json": None}}),
            *operation["responses"].values(),
        )
        if part.get("content", {}).get("application/json")
    ]

    assert len(contents) > 80
    for content in contents:
        examples = [content["example"]] if "example" in content else [e["value"] for e in content["examples"].values()]
        for example in examples:
            checker(written, content["schema"]).validate(example)


def test_lists_every_code_of_a_refusal(written: Schema) -> None:
    code = written["components"]["schemas"]["Fault"]["properties"]["code"]
    assert code["enum"] == [leaf.code.lower() for leaf in list_leaves()]


def test_operations_have_unique_ids_and_descriptions(written: Schema) -> None:
    operations = [operation for methods in written["paths"].values() for operation in methods.values()]

    assert len({operation["operationId"] for operation in operations}) == 15 + 16 + 10 + 5
    assert all(operation["summary"] and operation["description"] and operation["tags"] for operation in operations)
    described = {tag["name"] for tag in written["tags"] if tag["description"]}
    assert {operation["tags"][0] for operation in operations} == described


def test_names_each_component_once_in_plain_words(written: Schema) -> None:
    # Generators of clients name a type after its component or its title, and lose all but one of those that share a name.
    components = written["components"]["schemas"]
    assert not [name for name in components if not name.isalnum()]
    titles = list(find_titles(written))
    assert sorted(titles) == sorted(set(titles))
    assert set(titles) <= set(components)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_security_matches_the_contract(endpoint: Endpoint[Any], written: Schema) -> None:
    security = written["paths"][document_path(endpoint)][endpoint.method.lower()]["security"]
    words = endpoint.path.strip("/").split("/")
    needs_token = (
        words[:2] == ["v1", "exports"]
        or words[1:2] == ["bookings"]
        or words[-1] in ("rate", "book", "reserve", "confirm", "cancel")
        or words[0] in (*("movies", "collection", "request-count"),)
    )

    assert (security == [{"bearer": []}]) is needs_token
    assert ("401" in written["paths"][document_path(endpoint)][endpoint.method.lower()]["responses"]) is (
        needs_token or security != [] or endpoint.path in ("/v1/auth/signin", "/login/")
    )


@pytest.mark.parametrize("endpoint", PLAIN, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_every_refusal_of_an_endpoint_has_its_status_and_an_example(endpoint: Endpoint[Any], written: Schema) -> None:
    responses = written["paths"][document_path(endpoint)][endpoint.method.lower()]["responses"]
    for refusal in list_refusals(endpoint):
        content = responses[str(int(find_status(type(refusal))))]["content"]["application/json"]
        assert refusal.code.lower() in content["examples"]
    for name, kind in PATH_IDS.items():
        if f"{{{name}}}" in endpoint.path:
            assert kind.missing.code.lower() in responses["404"]["content"]["application/json"]["examples"]


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("POST /v1/auth/signup", {"email": "new@example.org", "password": PASSWORD}),
        ("POST /v1/auth/signup", {"email": "new"}),
        ("POST /v1/auth/signin", {"email": "ada@example.org", "password": PASSWORD}),
        ("POST /v1/auth/signin", {"email": "ada@example.org", "password": "wrong"}),
        (
            "POST /v1/analytics/track",
            {"tracking_id": "t", "type": "page_exit", "page": {"scheme": "https", "path": "/"}},
        ),
        ("GET /v1/movies", None),
        ("GET /v1/movies/{movie_id}", None),
        ("GET /v1/movies/{movie_id}/places", None),
        ("GET /v1/movies/{movie_id}/places/{place_id}/sessions", None),
        ("POST /v1/movies/{movie_id}/rate", {"value": 3}),
        ("POST /v1/movies/{movie_id}/rate", {"value": 7}),
        ("POST /v1/sessions/{session_id}/book", None),
        ("POST /v1/bookings/{booking_id}/reserve", {"seats": 1}),
        ("POST /v1/bookings/{booking_id}/reserve", {"seats": 100_000}),
        ("POST /v1/bookings/{booking_id}/confirm", None),
        ("POST /v1/bookings/{booking_id}/cancel", None),
        ("GET /v1/bookings", None),
        ("POST /register/", {"username": "new", "password": PASSWORD}),
        ("POST /register/", {"username": "a b", "password": "short"}),
        ("POST /login/", {"username": "ada", "password": PASSWORD}),
        ("POST /login/", {"username": "ada", "password": "wrong"}),
        ("GET /movies/", None),
        ("GET /movies/?page=99", None),
        ("GET /movies/?page=x", None),
        ("POST /collection/", {"title": "Mine"}),
        ("POST /collection/", {"title": "x" * 201}),
        ("GET /collection/", None),
        ("GET /collection/{collection_uuid}/", None),
        ("PUT /collection/{collection_uuid}/", {"movies": []}),
        ("DELETE /collection/{collection_uuid}/", None),
        ("GET /request-count/", None),
        ("POST /request-count/reset/", None),
        ("GET /v1/offers", None),
        ("POST /v1/exports", None),
    ],
)
async def test_answers_match_the_document(
    client: AsyncClient, database: Database, written: Schema, operation: str, body: object
) -> None:
    method, _, path = operation.partition(" ")
    user = await make_user(database, email="ada@example.org", username="ada")
    session = await make_session(database)
    booking = await make_booking(database, user=user, session=session, seats=2)
    await make_rating(database)
    made = await make_collection(database, user=user)
    address = path.format(
        movie_id=ids.encode("mov", session.movie_id),
        place_id=ids.encode("plc", session.place_id),
        session_id=ids.encode("ses", session.id),
        booking_id=ids.encode("bok", booking.id),
        collection_uuid=ids.to_uuid("col", made.id),
    )
    response = await client.request(method, address, json=body, headers=bearer(user))
    described = answer_of(written, path.partition("?")[0], method.lower(), response)

    if response.content:
        checker(written, described["content"]["application/json"]["schema"]).validate(response.json())
    else:
        assert "content" not in described


def test_schemas_refuse_what_the_server_refuses(written: Schema) -> None:
    seats = checker(written, {"$ref": "#/components/schemas/ReserveSeats"})
    rating = checker(written, {"$ref": "#/components/schemas/RateMovie"})

    assert seats.is_valid({"seats": 2})
    assert seats.is_valid({"seats": 2.0})
    assert not any(seats.is_valid({"seats": value}) for value in (-1, 2.5, "2", None, 2**31, True))
    assert not seats.is_valid({"seats": 2, "more": 1})
    assert rating.is_valid({"value": 4.5})
    assert not any(rating.is_valid({"value": value}) for value in (-1, 5.5, "4", None))
