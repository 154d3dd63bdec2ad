"""Reads what trusted proxies say of a request: where it comes from, and which scheme and host it was sent to."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

FORWARDED_HOST: Final = b"x-forwarded-host"


class ProxyHeaders(ProxyHeadersMiddleware):
    """uvicorn's middleware, which reads `X-Forwarded-For` and `-Proto`; this one reads `X-Forwarded-Host` as well."""

    def __init__(self, app: ASGIApp, *, trusted: str) -> None:
        super().__init__(app, trusted)  # type: ignore[arg-type]  # uvicorn's own type of an ASGI app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # type: ignore[override]  # likewise
        """Serve one request."""
        client = scope.get("client")
        if client and client[0] in self.trusted_hosts:
            scope["headers"] = replace_host(scope["headers"])
        await super().__call__(scope, receive, send)  # type: ignore[arg-type]  # likewise


def replace_host(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers with the first host of `X-Forwarded-Host`, where there is one, in place of `Host`."""
    forwarded = next((value for name, value in headers if name == FORWARDED_HOST), b"").partition(b",")[0].strip()
    if not forwarded:
        return headers
    return [(name, forwarded if name == b"host" else value) for name, value in headers]
