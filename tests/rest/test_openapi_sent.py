"""Every example of the OpenAPI document is accepted by the server, and every declared header is sent."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from httpx import AsyncClient, Response

from config.settings import Settings
from db import ids
from db.engine import Database
from db.models import User
from rest.endpoint import Endpoint
from rest.endpoints import ENDPOINTS
from rest.openapi import build_document, document_path
from runtime.rate_limits import Rate
from tests.rest.prices.test_exports import store_file
from tests.rest.test_openapi import Schema
from tests.support.catalogue_standin import CatalogueStandIn
from tests.support.factories import bearer, make_booking, make_collection, make_session, make_user
from tests.support.prices import make_export
from tests.support.ticketing import make_event, make_event_reservation

# Where the example names an object, which is not there in a new database.
NAMES_AN_OBJECT: Final = {
    "update_timing",
    "delete_ticket",
    "put_delete_ticket",
    "view_all_tickets",
    "get_user_details",
    "create_reservation",
}


@dataclass(frozen=True, slots=True)
class World:
    """A signed-in user, and an object for each id of a path."""

    user: User
    ids: dict[str, str]


@pytest.fixture
def settings(settings: Settings, catalogue: CatalogueStandIn) -> Settings:
    """A server with a catalogue to ask and with rates."""
    limits = replace(settings.limits, sign_in=Rate(1, 60), sign_up=Rate(1, 60))
    return replace(catalogue.told(settings), limits=limits)


@pytest.fixture(scope="module")
def written() -> Schema:
    """The document."""
    return build_document(ENDPOINTS, server="/")


@pytest.fixture
async def world(database: Database, settings: Settings) -> World:
    """One object of each kind that a path names."""
    user, session, event = await make_user(database), await make_session(database), await make_event(database)
    booking = await make_booking(database, user=user, session=session, seats=2)
    collection = await make_collection(database, user=user)
    reservation = await make_event_reservation(database, event=event)
    now = datetime.now(UTC)
    times = {"completed_at": now, "expires_at": now + timedelta(days=7)}
    export = await make_export(database, user_id=user.id, status="completed", row_count=0, attempts=1, **times)
    await store_file(settings, export.id)
    return World(
        user,
        {
            "movie_id": ids.encode("mov", session.movie_id),
            "place_id": ids.encode("plc", session.place_id),
            "session_id": ids.encode("ses", session.id),
            "booking_id": ids.encode("bok", booking.id),
            "collection_uuid": str(ids.to_uuid("col", collection.id)),
            "event_id": str(ids.to_uuid("evt", event.id)),
            "reservation_id": str(ids.to_uuid("evr", reservation.id)),
            "offer_id": ids.encode("mof", 1),
            "export_id": ids.encode("exp", export.id),
        },
    )


async def send_example(client: AsyncClient, endpoint: Endpoint[Any], operation: Schema, world: World) -> Response:
    """Return the answer to the examples of an operation, in the address and in the body, about objects that exist."""
    parameters = operation["parameters"]
    query = {each["name"]: each["example"] for each in parameters if each["in"] == "query" and "example" in each}
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
    return await client.request(
        endpoint.method, endpoint.path.format(**world.ids), params=query, json=body, headers=bearer(world.user)
    )


def find_missing_headers(operation: Schema, response: Response) -> list[str]:
    """Return the required headers of the status that an answer does not carry."""
    declared = operation["responses"][str(response.status_code)]["headers"]
    return [name for name, header in declared.items() if header["required"] and name not in response.headers]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
async def test_accepts_examples_and_sends_declared_headers(
    client: AsyncClient, world: World, written: Schema, endpoint: Endpoint[Any]
) -> None:
    operation = written["paths"][document_path(endpoint)][endpoint.method.lower()]
    accepted = {404} if operation["operationId"] in NAMES_AN_OBJECT else set(endpoint.answers)
    # The account of the example does not exist.
    accepted = {401} if operation["operationId"] in ("sign_in", "login") else accepted
    # No provider has been asked yet, and none is there.
    accepted = {503} if endpoint.path.startswith("/v1/offers") else accepted

    response = await send_example(client, endpoint, operation, world)

    assert response.status_code in accepted, response.text
    assert find_missing_headers(operation, response) == []
    if endpoint.is_cacheable:
        known = await client.get(response.url, headers={"If-None-Match": response.headers["etag"]})
        assert known.status_code == 304
        assert find_missing_headers(operation, known) == []
    again = await client.request(endpoint.method, endpoint.path.format(**world.ids), json={"colour": "red"})
    assert find_missing_headers(operation, again) == []


async def test_answers_of_limited_endpoints_carry_rate_limit(client: AsyncClient, written: Schema) -> None:
    for path, body, status in (
        ("/v1/auth/signup", {"email": "ada@example.org", "password": "correct horse battery"}, 201),
        ("/v1/auth/signin", {"email": "ada@example.org", "password": "correct horse battery"}, 200),
    ):
        operation = written["paths"][path]["post"]
        for expected in (status, 429):
            response = await client.post(path, json=body)
            assert response.status_code == expected
            assert find_missing_headers(operation, response) == []
            declared = operation["responses"][str(expected)]["headers"]
            assert {"RateLimit", "RateLimit-Policy"} <= declared.keys()
            assert response.headers["ratelimit-policy"]
            assert response.headers["ratelimit"]


def test_examples_are_accepted_in_ten_years_too(written: Schema) -> None:
    # The one instant that must not have passed: when a show begins.
    for path in ("/api/book-ticket", "/api/update-timing"):
        (operation,) = written["paths"][path].values()
        showing = operation["requestBody"]["content"]["application/json"]["example"]["showTiming"]
        assert datetime.fromisoformat(showing) > datetime.now() + timedelta(days=3653)  # noqa: DTZ005 - without an offset
