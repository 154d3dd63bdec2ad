"""Routes of GraphQL: one address for answers, streams of server-sent events and WebSockets, and one for the schema."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from config.settings import Settings
from errors import RouteNotFound
from graphql_server import cache_policy, http, websocket
from graphql_server.executable_schema import format_sdl

PATH: Final = "/graphql"
SCHEMA_PATH: Final = "/schema.graphql"


ANSWERS: Final = Route(PATH, http.View(), name="graphql")


def list_shortcuts() -> list[Route]:
    """Return the routes that skip the router, since most requests go to them."""
    return [ANSWERS]


async def serve_schema(request: Request) -> Response:
    """Return the schema in the schema definition language; raise RouteNotFound where that is switched off.

    Tools read it here where introspection is off, or where they know nothing of `@oneOf` in introspection.
    """
    settings: Settings = request.state.services.settings
    if not settings.schema_file:
        raise RouteNotFound
    response = Response(format_sdl(), media_type="text/plain; charset=utf-8")
    return cache_policy.make_public(response, if_none_match=request.headers.get("if-none-match", ""), vary=None)


def routes() -> list[BaseRoute]:
    """Return the routes; a browser that opens the first address gets GraphiQL."""
    return [
        ANSWERS,
        WebSocketRoute(PATH, websocket.serve, name="graphql-live"),
        Route(SCHEMA_PATH, serve_schema, methods=["GET"], name="schema"),
    ]
