"""Only trusted proxies say which host a request was sent to."""

from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from edge import addresses
from runtime.proxy_headers import ProxyHeaders, TrustedProxies


async def tell_base(request: Request) -> PlainTextResponse:
    return PlainTextResponse(addresses.find_base_url(request, None))


APP = Starlette(routes=[Route("/", tell_base)])


async def base(app: Any, **headers: str) -> str:  # noqa: ANN401 - any ASGI app
    transport = ASGITransport(app=app, client=("10.0.0.7", 1234))
    async with AsyncClient(transport=transport, base_url="http://asked.test:8000") as client:
        return (await client.get("/", headers={name.replace("_", "-"): value for name, value in headers.items()})).text


async def test_addresses_follow_host_header() -> None:
    assert await base(APP) == "http://asked.test:8000"
    assert await base(APP, host="[::1]:9000") == "http://[::1]:9000"


@pytest.mark.parametrize("hostile", ['x"><script>', "a b", "user@host", "x/y", "x?y", "x#y", "", "x:123456"])
async def test_addresses_never_contain_malformed_host(hostile: str) -> None:
    assert await base(APP, host=hostile) == "http://asked.test:8000"


async def test_addresses_follow_forwarded_host_of_trusted_proxy() -> None:
    forwarded = {"x_forwarded_host": "cinema.example.org, inner.test", "x_forwarded_proto": "https"}
    assert await base(ProxyHeaders(APP, trusted="10.0.0.0/8"), **forwarded) == "https://cinema.example.org"
    assert await base(ProxyHeaders(APP, trusted="192.168.0.1"), **forwarded) == "http://asked.test:8000"
    assert await base(ProxyHeaders(APP, trusted="10.0.0.7")) == "http://asked.test:8000"


def test_reads_headers_of_proxies_once() -> None:
    scope: dict[str, Any] = {"type": "http", "client": ("10.0.0.7", 1), "scheme": "http"}
    scope["headers"] = [(b"x-forwarded-for", b"8.8.8.8, 10.0.0.9")]
    proxies = TrustedProxies("10.0.0.0/8")

    proxies.read_headers(scope)
    # Of another proxy, as far as the second look goes.
    scope["client"] = ("10.0.0.1", 1)
    proxies.read_headers(scope)

    assert scope["client"] == ("10.0.0.1", 1)
