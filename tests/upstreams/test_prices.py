"""Prices arrive in time whatever providers do, are shared by all who ask, and are never passed off as fresh."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from structlog.testing import capture_logs

from app import make_providers
from config.settings import Settings
from db.engine import Database
from errors import InvalidInput, ProviderNotFound, UpstreamUnavailable
from runtime.server import listen
from tests.support.lived import lived
from tests.support.price_party import TOKEN, PriceParty, price_party
from tests.support.prices import fall_silent
from upstreams.metrics import UpstreamMetrics
from upstreams.prices import Prices

# All of it is about who waits for how long.
pytestmark = pytest.mark.alone

PATIENCE_SECONDS = 10.0
CW = {"Movies": [{"ID": "cw1", "Title": "Star Wars", "Year": "1977"}]}
CW_DETAILS = {"cw1": {"ID": "cw1", "Price": "12.50"}}
FW = [{"id": "fw1", "title": "Star Wars", "year": "1977", "price": 11}]


@pytest.fixture
def cinemaworld() -> Iterator[PriceParty]:
    with price_party(CW, details=dict(CW_DETAILS)) as party:
        yield party


@pytest.fixture
def filmworld() -> Iterator[PriceParty]:
    with price_party(FW) as party:
        yield party


@pytest.fixture
def told(settings: Settings, cinemaworld: PriceParty, filmworld: PriceParty) -> Settings:
    """Settings that lead to both."""
    return replace(
        settings,
        cinemaworld_url=cinemaworld.url,
        cinemaworld_token=TOKEN,
        filmworld_url=filmworld.url,
        filmworld_token=TOKEN,
    )


@asynccontextmanager
async def asking(
    database: Database, told: Settings, *, fresh_seconds: float = 5, registry: CollectorRegistry | None = None
) -> AsyncIterator[Prices]:
    made = Prices(
        database, make_providers(told, UpstreamMetrics(registry or CollectorRegistry())), fresh_seconds=fresh_seconds
    )
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
async def prices(database: Database, told: Settings) -> AsyncIterator[Prices]:
    async with asking(database, told) as made:
        yield made


@pytest.fixture
def dead() -> str:
    """An address where nobody listens."""
    with listen("127.0.0.1", 0) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


async def ready(prices: Prices) -> float:
    """Return the seconds that a caller waits."""
    with lived() as spent:
        await prices.await_known()
    return spent.seconds


async def known(database: Database) -> dict[str, Decimal | None]:
    return dict(await database.primary.tuples("SELECT provider_movie_id, price FROM provider_movies"))


async def states(prices: Prices) -> list[str]:
    return [standing.state for standing in await prices.read_standings()]


async def test_prices_of_both_providers_are_matched(prices: Prices, database: Database) -> None:
    await prices.await_known()

    assert await known(database) == {"cw1": Decimal("12.50"), "fw1": Decimal(11)}
    assert await database.primary.value("SELECT count(DISTINCT offer_id) FROM provider_movies") == 1
    assert await states(prices) == ["up", "up"]


async def test_token_is_sent_to_its_provider_only(
    database: Database, told: Settings, cinemaworld: PriceParty, filmworld: PriceParty
) -> None:
    registry = CollectorRegistry()
    filmworld.status = 401
    with capture_logs() as lines:
        async with asking(database, told, registry=registry) as prices:
            await prices.await_known()
            found = await prices.read_standings()

    assert cinemaworld.tokens == filmworld.tokens == {TOKEN}
    assert found[1].last_error == "our credentials are refused"
    everything = f"{lines}{found}{told}{generate_latest(registry).decode()}"
    assert TOKEN not in everything
    assert TOKEN not in str(await database.primary.tuples("SELECT * FROM price_providers"))


async def test_slow_providers_are_requested_concurrently(
    prices: Prices, cinemaworld: PriceParty, filmworld: PriceParty
) -> None:
    cinemaworld.movies, cinemaworld.latency, filmworld.latency = FW, 0.6, 0.6

    started = time.monotonic()
    assert await ready(prices) < 1.2
    assert time.monotonic() - started >= 0.6


async def test_first_caller_does_not_wait_for_details(
    prices: Prices, database: Database, cinemaworld: PriceParty, filmworld: PriceParty
) -> None:
    cinemaworld.latency = filmworld.latency = 0.6
    assert await ready(prices) < 1.2
    assert await known(database) == {"fw1": Decimal(11)}
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await known(database) != {"cw1": Decimal("12.50"), "fw1": Decimal(11)}:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.05)


async def test_known_details_are_requested_beside_list(
    prices: Prices, database: Database, cinemaworld: PriceParty
) -> None:
    await prices.refresh()
    cinemaworld.latency = 0.4
    cinemaworld.details = {"cw1": {"price": "13"}}
    with lived() as spent:
        await prices.refresh()

    assert spent.seconds < 0.7
    assert (await known(database))["cw1"] == 13


async def test_hanging_provider_does_not_delay_prices_of_other(
    prices: Prices, database: Database, filmworld: PriceParty
) -> None:
    filmworld.hanging = True

    assert await ready(prices) < 2.4
    assert await known(database) == {"cw1": Decimal("12.50")}
    assert await states(prices) == ["up", "down"]
    # It is known to be silent now: it is asked again, but nobody waits.
    assert await ready(prices) < 0.3


async def test_hanging_detail_leaves_out_its_price_only(
    prices: Prices, database: Database, cinemaworld: PriceParty
) -> None:
    cinemaworld.movies = {"Movies": [*CW["Movies"], {"ID": "cw2", "Title": "Alien", "Price": "7"}]}
    cinemaworld.hanging_details = True

    assert await ready(prices) < 1.2
    await prices.refresh()
    assert await known(database) == {"cw1": None, "cw2": Decimal(7), "fw1": Decimal(11)}
    assert await states(prices) == ["up", "up"]


async def test_first_caller_gets_prices_of_list_whose_details_hang(
    prices: Prices, database: Database, filmworld: PriceParty
) -> None:
    filmworld.movies = [*FW, {"id": "fw2", "title": "Alien", "price": None}]
    filmworld.hanging_details = True

    assert await ready(prices) < 1.2
    assert await known(database) == {"cw1": Decimal("12.50"), "fw1": Decimal(11), "fw2": None}


async def test_provider_without_any_price_has_failed(prices: Prices, cinemaworld: PriceParty) -> None:
    cinemaworld.hanging_details = True
    await prices.refresh()

    assert [standing.last_error for standing in await prices.read_standings()] == ["no prices", None]


async def test_known_prices_are_answered_at_once_when_providers_fail(
    database: Database, told: Settings, prices: Prices, dead: str
) -> None:
    await prices.await_known()
    await fall_silent(database, "cinemaworld")
    await fall_silent(database, "filmworld")
    gone = replace(told, cinemaworld_url=dead, filmworld_url=dead)
    async with asking(database, gone) as after:
        assert await ready(after) < 0.3
        assert all(standing.is_stale(5) for standing in await after.read_standings())


async def test_first_caller_of_failing_providers_waits_half_a_second_at_most(
    database: Database, told: Settings, prices: Prices, dead: str
) -> None:
    await prices.await_known()
    async with asking(database, replace(told, cinemaworld_url=dead, filmworld_url=dead), fresh_seconds=0) as after:
        assert await ready(after) < 0.9
        assert await states(after) == ["degraded", "degraded"]


async def test_failing_providers_without_known_prices_are_unavailable(
    database: Database, told: Settings, dead: str
) -> None:
    async with asking(database, replace(told, cinemaworld_url=dead, filmworld_url=dead)) as prices:
        with lived() as spent, pytest.raises(UpstreamUnavailable):
            await prices.await_known()

        assert spent.seconds < 2.4
        assert await states(prices) == ["down", "down"]


async def test_no_configured_provider_is_unavailable(database: Database, settings: Settings) -> None:
    async with asking(database, settings) as prices:
        with pytest.raises(UpstreamUnavailable):
            await prices.await_known()


async def test_concurrent_callers_share_one_request(
    prices: Prices, cinemaworld: PriceParty, filmworld: PriceParty
) -> None:
    filmworld.latency = cinemaworld.latency = 0.1
    await asyncio.gather(*(prices.await_known() for _ in range(50)))

    assert (cinemaworld.lists, filmworld.lists) == (1, 1)


async def test_fresh_answer_is_reused_by_other_servers(
    prices: Prices, database: Database, told: Settings, filmworld: PriceParty
) -> None:
    await prices.await_known()
    async with asking(database, told) as other:
        await other.await_known()

    assert filmworld.lists == 1


async def test_answer_is_renewed_in_background_before_it_is_old(
    database: Database, told: Settings, filmworld: PriceParty
) -> None:
    async with asking(database, told, fresh_seconds=2.0) as prices:
        await prices.await_known()
        before = [standing.answered_at for standing in await prices.read_standings()]
        filmworld.latency = 0.2
        await asyncio.sleep(1.1)
        assert await ready(prices) < 0.15
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not {each.answered_at for each in await prices.read_standings()}.isdisjoint(before):  # noqa: ASYNC110 - the same
                await asyncio.sleep(0.05)

        assert filmworld.lists == 2


async def test_provider_that_recovers_is_fresh_again(prices: Prices, database: Database, filmworld: PriceParty) -> None:
    filmworld.status = 500
    await prices.await_known()
    assert await states(prices) == ["up", "down"]

    filmworld.status = 200
    await asyncio.sleep(1.1)
    await prices.await_known()
    async with asyncio.timeout(3):
        while await states(prices) != ["up", "up"]:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.05)
    assert (await known(database))["fw1"] == 11


async def test_unreadable_entries_are_counted(database: Database, told: Settings, filmworld: PriceParty) -> None:
    registry = CollectorRegistry()
    filmworld.movies = [*FW, {"title": "no id"}, 7]
    async with asking(database, told, registry=registry) as prices:
        await prices.await_known()

    assert 'matinee_upstream_entries_skipped_total{upstream="filmworld"} 2.0' in generate_latest(registry).decode()
    assert (await known(database))["fw1"] == 11


async def test_publishes_movie_with_exact_price(prices: Prices, filmworld: PriceParty) -> None:
    identity = await prices.publish("filmworld", title="Dune", body="Sand.", price=Decimal("24.10"))

    assert identity == "new1"
    assert filmworld.posted == [{"title": "Dune", "body": "Sand.", "price": 24.1}]


async def test_refusal_of_provider_is_invalid_input(prices: Prices, filmworld: PriceParty) -> None:
    filmworld.status = 422
    with pytest.raises(InvalidInput):
        await prices.publish("filmworld", title="Dune", body="Sand.", price=Decimal(1))
    with pytest.raises(ProviderNotFound):
        await prices.publish("nobody", title="Dune", body="Sand.", price=Decimal(1))
