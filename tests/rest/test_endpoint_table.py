"""Requests reach the same endpoint as by the router, and what is no endpoint reaches the router."""

import re
from typing import Any

import pytest
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from rest.endpoint import Endpoint, EndpointRoute
from rest.endpoint_table import EndpointTable
from rest.endpoints import ENDPOINTS

ROUTES = [EndpointRoute(each) for each in ENDPOINTS]


async def fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
    pytest.fail("the router was asked")


def make_scope(method: str, path: str, **more: str) -> dict[str, Any]:
    return {"type": "http", "method": method, "path": path, "root_path": "", **more}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: f"{each.method} {each.path}")
def test_finds_each_endpoint_as_the_router_does(endpoint: Endpoint[Any]) -> None:
    path = re.sub(r"{(\w+)}", r"a-\1", endpoint.path).rstrip("/")
    scope = make_scope(endpoint.method, path)
    expected, found = next(
        (route, found) for route in ROUTES for match, found in [route.matches(dict(scope))] if match is Match.FULL
    )
    assert EndpointTable(ROUTES, fail).find_route(scope) is expected
    assert scope["route"] is expected
    assert scope["path_params"] == found["path_params"]
    assert scope["path_params"] == {name: f"a-{name}" for name in re.findall(r"{(\w+)}", endpoint.path)}


@pytest.mark.parametrize(
    "scope",
    [
        make_scope("GET", "/v1/nothing"),
        make_scope("DELETE", "/v1/movies"),
        make_scope("GET", "/v1/movies/1/places/2"),
        make_scope("GET", "/v1/movies", root_path="/below"),
        {"type": "websocket", "path": "/v1/movies"},
        {"type": "lifespan"},
    ],
    ids=str,
)
async def test_leaves_all_else_to_the_router(scope: dict[str, Any]) -> None:
    asked = []

    async def router(given: Scope, _receive: Receive, _send: Send) -> None:
        asked.append(given)

    before = dict(scope)
    await EndpointTable(ROUTES, router)(scope, None, None)  # type: ignore[arg-type]  # nobody reads or sends
    assert asked == [before]


async def test_goes_to_endpoint_that_was_found_before(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def answer(given: Scope, _receive: Receive, _send: Send) -> None:
        asked.append(given["route"])

    table, scope = EndpointTable(ROUTES, fail), make_scope("GET", "/v1/movies")
    route = table.find_route(scope)
    assert route is not None
    monkeypatch.setattr(route, "app", answer)
    monkeypatch.setattr(table, "find_route", None)
    await table(scope, None, None)  # type: ignore[arg-type]  # as above
    assert asked == [route]
