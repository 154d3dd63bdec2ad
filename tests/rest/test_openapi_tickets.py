"""The OpenAPI document about /events/, /reservations/ and /api/: valid, complete, and true of what is answered."""

from typing import Any

import openapi_spec_validator
import pytest
from httpx import AsyncClient
from starlette.applications import Starlette
from starlette.routing import Route

from db import ids
from db.engine import Database
from rest import endpoints
from rest.counter.endpoints import ENDPOINTS as COUNTER
from rest.endpoint import Caller, Endpoint
from rest.error_format import find_status
from rest.error_shapes import find_shape
from rest.events.endpoints import ENDPOINTS as EVENTS
from rest.openapi import build_document, document_path, list_refusals
from tests.rest.test_openapi import Schema, answer_of, checker
from tests.support.ticketing import make_event, make_event_reservation, make_ticket

ENDPOINTS = (*EVENTS, *COUNTER)


@pytest.fixture(scope="module")
def written() -> Schema:
    """The document of all surfaces."""
    return build_document(endpoints.ENDPOINTS, server="/")


def named(endpoint: Endpoint[Any]) -> str:
    return f"{endpoint.method} {endpoint.path}"


def test_document_of_all_surfaces_is_valid(written: Schema) -> None:
    openapi_spec_validator.validate(written)


def test_document_has_every_ticketing_route(app: Starlette, written: Schema) -> None:
    surfaces = ("/v1", "/events", "/reservations", "/api")
    served = {
        (route.path, method.lower())
        for route in app.routes
        if isinstance(route, Route) and route.path.startswith(surfaces)
        for method in (route.methods or set()) - {"HEAD"}
    }
    described = {
        (path.rstrip("/"), method)
        for path, methods in written["paths"].items()
        if path.startswith(surfaces)
        for method in methods
    }
    assert described == served
    assert len(ENDPOINTS) == 10 + 6


def test_operation_ids_are_unique_over_all_surfaces(written: Schema) -> None:
    operations = [operation for methods in written["paths"].values() for operation in methods.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=named)
def test_every_example_is_what_its_schema_allows(endpoint: Endpoint[Any], written: Schema) -> None:
    operation = written["paths"][document_path(endpoint)][endpoint.method.lower()]
    parts = [operation["requestBody"]] if endpoint.has_body else []
    parts += [answer for answer in operation["responses"].values() if "content" in answer]
    for part in parts:
        content = part["content"]["application/json"]
        examples = [content["example"]] if "example" in content else [e["value"] for e in content["examples"].values()]
        assert examples
        for example in examples:
            checker(written, content["schema"]).validate(example)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=named)
def test_every_refusal_has_its_status_shape_and_example(endpoint: Endpoint[Any], written: Schema) -> None:
    shape = find_shape(endpoint.path)
    responses = written["paths"][document_path(endpoint)][endpoint.method.lower()]["responses"]
    for refusal in list_refusals(endpoint):
        content = responses[str(int(find_status(type(refusal), shape=shape)))]["content"]["application/json"]
        assert content["examples"][refusal.code.lower()]["value"] == shape.body([refusal])


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=named)
def test_counter_token_guards_all_but_reads_of_events(endpoint: Endpoint[Any], written: Schema) -> None:
    security = written["paths"][document_path(endpoint)][endpoint.method.lower()]["security"]
    counters = endpoint in COUNTER or endpoint.method != "GET"
    assert ({"counter": []} in security) is counters
    assert (endpoint.caller is Caller.COUNTER) is counters


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=named)
@pytest.mark.parametrize("is_good", [True, False])
async def test_answers_match_the_document(
    client: AsyncClient, database: Database, written: Schema, endpoint: Endpoint[Any], *, is_good: bool
) -> None:
    event, ticket = await make_event(database), await make_ticket(database)
    row = await make_event_reservation(database, event=event)
    spelled = {
        "event_id": str(ids.to_uuid("evt", event.id)) if is_good else "x",
        "reservation_id": str(ids.to_uuid("evr", row.id)) if is_good else "x",
    }
    values: dict[str, object] = {
        "name": "Rocket",
        "description": "To Mars",
        "date": "2047-10-21T09:00:00Z",
        "availability": 1,
        "event_id": spelled["event_id"],
        "no_of_tickets": 1 if is_good else 1000,
        "userName": "Ada",
        "phoneNumber": "1",
        "ticketCount": 1 if is_good else 100,
        "ticketId": ids.encode("tkt", ticket.id if is_good else 1),
        "showTiming": "2047-10-21T18:30:00Z",
        "movieId": ids.encode("shw", ticket.show_id if is_good else 1),
    }
    schema = endpoint.takes.model_json_schema()["properties"] if endpoint.takes.model_fields else {}
    known = {name: values[name] for name in schema if name in values}
    if endpoint.path.endswith("view-all-tickets"):
        del known["showTiming"]
    asked: dict[str, Any] = {"json": known} if endpoint.has_body else {"params": known}
    response = await client.request(endpoint.method, endpoint.path.format(**spelled), **asked)
    described = answer_of(written, endpoint.path, endpoint.method.lower(), response)
    if "{" in endpoint.path or (known and "name" not in known):
        assert response.is_success is is_good
    if response.content:
        checker(written, described["content"]["application/json"]["schema"]).validate(response.json())
    else:
        assert "content" not in described


def test_document_has_parameters_of_delete_ticket(written: Schema) -> None:
    deletion = written["paths"]["/api/delete-ticket"]["delete"]
    assert [(each["name"], each["required"]) for each in deletion["parameters"]] == [("ticketId", False)]
    assert deletion["requestBody"]["required"] is False
    details = written["paths"]["/api/user-details"]["get"]
    assert [(each["name"], each["required"]) for each in details["parameters"]] == [("ticketId", True)]
