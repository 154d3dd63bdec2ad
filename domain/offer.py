"""Prices of one movie at several providers: which is the cheapest, and which are stale."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from db import paging, selects
from db.engine import StatementRunner
from db.models import MovieOffer, ProviderMovie
from domain.text import find_text_faults
from errors import InvalidInput, Refusal, refuse

# After this many failures in a row a provider is down, as for the client's circuit breaker.
DOWN_AFTER: Final = 5
LONGEST_TITLE: Final = 200
LONGEST_BODY: Final = 5000
DEAREST: Final = 10**9
DECIMALS: Final = 6
BY_ID: Final = paging.compile_sql(selects.select_by_ids(MovieOffer))
PRICES: Final = """
    SELECT provider, provider_movie_id, offer_id, price, priced_at FROM provider_movies
    WHERE offer_id = ANY (%(offers)s) AND listed AND price IS NOT NULL
"""
PROVIDERS: Final = """
    SELECT name, answered_at, failures, last_error, clock_timestamp() AS now
    FROM price_providers WHERE name = ANY (%(names)s)
"""


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a movie at a provider. `stale` is true for the last known price of a provider that did not answer."""

    provider: str
    provider_movie_id: str
    price: Decimal
    fetched_at: datetime
    stale: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """The outcome of the latest request to a provider, with its age by the database's clock."""

    name: str
    answered_at: datetime | None = None
    failures: int = 0
    last_error: str | None = None
    age: timedelta | None = None

    @property
    def has_answered(self) -> bool:
        """Whether the provider has ever answered."""
        return self.answered_at is not None

    @property
    def is_failing(self) -> bool:
        """Whether the latest request failed."""
        return self.failures > 0

    def is_fresh(self, seconds: float) -> bool:
        """Return whether the latest answer is at most `seconds` old."""
        return self.age is not None and self.age <= timedelta(seconds=seconds)

    def is_stale(self, seconds: float) -> bool:
        """Return whether its prices are the last known ones, and older than `seconds`."""
        return self.is_failing and not self.is_fresh(seconds)

    @property
    def state(self) -> str:
        """`up`, `degraded` after a failure, `down` after five in a row or before the first answer."""
        if not self.has_answered or self.failures >= DOWN_AFTER:
            return "down"
        return "degraded" if self.is_failing else "up"


async def read_standings(runner: StatementRunner, names: Sequence[str]) -> list[Standing]:
    """Return the standing of each provider, in the order of `names`; one without a request has no failures."""
    rows = await runner.tuples(PROVIDERS, names=list(names))
    found = {
        name: Standing(name, answered_at, failures, last_error, now - answered_at if answered_at else None)
        for name, answered_at, failures, last_error, now in rows
    }
    return [found.get(name, Standing(name)) for name in names]


async def read_prices(
    runner: StatementRunner, offer_ids: Sequence[int], *, fresh_seconds: float, names: Sequence[str]
) -> dict[int, list[Price]]:
    """Return the prices of each offer, cheapest first: one for each of the named providers that sells it."""
    rows = await runner.rows(ProviderMovie, PRICES, offers=list(offer_ids))
    by_name = {standing.name: standing for standing in await read_standings(runner, names)}
    found: dict[int, list[Price]] = {offer_id: [] for offer_id in offer_ids}
    for row in rows:
        standing = by_name.get(row.provider)
        if row.price is not None and row.priced_at is not None:
            stale = standing is None or standing.is_stale(fresh_seconds) or was_left_out(standing, row.priced_at)
            price = Price(row.provider, row.provider_movie_id, row.price, row.priced_at, stale)
            found[row.offer_id].append(price)
    return {offer_id: select_cheapest(each) for offer_id, each in found.items()}


def was_left_out(standing: Standing, priced_at: datetime) -> bool:
    """Return whether a later answer of the provider had no price for this movie, so that this price is stale."""
    return standing.answered_at is not None and priced_at < standing.answered_at


def select_cheapest(found: Iterable[Price]) -> list[Price]:
    """Return the cheapest price of each provider, cheapest first; equal prices by freshness, then by the provider's name."""
    ordered = sorted(found, key=lambda each: (each.price, each.stale, each.provider, each.provider_movie_id))
    first: dict[str, Price] = {}
    for each in ordered:
        first.setdefault(each.provider, each)
    return list(first.values())


def check_publishable(*, title: str, body: str, price: Decimal) -> None:
    """Raise all faults of a movie that is to be published at a provider."""
    faults: list[Refusal] = [
        *find_text_faults("title", title, longest=LONGEST_TITLE),
        *find_text_faults("body", body, longest=LONGEST_BODY),
    ]
    # Every reader of JSON numbers keeps fifteen digits.
    if not 0 <= price < DEAREST or price != round(price, DECIMALS):
        problem = f"must be 0 or more and less than {DEAREST}, with at most {DECIMALS} digits behind the point"
        faults.append(InvalidInput(path=("input", "price"), field="price", problem=problem))
    refuse(faults)


def format_price(price: Decimal) -> str:
    """Return a price as a decimal number without an exponent, with all of its digits: "24.50"."""
    return f"{price:f}"
