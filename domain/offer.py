"""Prices of one movie at several providers: which entries mean the same movie, which is the cheapest, what is stale."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from db import paging, selects
from db.engine import Reading
from db.models import MovieOffer, ProviderMovie
from domain.text import find_text_faults
from errors import InvalidInput, Refusal, refuse

# So many failures in a row, and a provider counts as down; the same as the client's breaker.
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
    """What a movie costs at a provider. `stale` is true where it is the last known price of one that did not answer."""

    provider: str
    provider_movie_id: str
    price: Decimal
    fetched_at: datetime
    stale: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How a provider did when it was asked last, seen at one moment of the database's clock."""

    name: str
    answered_at: datetime | None = None
    failures: int = 0
    last_error: str | None = None
    age: timedelta | None = None

    @property
    def known(self) -> bool:
        """Whether it has ever answered."""
        return self.answered_at is not None

    @property
    def failing(self) -> bool:
        """Whether it did not answer when it was asked last."""
        return self.failures > 0

    def fresh(self, seconds: float) -> bool:
        """Return whether its last answer is no older than that."""
        return self.age is not None and self.age <= timedelta(seconds=seconds)

    def stale(self, seconds: float) -> bool:
        """Return whether its prices are only the last known ones."""
        return self.failing and not self.fresh(seconds)

    @property
    def state(self) -> str:
        """`up`, `degraded` after failures, `down` after five in a row or where it has never answered."""
        if not self.known or self.failures >= DOWN_AFTER:
            return "down"
        return "degraded" if self.failing else "up"


async def read_standings(reading: Reading, names: Sequence[str]) -> list[Standing]:
    """Return how these providers did, in the order of their names; one that was never asked has failed nothing."""
    rows = await reading.tuples(PROVIDERS, names=list(names))
    found = {
        name: Standing(name, answered_at, failures, last_error, now - answered_at if answered_at else None)
        for name, answered_at, failures, last_error, now in rows
    }
    return [found.get(name, Standing(name)) for name in names]


async def read_prices(
    reading: Reading, offer_ids: Sequence[int], *, fresh_seconds: float, names: Sequence[str]
) -> dict[int, list[Price]]:
    """Return the prices of each offer, cheapest first: one for each of the named providers that sells it."""
    rows = await reading.rows(ProviderMovie, PRICES, offers=list(offer_ids))
    told = {standing.name: standing for standing in await read_standings(reading, names)}
    found: dict[int, list[Price]] = {offer_id: [] for offer_id in offer_ids}
    for row in rows:
        standing = told.get(row.provider)
        if row.price is not None and row.priced_at is not None:
            stale = standing is None or standing.stale(fresh_seconds) or was_left_out(standing, row.priced_at)
            price = Price(row.provider, row.provider_movie_id, row.price, row.priced_at, stale)
            found[row.offer_id].append(price)
    return {offer_id: select_cheapest(each) for offer_id, each in found.items()}


def was_left_out(standing: Standing, priced_at: datetime) -> bool:
    """Return whether a provider answered later without this price: then it is as old as a silent provider's."""
    return standing.answered_at is not None and priced_at < standing.answered_at


def select_cheapest(found: Iterable[Price]) -> list[Price]:
    """Return a provider's cheapest price each; of equal ones a fresh before a stale, then by the provider's name."""
    ordered = sorted(found, key=lambda each: (each.price, each.stale, each.provider, each.provider_movie_id))
    first: dict[str, Price] = {}
    for each in ordered:
        first.setdefault(each.provider, each)
    return list(first.values())


def check_publishable(*, title: str, body: str, price: Decimal) -> None:
    """Raise all that is wrong with a movie for a provider."""
    faults: list[Refusal] = [
        *find_text_faults("title", title, longest=LONGEST_TITLE),
        *find_text_faults("body", body, longest=LONGEST_BODY),
    ]
    # Fifteen digits are what every reader of JSON numbers keeps.
    if not 0 <= price < DEAREST or price != round(price, DECIMALS):
        problem = f"must be 0 or more and less than {DEAREST}, with at most {DECIMALS} digits behind the point"
        faults.append(InvalidInput(path=("input", "price"), field="price", problem=problem))
    refuse(faults)


def format_price(price: Decimal) -> str:
    """Return a price as a decimal number without an exponent, with every digit that it came with: "24.50"."""
    return f"{price:f}"
