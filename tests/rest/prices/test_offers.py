"""Prices of two providers over /v1, and through GraphQL the very same."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from httpx import AsyncClient

from config.settings import Settings
from db.engine import Database
from tests.support.answers import codes
from tests.support.documents import barred, done, refused
from tests.support.factories import make_user
from tests.support.graphql_client import GraphQL
from tests.support.price_party import TOKEN, PriceParty, price_party
from tests.support.prices import fall_silent, make_export
from upstreams import providers

CW = {
    "Movies": [
        {"ID": "cw1", "Title": "Star Wars", "Year": "1977", "Poster": "https://posters.test/1.jpg", "Price": "24.50"},
        {"ID": "cw2", "Title": "Alien", "Year": "1979", "Price": "0"},
        {"ID": "cw3", "Title": "Brazil", "Year": "1985", "Price": "free"},
    ]
}
FW = [
    {"id": "fw1", "title": "STAR WARS!", "year": 1977, "price": 24.5},
    {"id": "fw9", "title": "Álien", "price": "0.01"},
    {"id": "fw8", "title": "Diva", "year": "1981", "price": 9.95},
]
OFFERS = """query ($first: Int, $after: String, $search: String) {
    offers(first: $first, after: $after, search: $search) {
        totalCount pageInfo { hasNextPage endCursor }
        nodes { id title year poster cheapest { provider price } prices { provider providerMovieId price fetchedAt stale } }
    }
}"""


@pytest.fixture
def cinemaworld() -> Iterator[PriceParty]:
    with price_party(CW) as party:
        yield party


@pytest.fixture
def filmworld() -> Iterator[PriceParty]:
    with price_party(FW) as party:
        yield party


@pytest.fixture
def settings(settings: Settings, cinemaworld: PriceParty, filmworld: PriceParty) -> Settings:
    return replace(
        settings,
        cinemaworld_url=cinemaworld.url,
        cinemaworld_token=TOKEN,
        filmworld_url=filmworld.url,
        filmworld_token=TOKEN,
    )


async def listed(client: AsyncClient, **parameters: Any) -> dict[str, Any]:
    response = await client.get("/v1/offers", params=parameters)
    assert response.status_code == 200, response.text
    assert TOKEN not in response.text
    return dict(response.json())


def amounts(offer: dict[str, Any]) -> list[tuple[str, str, bool]]:
    return [(each["provider"], each["price"], each["stale"]) for each in offer["prices"]]


async def test_lists_every_movie_with_a_price_cheapest_first(client: AsyncClient) -> None:
    body = await listed(client)

    assert [offer["title"] for offer in body["offers"]] == ["Alien", "Diva", "Star Wars"]
    alien, diva, star_wars = body["offers"]
    assert amounts(alien) == [("cinemaworld", "0", False), ("filmworld", "0.01", False)]
    assert amounts(diva) == [("filmworld", "9.95", False)]
    assert amounts(star_wars) == [("cinemaworld", "24.50", False), ("filmworld", "24.5", False)]
    assert all(offer["cheapest"] == offer["prices"][0] for offer in body["offers"])
    assert (star_wars["year"], star_wars["poster"]) == ("1977", "https://posters.test/1.jpg")
    assert star_wars["prices"][1]["provider_movie_id"] == "fw1"
    assert body["metadata"]["has_more"] is False


@pytest.mark.parametrize("query", ["%25", "_", "%5C", "%FF", "%C3%28", "%ED%A0%80"])
async def test_search_for_symbols_or_bytes_that_are_no_utf8_does_not_find_everything(
    client: AsyncClient, query: str
) -> None:
    response = await client.get(f"/v1/offers?search={query}")
    assert (response.status_code, response.json()["offers"]) == (200, [])


async def test_finds_offer_by_id(client: AsyncClient) -> None:
    (wanted,) = (await listed(client, search="diva"))["offers"]

    assert (await client.get(f"/v1/offers/{wanted['id']}")).json() == {"offer": wanted}


@pytest.mark.parametrize("wrong", ["mof_1", "mov_1", "x", "mof_01"])
async def test_hides_offer_that_no_provider_sells(client: AsyncClient, wrong: str) -> None:
    response = await client.get(f"/v1/offers/{wrong}")

    assert (response.status_code, codes(response)) == (404, ["offer_not_found"])


async def test_hides_offer_that_no_provider_sells_any_more(
    client: AsyncClient, database: Database, filmworld: PriceParty
) -> None:
    (wanted,) = (await listed(client, search="diva"))["offers"]
    filmworld.movies = FW[:1]
    await database.primary.tuples(
        "UPDATE price_providers SET answered_at = answered_at - interval '1 minute' RETURNING 1"
    )

    assert (await client.get(f"/v1/offers/{wanted['id']}")).status_code == 404
    assert (await listed(client, search="diva"))["offers"] == []


async def test_cursors_continue_pages_in_rest_and_graphql(client: AsyncClient, graphql: GraphQL) -> None:
    first = await listed(client, limit=1)
    second = await listed(client, limit=1, cursor=first["metadata"]["end_cursor"])
    third = await graphql(OFFERS, {"first": 1, "after": second["metadata"]["end_cursor"]})

    assert [first["offers"][0]["title"], second["offers"][0]["title"]] == ["Alien", "Diva"]
    assert [node["title"] for node in third.data["offers"]["nodes"]] == ["Star Wars"]
    assert third.data["offers"]["pageInfo"]["hasNextPage"] is False
    assert third.data["offers"]["totalCount"] == 3


@pytest.mark.parametrize(
    ("parameters", "code"),
    [({"limit": 0}, "invalid_limit"), ({"limit": "x"}, "invalid_limit"), ({"cursor": "x"}, "invalid_cursor")],
)
async def test_refuses_invalid_pages(client: AsyncClient, parameters: dict[str, Any], code: str) -> None:
    response = await client.get("/v1/offers", params=parameters)

    assert (response.status_code, codes(response)) == (422, [code])


async def test_search_forgives_a_typing_error(client: AsyncClient) -> None:
    assert [offer["title"] for offer in (await listed(client, search="star wras"))["offers"]] == ["Star Wars"]


async def test_graphql_answers_the_same_prices(client: AsyncClient, graphql: GraphQL) -> None:
    rest = (await listed(client))["offers"]
    nodes = (await graphql(OFFERS)).data["offers"]["nodes"]

    assert [node["id"] for node in nodes] == [offer["id"] for offer in rest]
    for node, offer in zip(nodes, rest, strict=True):
        assert (node["title"], node["year"], node["poster"]) == (offer["title"], offer["year"], offer["poster"])
        assert [list(each.values()) for each in node["prices"]] == [list(each.values()) for each in offer["prices"]]
        assert node["cheapest"]["price"] == offer["cheapest"]["price"]


async def test_graphql_finds_offer_as_node(client: AsyncClient, graphql: GraphQL) -> None:
    (wanted,) = (await listed(client, search="diva"))["offers"]
    document = """query ($id: ID!) {
        movieOffer(id: $id) { title } node(id: $id) { id ... on MovieOffer { title } }
    }"""

    data = (await graphql(document, {"id": wanted["id"]})).data
    assert data == {"movieOffer": {"title": "Diva"}, "node": {"id": wanted["id"], "title": "Diva"}}
    assert (await graphql(document, {"id": "mof_1"})).data == {"movieOffer": None, "node": None}


async def test_marks_last_known_prices_as_stale(
    client: AsyncClient, database: Database, cinemaworld: PriceParty, filmworld: PriceParty
) -> None:
    await listed(client)
    cinemaworld.status = filmworld.status = 503
    for provider in ("cinemaworld", "filmworld"):
        await fall_silent(database, provider)

    body = await listed(client)
    assert {each["stale"] for offer in body["offers"] for each in offer["prices"]} == {True}


async def test_answers_503_by_rest_and_graphql_without_known_prices(
    client: AsyncClient, graphql: GraphQL, cinemaworld: PriceParty, filmworld: PriceParty
) -> None:
    cinemaworld.status = filmworld.status = 401
    response = await client.get("/v1/offers")
    assert (response.status_code, codes(response)) == (503, ["upstream_unavailable"])
    assert TOKEN not in response.text

    answer = await graphql(OFFERS)
    assert answer.codes == ["UPSTREAM_UNAVAILABLE"]

    told = (await graphql("{ providers { name state lastSuccessAt lastError } }")).data["providers"]
    assert told == [
        {"name": name, "state": "DOWN", "lastSuccessAt": None, "lastError": "our credentials are refused"}
        for name in ("cinemaworld", "filmworld")
    ]


@pytest.fixture
def patient_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all attempts of a call end before its deadline, on a busy machine too."""
    monkeypatch.setattr(providers, "LIMITS", replace(providers.LIMITS, deadline=60.0))


@pytest.mark.usefixtures("patient_calls")
async def test_reports_why_provider_is_down(graphql: GraphQL, filmworld: PriceParty) -> None:
    filmworld.status = 500
    up, down = (await graphql("{ providers { name state lastSuccessAt lastError } }")).data["providers"]

    assert (up["name"], up["state"], up["lastError"]) == ("cinemaworld", "UP", None)
    assert up["lastSuccessAt"].endswith("Z")
    assert (down["name"], down["state"], down["lastError"]) == ("filmworld", "DOWN", "status 500")


async def test_staff_publish_movie_at_provider(graphql: GraphQL, database: Database, filmworld: PriceParty) -> None:
    staff = await make_user(database, is_staff=True)
    given: dict[str, Any] = {"provider": "filmworld", "title": "Dune", "body": "Sand.", "price": "24.10"}
    payload = await done(graphql, "publishMovie", by=staff, **given)

    assert payload["providerMovieId"] == "new1"
    assert filmworld.posted == [{"title": "Dune", "body": "Sand.", "price": 24.1}]


@pytest.mark.parametrize(
    ("wrong", "refusals"),
    [
        ({"provider": "nobody"}, [("NotFound", "PROVIDER_NOT_FOUND", ["input", "provider"])]),
        ({"title": " "}, [("InvalidInput", "INVALID_INPUT", ["input", "title"])]),
        ({"price": "-1"}, [("InvalidInput", "INVALID_INPUT", ["input", "price"])]),
    ],
)
async def test_refuses_invalid_movie_to_publish(
    graphql: GraphQL, database: Database, wrong: dict[str, Any], refusals: list[Any]
) -> None:
    staff = await make_user(database, is_staff=True)
    given = {"provider": "filmworld", "title": "Dune", "body": "Sand.", "price": "1"} | wrong

    assert await refused(graphql, "publishMovie", by=staff, **given) == refusals


async def test_provider_that_is_down_hides_nothing(graphql: GraphQL, database: Database, filmworld: PriceParty) -> None:
    staff = await make_user(database, is_staff=True)
    filmworld.status = 500
    given: dict[str, Any] = {"provider": "filmworld", "title": "Dune", "body": "Sand.", "price": "1"}

    found = await refused(graphql, "publishMovie", by=staff, **given)
    assert found == [("UpstreamUnavailable", "UPSTREAM_UNAVAILABLE", [])]


async def test_refuses_movie_from_users_who_are_not_staff(graphql: GraphQL, database: Database) -> None:
    given: dict[str, Any] = {"provider": "filmworld", "title": "Dune", "body": "Sand.", "price": "1"}
    assert await barred(graphql, "publishMovie", by=None, **given) == "UNAUTHENTICATED"
    assert await barred(graphql, "publishMovie", by=await make_user(database), **given) == "FORBIDDEN"


@pytest.mark.parametrize("price", ["x", "NaN", "Infinity", "", "1e999999", "1" * 200])
async def test_refuses_invalid_decimal_price(graphql: GraphQL, price: str) -> None:
    document = """mutation ($price: Decimal!) {
        publishMovie(input: {provider: "filmworld", title: "a", body: "b", price: $price}) { providerMovieId }
    }"""
    assert (await graphql(document, {"price": price})).codes == ["INVALID_INPUT"]


async def test_refuses_id_of_an_export_as_offer(client: AsyncClient, database: Database) -> None:
    made = await make_export(database)
    assert (await client.get(f"/v1/offers/exp_{made.id}")).status_code == 404
