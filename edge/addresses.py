"""Absolute addresses of what this server serves, for answers that are read elsewhere."""

import re

from starlette.requests import HTTPConnection


def base(connection: HTTPConnection, public_url: str | None) -> str:
    """Return what addresses of this server begin with: the public address if there is one, else the caller's own."""
    # What is asked for over a WebSocket is fetched by HTTP all the same: ws is http, wss https.
    return public_url or re.sub(r"^ws", "http", str(connection.base_url)).rstrip("/")


def absolute(address: str, *, base: str) -> str:
    """Return an address that begins with a scheme; one that begins with `/` is below `base`."""
    return f"{base}{address}" if address.startswith("/") else address
