"""Reads what trusted proxies say of a request: where it comes from, and which scheme and host it was sent to.

One rule for `X-Forwarded-For`, `-Proto` and `-Host`: each proxy adds a value at the end, so only as many values count, from
the end, as trusted proxies have passed the request on. The first of these is what the outermost trusted proxy saw.
"""

import re
from collections.abc import MutableMapping, Sequence
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Final, TypeVar

from starlette.types import ASGIApp, Receive, Scope, Send

from runtime.connection_limits import read_networks, unmap_address

FORWARDED_FOR: Final = b"x-forwarded-for"
FORWARDED_PROTO: Final = b"x-forwarded-proto"
FORWARDED_HOST: Final = b"x-forwarded-host"
# The schemes that a request can have been sent by, and that of a WebSocket in their place.
SCHEMES: Final = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
# An IPv4 address or a name with an optional port, or an IPv6 address in brackets.
PLACE: Final = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<v4>[^:]+))(?::(?P<port>[0-9]{1,5}))?")
# The longest text of an address, with room for the zone of a link-local one.
ADDRESS_LENGTH: Final = 64
# Where the scope says that its headers have been read.
READ: Final = "proxy_headers_read"

Value = TypeVar("Value")


class TrustedProxies:
    """Reads the headers that trusted proxies add to requests."""

    def __init__(self, trusted: str) -> None:
        """Trust these addresses and networks, separated by commas."""
        self._networks = read_networks(trusted)
        self._find = lru_cache(maxsize=4096)(self._is_in_networks)

    def is_trusted(self, address: str) -> bool:
        """Return whether this is the address of a trusted proxy."""
        return len(address) <= ADDRESS_LENGTH and self._find(address)

    def read_headers(self, scope: MutableMapping[str, Any]) -> None:
        """Put client, scheme and host of the caller into the scope, once for each request."""
        if scope.get(READ):
            return
        scope[READ] = True
        client = scope.get("client")
        if not client or not self.is_trusted(client[0]):
            return
        callers = [split_port(each) for each in list_values(scope, FORWARDED_FOR)]
        proxies = self._count_proxies([address for address, _ in callers])
        if callers:
            scope["client"] = choose_value(callers, proxies)
        if schemes := list_values(scope, FORWARDED_PROTO):
            replace_scheme(scope, choose_value(schemes, proxies))
        if hosts := list_values(scope, FORWARDED_HOST):
            host = choose_value(hosts, proxies).encode("latin-1")
            scope["headers"] = [(name, host if name == b"host" else value) for name, value in scope["headers"]]

    def _count_proxies(self, callers: Sequence[str]) -> int:
        """Return how many trusted proxies have passed a request on, the last of which is connected to this server."""
        count = 1
        for address in reversed(callers):
            if not self.is_trusted(address):
                break
            count += 1
        return count

    def _is_in_networks(self, address: str) -> bool:
        try:
            parsed = ip_address(unmap_address(address))
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)


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


def list_values(scope: MutableMapping[str, Any], header: bytes) -> list[str]:
    """Return the values of a header, of all its lines, without empty ones."""
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == header]
    return [value.strip() for value in ",".join(lines).split(",") if value.strip()]


def choose_value(values: Sequence[Value], proxies: int) -> Value:
    """Return the value that the outermost of so many trusted proxies has added; the first where they added fewer."""
    return values[max(len(values) - proxies, 0)]


def replace_scheme(scope: MutableMapping[str, Any], scheme: str) -> None:
    """Put the scheme that a proxy got the request by into the scope, where it is one."""
    if scheme in SCHEMES:
        scope["scheme"] = SCHEMES[scheme] if scope["type"] == "websocket" else scheme


def split_port(place: str) -> tuple[str, int]:
    """Return the address of a caller and its port, which is 0 where it is left out."""
    found = PLACE.fullmatch(place)
    if found is None:
        return unmap_address(place), 0
    return unmap_address(found["v6"] or found["v4"]), int(found["port"] or 0)
