"""The storefront's session: a cookie that only its own pages can use, and that REST does not know."""

from typing import Final

import pytest
from httpx import AsyncClient, Response

from db.engine import Database
from tests.support.factories import bearer, make_user

HOST: Final = "http://cinema.local"
OURS: Final = {"Sec-Fetch-Site": "same-origin"}
KEEP: Final = {**OURS, "Matinee-Session": "keep"}
SIGN_UP: Final = """
    mutation { signUp(input: {identity: {email: "ada@example.org"}, password: "correct horse battery"}) { user { id } errors { code } } }
"""
VIEWER: Final = "{ viewer { email } }"
COOKIE: Final = "matinee_session"


async def send(client: AsyncClient, query: str, **headers: str) -> Response:
    return await client.post("/graphql", json={"query": query}, headers=headers)


async def viewer(client: AsyncClient, headers: dict[str, str], token: str) -> dict[str, str] | None:
    answer = await client.post("/graphql", json={"query": VIEWER}, headers={**headers, "Cookie": f"{COOKIE}={token}"})
    seen: dict[str, str] | None = answer.json()["data"]["viewer"]
    return seen


@pytest.fixture
async def token(client: AsyncClient) -> str:
    """The token that a page's sign-up has left in the cookie."""
    answer = await client.post("/graphql", json={"query": SIGN_UP}, headers=KEEP)
    client.cookies.clear()
    return answer.headers["set-cookie"].partition(";")[0].removeprefix(f"{COOKIE}=")


async def test_a_token_is_kept_where_no_script_and_no_other_site_gets_at_it(client: AsyncClient) -> None:
    answer = await client.post("/graphql", json={"query": SIGN_UP}, headers=KEEP)
    found = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    # The public address of the tests is an https one.
    assert found == {"httponly", "secure", "samesite=strict", "path=/", "max-age=86400"}


async def test_a_refused_sign_in_leaves_no_cookie(client: AsyncClient) -> None:
    wrong = 'mutation { signIn(input: {identity: {email: "a@b.example"}, password: "wrong one"}) { token } }'
    answer = await client.post("/graphql", json={"query": wrong}, headers=KEEP)
    assert answer.json()["data"]["signIn"]["token"] is None
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [{}, OURS, {"Matinee-Session": "keep"}, {"Matinee-Session": "keep", "Sec-Fetch-Site": "cross-site"}],
    ids=["program", "page that does not ask", "program that asks", "other site"],
)
async def test_nobody_gets_a_cookie_but_a_page_of_ours_that_asks(client: AsyncClient, headers: dict[str, str]) -> None:
    answer = await client.post("/graphql", json={"query": SIGN_UP}, headers=headers)
    assert answer.json()["data"]["signUp"]["user"]
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        OURS,
        {"Origin": HOST},
        {"Origin": "https://cinema.test"},
        {"Referer": f"{HOST}/prices"},
        {**OURS, "Origin": "https://behind.a.proxy"},
    ],
    ids=["fetch metadata", "origin", "public origin", "page of a link", "fetch metadata says more"],
)
async def test_the_cookie_counts_for_a_page_of_ours(client: AsyncClient, token: str, headers: dict[str, str]) -> None:
    assert await viewer(client, headers, token) == {"email": "ada@example.org"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": HOST},
        {"Origin": "http://cinema.local.evil.example"},
        {"Origin": "http://cinema.local:81"},
        {"Origin": "null"},
        {"Origin": "null", "Referer": f"{HOST}/prices"},
        {"Origin": "http://[broken"},
        {"Referer": "http://evil.example/cinema.local"},
    ],
)
async def test_the_cookie_counts_for_nobody_else(client: AsyncClient, token: str, headers: dict[str, str]) -> None:
    assert await viewer(client, headers, token) is None


async def test_another_sites_form_cannot_change_anything(client: AsyncClient, token: str) -> None:
    sent = {**OURS, "Cookie": f"{COOKIE}={token}", "Content-Type": "text/plain"}
    answer = await client.post(
        "/graphql", content=b'{"query": "mutation { resetRequestCount { requestCount } }"}', headers=sent
    )
    assert answer.status_code == 415


async def test_a_header_goes_before_the_cookie(client: AsyncClient, database: Database, token: str) -> None:
    other = await make_user(database, email="grace@example.org")
    assert await viewer(client, {**OURS, **bearer(other)}, token) == {"email": "grace@example.org"}
    refused = await client.post(
        "/graphql",
        json={"query": VIEWER},
        headers={**OURS, "Authorization": "Bearer no", "Cookie": f"{COOKIE}={token}"},
    )
    assert refused.status_code == 401


@pytest.mark.parametrize("spoilt", ["", "no-token", '"', "eyJhbGciOiJub25lIn0.e30."])
async def test_a_cookie_that_is_not_good_is_nobodys_and_is_taken_away(client: AsyncClient, spoilt: str) -> None:
    answer = await client.post(
        "/graphql", json={"query": VIEWER}, headers={**OURS, "Cookie": f"{COOKIE}={spoilt}; theme=dark"}
    )
    assert answer.json()["data"] == {"viewer": None}
    assert "Max-Age=0" in answer.headers["set-cookie"]


async def test_somebody_without_a_cookie_is_sent_none(client: AsyncClient) -> None:
    assert "set-cookie" not in (await client.post("/graphql", json={"query": VIEWER}, headers=OURS)).headers


async def test_signing_out_takes_the_cookie_away(client: AsyncClient) -> None:
    answer = await client.delete("/session", headers=OURS)
    assert answer.status_code == 204
    assert f'{COOKIE}=""' in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]


@pytest.mark.parametrize("path", ["/v1/bookings", "/v1/exports/exp_1", "/collection/", "/movies/"])
async def test_rest_does_not_know_the_cookie(client: AsyncClient, token: str, path: str) -> None:
    answer = await client.get(path, headers={**OURS, "Cookie": f"{COOKIE}={token}"})
    assert answer.status_code == 401


@pytest.mark.parametrize(("site", "status"), [("same-origin", 404), ("none", 404), ("cross-site", 401), (None, 401)])
async def test_a_link_to_a_download_is_signed_in_by_it(
    client: AsyncClient, token: str, site: str | None, status: int
) -> None:
    sent = {"Cookie": f"{COOKIE}={token}", **({"Sec-Fetch-Site": site} if site else {})}
    # There is no such export: whoever is signed in is told so.
    assert (await client.get("/v1/exports/exp_1/movies.csv", headers=sent)).status_code == status
