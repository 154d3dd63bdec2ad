"""GET /movies/: the third party's own list, whatever state it is in."""

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient

from db.engine import Database
from tests.support.answers import codes
from tests.support.catalogue_standin import CatalogueStandIn
from tests.support.factories import bearer, make_user
from tests.support.lived import lived
from upstreams.standin_catalogue import list_movies


@pytest.fixture
async def headers(database: Database) -> dict[str, str]:
    return bearer(await make_user(database))


async def test_rewrites_page_addresses_to_this_server(client: AsyncClient, headers: dict[str, str]) -> None:
    response = await client.get("/movies/?page=2", headers=headers)

    assert response.status_code == 200
    assert response.json() == {
        "count": len(list_movies()),
        "next": "https://cinema.test/movies/?page=3",
        "previous": "https://cinema.test/movies/?page=1",
        "data": list_movies()[10:20],
    }


async def test_links_lead_from_the_first_page_to_the_last(client: AsyncClient, headers: dict[str, str]) -> None:
    pages: list[dict[str, Any]] = [(await client.get("/movies/", headers=headers)).json()]
    while pages[-1]["next"]:
        path = pages[-1]["next"].removeprefix("https://cinema.test")
        pages.append((await client.get(path, headers=headers)).json())

    assert [movie for page in pages for movie in page["data"]] == list_movies()
    assert pages[0]["previous"] is None


@pytest.mark.parametrize("page", ["0", "-1", "24", "1000", "9" * 40])
async def test_answers_404_beyond_the_last_page(client: AsyncClient, headers: dict[str, str], page: str) -> None:
    response = await client.get(f"/movies/?page={page}", headers=headers)

    assert response.status_code == 404
    assert codes(response) == ["route_not_found"]


@pytest.mark.parametrize("page", ["x", "1.5", "", "٣", "1&page=2"])
async def test_refuses_page_that_is_not_a_number(client: AsyncClient, headers: dict[str, str], page: str) -> None:
    response = await client.get(f"/movies/?page={page}", headers=headers)

    assert response.status_code == 422
    assert codes(response) == ["invalid_input"]


async def test_asks_the_catalogue_and_not_the_database(
    client: AsyncClient, headers: dict[str, str], statements: list[str]
) -> None:
    statements.clear()

    await client.get("/movies/", headers=headers)

    assert statements == []


@pytest.mark.alone
async def test_retries_hide_failures_of_half_the_answers(
    client: AsyncClient, headers: dict[str, str], catalogue: CatalogueStandIn
) -> None:
    catalogue.behave(error_rate=0.25, timeout_rate=0.25)

    async def answered() -> bool:
        with lived() as spent:
            response = await client.get("/movies/", headers=headers)
        return response.status_code == 200 and spent.seconds < 3

    found = [await asyncio.gather(*(answered() for _ in range(25))) for _ in range(4)]

    assert sum(map(sum, found)) >= 99


@pytest.mark.alone
async def test_answers_503_within_the_deadline_then_at_once_when_catalogue_is_down(
    client: AsyncClient, headers: dict[str, str], catalogue: CatalogueStandIn
) -> None:
    catalogue.behave(timeout_rate=1)
    with lived() as spent:
        refused = await asyncio.gather(*(client.get("/movies/", headers=headers) for _ in range(5)))

    # It would answer now, so that a refusal comes from a server that does not ask it.
    catalogue.behave()
    refused.append(await client.get("/movies/", headers=headers))

    assert spent.seconds < 5
    for response in refused:
        assert response.status_code == 503
        assert response.headers["retry-after"] == "10"
        assert codes(response) == ["upstream_unavailable"]
    metrics = (await client.get("/metrics")).text
    assert 'matinee_upstream_breaker_open{upstream="catalogue"} 1.0' in metrics
