"""The pages for developers: nothing of theirs comes from elsewhere, and they say so when they are not installed."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from web import tools


async def _graphql(_request: Request) -> Response:
    return tools.make_graphiql_page()


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=[Route("/graphql", _graphql), *tools.routes()])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://cinema.test") as opened:
        yield opened


@pytest.mark.parametrize("path", ["/graphql", "/docs"])
async def test_tool_pages_load_existing_files_of_this_server_only(client: httpx.AsyncClient, path: str) -> None:
    page = await client.get(path)
    assert page.status_code == 200
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(addresses) >= 4
    for address in addresses:
        assert address.startswith("/assets/tools/")
        asset = await client.get(address)
        assert asset.status_code == 200
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert re.match(r"text/javascript|text/css|image/svg", asset.headers["content-type"])


@pytest.mark.parametrize("path", ["/graphql", "/docs"])
async def test_tool_pages_forbid_inline_scripts_and_foreign_origins(client: httpx.AsyncClient, path: str) -> None:
    page = await client.get(path)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "//" not in policy
    assert not re.search(r"<script(?![^>]* src=)", page.text)


async def test_file_without_version_in_address_is_revalidated(
    client: httpx.AsyncClient,
) -> None:
    asset = await client.get("/assets/tools/tools.css")
    assert asset.headers["cache-control"] == "public, no-cache"


@pytest.mark.parametrize("name", ["package.json", "..%2F..%2Fsettings.py", "%2Fetc%2Fpasswd"])
async def test_serves_nothing_but_files_of_tool_pages(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/assets/tools/{name}")).status_code == 404


@pytest.mark.parametrize(("path", "name"), [("/graphql", "graphiql.js"), ("/docs", "swagger-ui.js")])
async def test_tool_page_tells_how_to_install_missing_files(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, path: str, name: str
) -> None:
    monkeypatch.setitem(tools.FILES, name, Path("not-there.js"))
    page = await client.get(path)
    assert page.status_code == 503
    assert "make tools" in page.text
    assert name in page.text
    assert (await client.get(f"/assets/tools/{name}")).status_code == 404


def test_tool_pages_below_path_load_files_from_below_it() -> None:
    text = bytes(tools.make_graphiql_page("/cinema").body).decode()
    assert 'data-base="/cinema"' in text
    assert all(each.startswith("/cinema/assets/tools/") for each in re.findall(r'(?:href|src)="([^"]+)"', text))
