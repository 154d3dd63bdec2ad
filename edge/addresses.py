"""Makes absolute addresses of this server, for links in answers."""

import re
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

# A host with an optional port, as in a Host header (RFC 9110, section 7.2). Nothing else gets into an address.
HOST: Final = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
HIGHEST_PORT: Final = 65_535
# Addresses in an answer over a WebSocket are fetched by HTTP.
WEB_SCHEMES: Final = {"ws": "http", "wss": "https"}


def find_base_url(connection: HTTPConnection, public_url: str | None) -> str:
    """Return the beginning of this server's addresses: MATINEE_PUBLIC_URL, else scheme and host of the request.

    Behind trusted proxies these are the ones that the proxy forwards (runtime/proxy_headers.py).
    """
    if public_url:
        return public_url
    # From the scope: `connection.url` builds and parses a whole URL for its scheme.
    scheme = connection.scope.get("scheme", "http").lower()
    scheme = WEB_SCHEMES.get(scheme, scheme)
    host = connection.headers.get("host", "")
    return f"{scheme}://{host if is_host(host) else find_local_host(connection)}"


def find_base_path(public_url: str | None) -> str:
    """Return the path of MATINEE_PUBLIC_URL, which a proxy strips from requests; empty without one."""
    return urlsplit(public_url or "").path.rstrip("/")


def is_host(text: str) -> bool:
    """Return whether a text is a host, with a port that exists where it has one."""
    found = HOST.fullmatch(text)
    return found is not None and int(found["port"] or 0) <= HIGHEST_PORT


def find_local_host(connection: HTTPConnection) -> str:
    """Return the address on which the server received the connection."""
    host, port = connection.scope.get("server") or ("localhost", None)
    name = f"[{host}]" if ":" in host else str(host)
    return f"{name}:{port}" if port else name


def make_absolute(address: str, *, base: str) -> str:
    """Return an address that begins with a scheme; one that begins with `/` is below `base`."""
    return f"{base}{address}" if address.startswith("/") else address
