"""Finds the endpoint of a request without the router, which would try one route after the other."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from rest.endpoint import EndpointRoute

SEPARATOR: Final = "/"


class EndpointTable:
    """Serves requests to endpoints, and leaves all others to the router, which has the same routes.

    A parameter of a path holds no slash, so a path has as many slashes as its route.
    """

    def __init__(self, routes: Iterable[BaseRoute], router: ASGIApp) -> None:
        """Keep the routes of endpoints by method and number of slashes, in their order."""
        self._router = router
        self._routes: defaultdict[tuple[str, int], list[EndpointRoute]] = defaultdict(list)
        for route in routes:
            if isinstance(route, EndpointRoute):
                for method in route.methods or ():
                    self._routes[method, route.path.count(SEPARATOR)].append(route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        # rest/begun_answers.py may have found it already.
        found = scope.get("route")
        route = found if isinstance(found, EndpointRoute) else self.find_route(scope)
        await (self._router if route is None else route.app)(scope, receive, send)

    def find_route(self, scope: Scope) -> EndpointRoute | None:
        """Return the route of a request, with its parameters put into the scope; None where the router has to look."""
        if scope["type"] != "http" or scope.get("root_path"):
            return None
        for route in self._routes.get((scope["method"], scope["path"].count(SEPARATOR)), ()):
            match, found = route.matches(scope)
            if match is Match.FULL:
                scope["route"] = route
                scope.update(found)
                return route
        return None
