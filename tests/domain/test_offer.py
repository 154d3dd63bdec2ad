"""The cheapest price is the cheapest: exact, with ties, zero and stale ones."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from db.engine import Database
from domain import offer
from domain.offer import Price, Standing, format_price, select_cheapest
from errors import InvalidInput, Refusals
from tests.support.prices import entry, fall_silent, offers_of, tell

NAMES = ("cinemaworld", "filmworld")
NOW = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)


def price(provider: str, amount: str, identity: str = "x", *, stale: bool = False) -> Price:
    return Price(provider, identity, Decimal(amount), NOW, stale)


def test_prices_are_ordered_to_the_last_digit() -> None:
    low, high = price("filmworld", "0.30000000000000000001"), price("cinemaworld", "0.30000000000000000002")
    assert select_cheapest([high, low]) == [low, high]


def test_price_of_zero_is_cheapest() -> None:
    free, cheap = price("filmworld", "0"), price("cinemaworld", "0.01")
    assert select_cheapest([cheap, free])[0] is free


def test_equal_prices_are_ordered_by_provider() -> None:
    ours, theirs = price("cinemaworld", "24.50"), price("filmworld", "24.5")
    assert select_cheapest([theirs, ours]) == [ours, theirs]


def test_equal_prices_are_ordered_fresh_before_stale() -> None:
    stale, fresh = price("cinemaworld", "10", stale=True), price("filmworld", "10")
    assert select_cheapest([stale, fresh]) == [fresh, stale]


def test_provider_with_two_prices_has_its_cheapest() -> None:
    found = select_cheapest([price("filmworld", "9", "b"), price("filmworld", "8", "a"), price("cinemaworld", "10")])
    assert [(each.provider, each.provider_movie_id) for each in found] == [("filmworld", "a"), ("cinemaworld", "x")]


@pytest.mark.parametrize(("amount", "text"), [("24.50", "24.50"), ("1E+2", "100"), ("0", "0"), ("0.0", "0.0")])
def test_prices_are_written_without_exponent(amount: str, text: str) -> None:
    assert format_price(Decimal(amount)) == text


@pytest.mark.parametrize(
    ("standing", "state"),
    [
        (Standing("x"), "down"),
        (Standing("x", NOW, failures=0, age=timedelta(0)), "up"),
        (Standing("x", NOW, failures=1, age=timedelta(0)), "degraded"),
        (Standing("x", NOW, failures=5, age=timedelta(0)), "down"),
        (Standing("x", failures=1), "down"),
    ],
)
def test_state_of_provider_follows_its_latest_requests(standing: Standing, state: str) -> None:
    assert standing.state == state


async def test_prices_of_failing_provider_are_stale(database: Database) -> None:
    await tell(database, "cinemaworld", entry("cw1", price="12"))
    await tell(database, "filmworld", entry("fw1", price="11"))
    await fall_silent(database, "filmworld")
    offer_id = (await offers_of(database, "cinemaworld"))["cw1"]

    found = await offer.read_prices(database.primary, [offer_id], fresh_seconds=5, names=NAMES)

    assert [(each.provider, each.stale) for each in found[offer_id]] == [("filmworld", True), ("cinemaworld", False)]


async def test_failure_while_answer_is_fresh_makes_no_price_stale(database: Database) -> None:
    await tell(database, "cinemaworld", entry("cw1"))
    await fall_silent(database, "cinemaworld", age=1)
    offer_id = (await offers_of(database, "cinemaworld"))["cw1"]

    (found,) = (await offer.read_prices(database.primary, [offer_id], fresh_seconds=5, names=NAMES))[offer_id]

    assert not found.stale


async def test_prices_of_unconfigured_provider_are_stale(database: Database) -> None:
    await tell(database, "cinemaworld", entry("cw1"))
    offer_id = (await offers_of(database, "cinemaworld"))["cw1"]

    (found,) = (await offer.read_prices(database.primary, [offer_id], fresh_seconds=5, names=()))[offer_id]

    assert found.stale


async def test_price_of_entry_listed_again_without_price_is_stale(database: Database) -> None:
    await tell(database, "cinemaworld", entry("cw1", price="12"), entry("cw2", title="Alien", price="9"))
    # Listed in the next answer too, but its price is neither there nor in a detail that could be read.
    again = replace(entry("cw1", price=None), priced=False)
    await tell(database, "cinemaworld", again, entry("cw2", title="Alien", price="9"))
    offer_ids = await offers_of(database, "cinemaworld")

    found = await offer.read_prices(database.primary, list(offer_ids.values()), fresh_seconds=5, names=NAMES)

    states = {
        identity: [(str(each.price), each.stale) for each in found[offer_ids[identity]]] for identity in offer_ids
    }
    assert states == {"cw1": [("12", True)], "cw2": [("9", False)]}


@pytest.mark.parametrize("amount", ["-0.01", "1000000000", "0.0000001"])
def test_refuses_to_publish_price_that_json_would_change(amount: str) -> None:
    with pytest.raises(InvalidInput):
        offer.check_publishable(title="A", body="B", price=Decimal(amount))


def test_refuses_all_faults_of_publication_at_once() -> None:
    with pytest.raises(Refusals) as refused:
        offer.check_publishable(title="", body="", price=Decimal(-1))
    assert len(refused.value.exceptions) == 3
