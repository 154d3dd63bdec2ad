"""The storefront's session: a token in a cookie that scripts cannot read and that only pages of this server can use."""

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
# The header by which a page asks, with `signIn` or `signUp`, that the token is set as the cookie.
SESSION_HEADER: Final = "matinee-session"
KEEP: Final = "keep"


def routes() -> list[BaseRoute]:
    """Return the route that signs out; pages sign in by GraphQL."""
    return [Route(PATH, sign_out, methods=["DELETE"], name="session")]


async def sign_out(request: Request) -> Response:
    """Delete the cookie. Other sites cannot do it: browsers send no DELETE to another origin without its permission."""
    return delete_cookie(Response(status_code=204, headers={"Cache-Control": "no-store"}), request)


async def identify_caller(connection: HTTPConnection) -> Actor | None:
    """Return the caller: by the Authorization header, else by the cookie of a page of the storefront.

    Raises Unauthenticated on a header that is not valid, Unavailable where the database cannot tell. A cookie that is not
    valid identifies nobody: its page must still work, so that its user can sign in.
    """
    services: Services = connection.state.services
    actor = await tokens.identify_bearer(connection.scope, keys=services.keys, sign_outs=services.sign_outs)
    token = None if actor else find_token(connection)
    if token is None:
        return actor
    known = tokens.try_read_token(token, keys=services.keys)
    actor = known if known and await services.sign_outs.is_valid(known) else None
    connection.scope["actor"] = actor
    return actor


def find_token(connection: HTTPConnection) -> str | None:
    """Return the token in the cookie, where a page of this server sends it without an Authorization header."""
    headers = connection.headers
    if "cookie" not in headers or "authorization" in headers or not is_own_page(connection):
        return None
    return connection.cookies.get(COOKIE)


def is_own_page(connection: HTTPConnection) -> bool:
    """Return whether a page of this server sends the request, by headers that browsers set and scripts cannot.

    `Sec-Fetch-Site` comes with every request to https and to localhost, `none` for an address that somebody opened by
    hand. Elsewhere, and with WebSockets, `Origin` tells; a link has none there, and names the page that it is on.
    """
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    page = connection.headers.get("origin") or connection.headers.get("referer")
    return page is not None and find_host(page) in list_own_hosts(connection)


def list_own_hosts(connection: HTTPConnection) -> set[str]:
    """Return the hosts of this server with their ports: that of the request, and that of MATINEE_PUBLIC_URL."""
    services: Services = connection.state.services
    public = find_host(services.settings.public_url or "")
    return {name for name in (connection.headers.get("host", "").lower(), public) if name}


def find_host(address: str) -> str:
    """Return host and port of an address as they are written; text that is no address raises no error."""
    return address.partition("://")[2].partition("/")[0].lower()


def update_cookie(response: Response, request: Request, *, entered: str | None) -> Response:
    """Return the answer to a page, with the cookie set after signing in where the page asks for it.

    A cookie that is no longer valid is deleted.
    """
    if entered is not None:
        return (
            set_cookie(response, request, entered)
            if request.headers.get(SESSION_HEADER) == KEEP and is_own_page(request)
            else response
        )
    stale = request.scope.get("actor") is None and find_token(request) is not None
    return delete_cookie(response, request) if stale else response


def set_cookie(response: Response, request: Request, token: str) -> Response:
    """Return the answer with the token as a cookie that lasts as long as the token does."""
    services: Services = request.state.services
    response.set_cookie(COOKIE, token, max_age=services.keys.token_seconds, **make_cookie_attributes(request))
    return response


def delete_cookie(response: Response, request: Request) -> Response:
    """Return the answer, which deletes the cookie."""
    response.delete_cookie(COOKIE, **make_cookie_attributes(request))
    return response


def make_cookie_attributes(request: Request) -> Mapping[str, Any]:
    """Return the cookie's attributes: hidden from scripts and other sites, and sent over TLS only where the server has TLS."""
    services: Services = request.state.services
    is_secure = addresses.find_base_url(request, services.settings.public_url).startswith("https:")
    path = addresses.find_base_path(services.settings.public_url) or "/"
    return {"path": path, "secure": is_secure, "httponly": True, "samesite": "strict"}
