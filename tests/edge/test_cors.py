"""Pages of listed origins can call every address; others are refused, and no cookie counts from elsewhere."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from httpx import ASGITransport, AsyncClient, Response

from app import create_app
from config.settings import Settings

LISTED = "https://app.example.org"
OTHER = "https://evil.example.org"


def client(settings: Settings, *origins: str) -> AsyncClient:
    app = create_app(replace(settings, cors=origins), with_jobs=False)
    return AsyncClient(transport=ASGITransport(app=app), base_url="http://test")


@pytest.fixture
async def listed(settings: Settings) -> AsyncIterator[AsyncClient]:
    """A server that lists one origin."""
    async with client(settings, LISTED) as found:
        yield found


async def preflight(asking: AsyncClient, path: str, *, origin: str = LISTED, method: str = "POST") -> Response:
    asks = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key,x-anything",
    }
    return await asking.options(path, headers=asks)


@pytest.mark.parametrize(
    "path", ["/graphql", "/v1/movies", "/events/", "/collection/", "/api/book-ticket", "/openapi.json"]
)
async def test_answers_preflight_of_listed_origin_at_every_address(listed: AsyncClient, path: str) -> None:
    answer = await preflight(listed, path)

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == LISTED
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "x-anything" in answer.headers["access-control-allow-headers"]
    assert int(answer.headers["access-control-max-age"]) >= 600
    assert "Origin" in answer.headers["vary"]


async def test_refuses_preflight_of_other_origin_in_json(listed: AsyncClient) -> None:
    answer = await preflight(listed, "/graphql", origin=OTHER)

    assert answer.status_code == 403
    assert answer.json()["errors"][0]["code"] == "forbidden"
    assert "access-control-allow-origin" not in answer.headers


async def test_exposes_headers_that_programs_need(listed: AsyncClient) -> None:
    answer = await listed.get("/livez", headers={"Origin": LISTED})

    assert answer.headers["access-control-allow-origin"] == LISTED
    exposed = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert exposed >= {
        "ratelimit", "ratelimit-policy", "retry-after", "x-request-id", "location", "link", "x-total-count", "etag",
        "idempotent-replayed",
    }  # fmt: skip


async def test_marks_no_answer_for_other_origin(listed: AsyncClient) -> None:
    answer = await listed.get("/livez", headers={"Origin": OTHER})

    assert "access-control-allow-origin" not in answer.headers
    assert "Origin" in answer.headers["vary"]


async def test_any_origin_comes_without_credentials(settings: Settings) -> None:
    async with client(settings, "*") as asking:
        answer = await preflight(asking, "/graphql", origin=OTHER)
        got = await asking.get("/livez", headers={"Origin": OTHER, "Cookie": "matinee_session=x"})

    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert "access-control-allow-credentials" not in got.headers


async def test_without_origins_preflight_is_an_ordinary_request(settings: Settings) -> None:
    async with client(settings) as asking:
        answer = await preflight(asking, "/v1/movies")

    assert answer.status_code == 405
    assert "access-control-allow-origin" not in answer.headers


def test_development_allows_any_origin_and_production_none(settings: Settings) -> None:
    assert replace(settings, cors=None, environment="development").cors_origins == ("*",)
    assert replace(settings, cors=None, environment="production").cors_origins == ()
    assert replace(settings, cors=(LISTED,), environment="production").cors_origins == (LISTED,)
