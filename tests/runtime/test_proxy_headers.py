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


async def test_address_without_a_host_is_the_one_of_the_connection() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - any ASGI app
        await APP(scope | {"server": ("::1", 8000)}, receive, send)

    assert await base(app, host="") == "http://[::1]:8000"


@pytest.mark.parametrize("hostile", ['x"><script>', "a b", "user@host", "x/y", "x?y", "x#y", "", "x:123456"])
async def test_addresses_never_contain_malformed_host(hostile: str) -> None:
    assert await base(APP, host=hostile) == "http://asked.test:8000"


async def test_addresses_follow_forwarded_host_of_trusted_proxy() -> None:
    forwarded = {"x_forwarded_host": "cinema.example.org", "x_forwarded_proto": "https"}
    assert await base(ProxyHeaders(APP, trusted="10.0.0.0/8"), **forwarded) == "https://cinema.example.org"
    assert await base(ProxyHeaders(APP, trusted="192.168.0.1"), **forwarded) == "http://asked.test:8000"
    assert await base(ProxyHeaders(APP, trusted="10.0.0.7")) == "http://asked.test:8000"


def read_headers(trusted: str, *headers: tuple[bytes, bytes], client: str = "10.0.0.7", kind: str = "http") -> str:
    """Return client, scheme and host of a request with these headers."""
    scope: dict[str, Any] = {"type": kind, "client": (client, 1), "scheme": "http"}
    scope["headers"] = [(b"host", b"asked.test"), *headers]
    TrustedProxies(trusted).read_headers(scope)
    return " ".join([scope["client"][0], scope["scheme"], dict(scope["headers"])[b"host"].decode()])


FOR, PROTO, HOST = b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"


def test_only_values_that_trusted_proxies_added_count() -> None:
    # The caller has sent values of its own, in lines of their own; two proxies have added theirs.
    headers = [
        (FOR, b"1.1.1.1"),
        (PROTO, b"ws"),
        (HOST, b"evil.test"),
        (FOR, b"8.8.8.8, 10.0.0.9"),
        (PROTO, b"https, http"),
        (HOST, b"cinema.test,inner.test"),
    ]

    assert read_headers("10.0.0.0/8", *headers) == "8.8.8.8 https cinema.test"
    # The outer proxy is not trusted: what it says is the word of a caller.
    assert read_headers("10.0.0.7", *headers) == "10.0.0.9 http inner.test"
    assert read_headers("10.0.0.8", *headers) == "10.0.0.7 http asked.test"


def test_one_value_counts_where_a_proxy_hands_it_on() -> None:
    headers = [(FOR, b"8.8.8.8, 10.0.0.9"), (PROTO, b"https"), (HOST, b"cinema.test")]

    assert read_headers("10.0.0.0/8", *headers) == "8.8.8.8 https cinema.test"


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (b"8.8.8.8:1234", "8.8.8.8"),
        (b"[2001:db8::1]:80", "2001:db8::1"),
        (b"2001:db8::1", "2001:db8::1"),
        (b"::ffff:8.8.8.8", "8.8.8.8"),
        (b"[::ffff:8.8.8.8]:80, ::ffff:10.0.0.9", "8.8.8.8"),
        (b"10.0.0.5, 10.0.0.9", "10.0.0.5"),
        (b"unknown", "unknown"),
        (b"8.8.8.8, " + b"1" * 9999, "1" * 9999),
        (b" , ", "10.0.0.7"),
        (b"", "10.0.0.7"),
    ],
)
def test_finds_address_of_caller(forwarded: bytes, client: str) -> None:
    assert read_headers("10.0.0.0/8", (FOR, forwarded)).split()[0] == client


def test_ignores_scheme_that_is_none() -> None:
    assert read_headers("10.0.0.0/8", (PROTO, b"javascript")).split()[1] == "http"
    assert read_headers("10.0.0.0/8", (PROTO, b"https"), kind="websocket").split()[1] == "wss"


@pytest.mark.parametrize(
    "trusted", ["10.0.0.7", "10.0.0.0/8", "::ffff:10.0.0.7", "::ffff:10.0.0.0/104", "::/0,10.0.0.7"]
)
@pytest.mark.parametrize("client", ["10.0.0.7", "::ffff:10.0.0.7"])
def test_knows_proxy_in_either_form_of_its_address(trusted: str, client: str) -> None:
    assert read_headers(trusted, (FOR, b"8.8.8.8"), client=client).split()[0] == "8.8.8.8"


def test_reads_headers_of_proxies_once() -> None:
    scope: dict[str, Any] = {"type": "http", "client": ("10.0.0.7", 1), "scheme": "http"}
    scope["headers"] = [(b"x-forwarded-for", b"8.8.8.8, 10.0.0.9")]
    proxies = TrustedProxies("10.0.0.0/8")

    proxies.read_headers(scope)
    # Of another proxy, as far as the second look goes.
    scope["client"] = ("10.0.0.1", 1)
    proxies.read_headers(scope)

    assert scope["client"] == ("10.0.0.1", 1)
