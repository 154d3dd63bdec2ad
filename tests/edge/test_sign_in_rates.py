"""Sign-ins and sign-ups have limits: for each place and each account, one count for every door."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from httpx import ASGITransport, AsyncClient, Response

from config.settings import Settings
from db.engine import Database
from runtime.connection_limits import find_network
from runtime.rate_limits import Rate
from tests.support.factories import make_user

PASSWORD = "correct horse battery"
SIGN_IN = "mutation ($name: String!, $password: String!) { signIn(input: {identity: {email: $name}, password: $password}) { token } }"
SIGN_UP = "mutation ($name: String!, $password: String!) { signUp(input: {identity: {email: $name}, password: $password}) { token } }"
Door = Callable[[AsyncClient, str], Awaitable[Response]]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, limits=replace(settings.limits, sign_in=Rate(3, 60), sign_up=Rate(3, 60)))


async def v1_sign_in(client: AsyncClient, name: str) -> Response:
    return await client.post("/v1/auth/signin", json={"email": name, "password": PASSWORD})


async def login(client: AsyncClient, name: str) -> Response:
    return await client.post("/login/", json={"username": name, "password": PASSWORD})


async def graphql_sign_in(client: AsyncClient, name: str) -> Response:
    body = {"query": SIGN_IN, "variables": {"name": name, "password": PASSWORD}}
    return await client.post("/graphql", json=body)


async def v1_sign_up(client: AsyncClient, name: str) -> Response:
    return await client.post("/v1/auth/signup", json={"email": name, "password": PASSWORD})


async def register(client: AsyncClient, name: str) -> Response:
    return await client.post("/register/", json={"username": name, "password": PASSWORD})


async def graphql_sign_up(client: AsyncClient, name: str) -> Response:
    body = {"query": SIGN_UP, "variables": {"name": name, "password": PASSWORD}}
    return await client.post("/graphql", json=body)


SIGN_INS = [v1_sign_in, login, graphql_sign_in]
SIGN_UPS = [v1_sign_up, register, graphql_sign_up]


def is_limited(response: Response) -> bool:
    """Return whether a sign-in or sign-up was refused for its limit, by any door."""
    if response.request.url.path == "/graphql":
        codes = [error["extensions"]["code"] for error in response.json().get("errors", ())]
        assert codes in ([], ["RATE_LIMITED"])
        return bool(codes)
    return response.status_code == 429


@pytest.mark.parametrize("last", SIGN_INS)
async def test_sign_ins_from_an_address_are_one_count_for_all_doors(client: AsyncClient, last: Door) -> None:
    answers = [await door(client, f"user{n}@example.org") for n, door in enumerate((*SIGN_INS, last))]
    assert list(map(is_limited, answers)) == [False, False, False, True]


@pytest.mark.parametrize("last", SIGN_UPS)
async def test_sign_ups_from_an_address_are_one_count_for_all_doors(client: AsyncClient, last: Door) -> None:
    answers = [await door(client, f"user{n}@example.org") for n, door in enumerate((*SIGN_UPS, last))]
    assert list(map(is_limited, answers)) == [False, False, False, True]


async def test_sign_ins_and_sign_ups_are_counted_apart(client: AsyncClient) -> None:
    answers = [await v1_sign_up(client, f"user{n}@example.org") for n in range(3)]
    answers += [await v1_sign_in(client, f"user{n}@example.org") for n in range(3)]
    assert [answer.status_code for answer in answers] == [201] * 3 + [200] * 3


def from_address(client: AsyncClient, address: str) -> AsyncClient:
    """Return a client of the same server elsewhere."""
    transport = client._transport  # noqa: SLF001 - there is no other way to it
    assert isinstance(transport, ASGITransport)
    return AsyncClient(transport=ASGITransport(transport.app, client=(address, 1)), base_url=client.base_url)


async def test_sign_ins_into_an_account_are_one_count_for_all_addresses(client: AsyncClient) -> None:
    names = ["ada@example.org", "Ada@example.org", "ADA@EXAMPLE.ORG", "ada@example.org", "alan@example.org"]
    answers = [await v1_sign_in(from_address(client, f"192.0.2.{n}"), name) for n, name in enumerate(names)]
    assert list(map(is_limited, answers)) == [False, False, False, True, False]


async def test_an_address_over_its_limit_does_not_use_up_that_of_an_account(client: AsyncClient) -> None:
    here, elsewhere = (from_address(client, address) for address in ("192.0.2.1", "192.0.2.2"))
    for name in ("a@example.org", "b@example.org", "c@example.org", *["ada@example.org"] * 5):
        await v1_sign_in(here, name)
    assert (await v1_sign_in(elsewhere, "ada@example.org")).headers["ratelimit"].startswith('"sign-in";r=2;t=')


async def test_a_network_of_ipv6_is_one_address(client: AsyncClient) -> None:
    addresses = ["2001:db8::1", "2001:db8::2", "2001:db8::ffff:0:1", "2001:db8::3", "2001:db8:0:1::1"]
    answers = [await v1_sign_in(from_address(client, each), f"u{n}@example.org") for n, each in enumerate(addresses)]
    assert list(map(is_limited, answers)) == [False, False, False, True, False]


PLACES = {
    "192.0.2.1": "192.0.2.1",
    "::ffff:192.0.2.1": "192.0.2.1",
    "2001:db8::1": "2001:db8::/64",
    "2001:db8:0:0:ffff::": "2001:db8::/64",
    "2001:db8:0:1::1": "2001:db8:0:1::/64",
    "testclient": "testclient",
}


@pytest.mark.parametrize(("address", "expected"), PLACES.items())
def test_a_place_is_an_address_or_a_network(address: str, expected: str) -> None:
    assert find_network(address) == expected


async def test_a_refusal_by_rest_says_when_to_try_again(client: AsyncClient) -> None:
    answers = [await v1_sign_in(client, "ada@example.org") for _ in range(4)]
    refused = answers[-1]
    # Seconds left of the minute that the first attempt began; hashing takes its time.
    left = int(refused.headers["retry-after"])
    assert 50 <= left <= 60
    told = [answer.headers["ratelimit"].partition(";t=")[0] for answer in answers]
    assert told == ['"sign-in";r=2', '"sign-in";r=1', '"sign-in";r=0', '"sign-in";r=0']
    assert refused.headers["ratelimit"] == f'"sign-in";r=0;t={left}'
    assert refused.status_code == 429
    assert refused.headers["ratelimit-policy"] == '"sign-in";q=3;w=60'
    assert refused.json() == {
        "errors": [{"code": "rate_limited", "message": f"Too many requests. Try again in {left} seconds."}]
    }


async def test_a_refusal_by_graphql_is_in_the_errors_of_the_response(client: AsyncClient) -> None:
    *_, refused = [await graphql_sign_in(client, "ada@example.org") for _ in range(4)]
    assert refused.status_code == 200
    assert refused.json()["data"] == {"signIn": None}
    (error,) = refused.json()["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["signIn"], "RATE_LIMITED")
    # Seconds left of the minute that the first attempt began.
    left = int(refused.headers["retry-after"])
    assert refused.headers["ratelimit"] == f'"sign-in";r=0;t={left}'
    assert 1 <= left <= 60


async def test_right_passwords_count_as_wrong_ones_do(client: AsyncClient, database: Database) -> None:
    await make_user(database, email="ada@example.org")
    answers = [await v1_sign_in(client, "ada@example.org") for _ in range(4)]
    assert is_limited(answers[-1])
