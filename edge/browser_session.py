"""Who is signed in at the storefront: a token in a cookie that no script can read, and that counts for nothing elsewhere."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from edge import addresses
from edge.services import Services
from identity import tokens
from identity.tokens import Actor

PATH: Final = "/session"
COOKIE: Final = "matinee_session"
# What a page sends with `signIn` or `signUp` to have the token kept as the cookie.
ASKED_BY: Final = "matinee-session"
KEEP: Final = "keep"


def routes() -> list[BaseRoute]:
    """Return the way out; the way in is GraphQL's."""
    return [Route(PATH, sign_out, methods=["DELETE"], name="session")]


async def sign_out(request: Request) -> Response:
    """Take the cookie away. Another site cannot ask for it: browsers ask first before they send a DELETE elsewhere."""
    return forget(Response(status_code=204, headers={"Cache-Control": "no-store"}), request)


async def identify(connection: HTTPConnection) -> Actor | None:
    """Return who asks: by the Authorization header, or where there is none by the cookie of the storefront's own pages.

    Raise Unauthenticated on a header that is not valid, Unavailable where it cannot be read whether it still is. A cookie
    that is not valid identifies nobody: its page must still work, so that its user can sign in.
    """
    services: Services = connection.state.services
    actor = await tokens.identify_bearer(connection.scope, keys=services.keys, sign_outs=services.sign_outs)
    token = None if actor else find_token(connection)
    if token is None:
        return actor
    known = tokens.recognize(token, keys=services.keys)
    actor = known if known and await services.sign_outs.is_valid(known) else None
    connection.scope["actor"] = actor
    return actor


def find_token(connection: HTTPConnection) -> str | None:
    """Return the token in the cookie of a request that a page of ours makes without a token of its own."""
    headers = connection.headers
    if "cookie" not in headers or "authorization" in headers or not is_ours(connection):
        return None
    return connection.cookies.get(COOKIE)


def is_ours(connection: HTTPConnection) -> bool:
    """Return whether a page of this server asks, by what browsers say and no script can change.

    `Sec-Fetch-Site` comes with every request to https and to localhost, `none` for an address that somebody opened by
    hand. Elsewhere, and with WebSockets, `Origin` tells; a link has none there, and names the page that it is on.
    """
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    page = connection.headers.get("origin") or connection.headers.get("referer")
    return page is not None and host_of(page) in own_names(connection)


def own_names(connection: HTTPConnection) -> set[str]:
    """Return the hosts, with their ports, that this server is known by: as it was asked for, and its public one."""
    services: Services = connection.state.services
    public = host_of(services.settings.public_url or "")
    return {name for name in (connection.headers.get("host", "").lower(), public) if name}


def host_of(address: str) -> str:
    """Return host and port of an address as it is written; callers write what they like, and none of it is an error."""
    return address.partition("://")[2].partition("/")[0].lower()


def update_cookie(response: Response, request: Request, *, entered: str | None) -> Response:
    """Return the answer to a page: with the token of whoever has just entered, where the page asks to have it kept.

    A cookie that is not good any more is taken away.
    """
    if entered is not None:
        return (
            keep(response, request, entered) if request.headers.get(ASKED_BY) == KEEP and is_ours(request) else response
        )
    stale = request.scope.get("actor") is None and find_token(request) is not None
    return forget(response, request) if stale else response


def keep(response: Response, request: Request, token: str) -> Response:
    """Return the answer with the token as a cookie that lasts as long as the token does."""
    services: Services = request.state.services
    response.set_cookie(COOKIE, token, max_age=services.keys.token_seconds, **attributes(request))
    return response


def forget(response: Response, request: Request) -> Response:
    """Return the answer with the cookie taken away."""
    response.delete_cookie(COOKIE, **attributes(request))
    return response


def attributes(request: Request) -> Mapping[str, Any]:
    """Return what the cookie is like: out of reach for scripts and other sites, and by TLS alone where there is any."""
    services: Services = request.state.services
    is_secure = addresses.base(request, services.settings.public_url).startswith("https:")
    path = addresses.base_path(services.settings.public_url) or "/"
    return {"path": path, "secure": is_secure, "httponly": True, "samesite": "strict"}
