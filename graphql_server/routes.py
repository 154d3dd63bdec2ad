"""The one address of GraphQL and the three ways to it: an answer, a stream of server-sent events, a WebSocket."""

from typing import Final

from starlette.requests import Request
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from graphql_server import http, sse, websocket
from graphql_server.media_types import wants_events

PATH: Final = "/graphql"


class View:
    """The address as an application of its own: it answers every method, also those it does not take."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        streams = request.method != "HEAD" and wants_events(request.headers.get("accept", ""))
        response = await (sse.serve(request) if streams else http.serve(request))
        await response(scope, receive, send)


def routes() -> list[BaseRoute]:
    """Return the routes; a browser that opens the address gets GraphiQL."""
    return [Route(PATH, View(), name="graphql"), WebSocketRoute(PATH, websocket.serve, name="graphql-live")]
