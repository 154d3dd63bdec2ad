"""Reads what trusted proxies say of a request: where it comes from, and which scheme and host it was sent to."""

from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

FORWARDED_HOST: Final = b"x-forwarded-host"
# Where the scope says that its headers have been read.
READ: Final = "proxy_headers_read"


class TrustedProxies:
    """Reads the headers of trusted proxies: `X-Forwarded-For` and `-Proto` as uvicorn does, and `X-Forwarded-Host`."""

    def __init__(self, trusted: str) -> None:
        """Trust these addresses and networks, separated by commas."""
        self._middleware = ProxyHeadersMiddleware(stop_here, trusted)

    def read_headers(self, scope: MutableMapping[str, Any]) -> None:
        """Put client, scheme and host of the caller into the scope, once for each request."""
        if scope.get(READ):
            return
        scope[READ] = True
        client = scope.get("client")
        if client and client[0] in self._middleware.trusted_hosts:
            scope["headers"] = replace_host(scope["headers"])
        # uvicorn's middleware changes the scope, and then calls its application, which here does nothing: so it never waits.
        with suppress(StopIteration):
            self._middleware(scope, not_called, not_called).send(None)  # type: ignore[arg-type]  # uvicorn's own type


class ProxyHeaders:
    """Serves an application that sees requests as trusted proxies got them."""

    def __init__(self, app: ASGIApp, *, trusted: str) -> None:
        self._app = app
        self._proxies = TrustedProxies(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "lifespan":
            self._proxies.read_headers(scope)
        await self._app(scope, receive, send)


async def stop_here(*_: object) -> None:
    """Do nothing, as the application behind uvicorn's middleware."""


async def not_called(*_: object) -> Any:  # noqa: ANN401 - as ASGI has it
    """Stand for an ASGI channel that nobody uses."""


def replace_host(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers with the first host of `X-Forwarded-Host`, where there is one, in place of `Host`."""
    forwarded = next((value for name, value in headers if name == FORWARDED_HOST), b"").partition(b",")[0].strip()
    if not forwarded:
        return headers
    return [(name, forwarded if name == b"host" else value) for name, value in headers]
