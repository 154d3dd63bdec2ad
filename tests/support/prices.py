"""Prices for tests: entries as providers tell them, kept as they are kept in earnest."""

from decimal import Decimal
from typing import Any

from db.engine import Database
from db.models import MovieExport
from domain import provider_movie
from domain.provider_movie import Entry
from tests.support.factories import insert

PROVIDER_ROWS = "SELECT provider_movie_id, offer_id FROM provider_movies WHERE provider = %(provider)s"


def entry(identity: str, title: str = "Star Wars", year: str | None = "1977", price: str | None = "10") -> Entry:
    """Return a priced entry; None stands for one whose price cannot be read."""
    return Entry(identity, title, year, None, None if price is None else Decimal(price))


async def tell(database: Database, provider: str, *entries: Entry) -> None:
    """Let a provider answer this list."""
    async with database.transaction() as tx:
        await provider_movie.store_entries(tx, provider=provider, entries=entries)


async def fall_silent(database: Database, provider: str, *, reason: str = "no connection", age: float = 60.0) -> None:
    """Let a provider fail, whose last answer is so many seconds old."""
    statement = (
        "UPDATE price_providers SET answered_at = answered_at - %(age)s * interval '1 second' WHERE name = %(name)s"
        " RETURNING 1"
    )
    await database.primary.value(statement, age=age, name=provider)
    statement = (
        "UPDATE provider_movies SET priced_at = priced_at - %(age)s * interval '1 second' WHERE provider = %(name)s"
        " RETURNING 1"
    )
    await database.primary.tuples(statement, age=age, name=provider)
    async with database.transaction() as tx:
        await provider_movie.record_failure(tx, provider=provider, reason=reason)


async def offers_of(database: Database, provider: str) -> dict[str, int]:
    """Return the offer of each of a provider's entries."""
    return dict(await database.primary.tuples(PROVIDER_ROWS, provider=provider))


async def make_seen(database: Database, number: int) -> None:
    """Let a provider have so many movies, seen just now, without the way through its API."""
    await database.primary.tuples(
        "WITH made AS (INSERT INTO movie_offers (title) VALUES ('Any') RETURNING id)"
        " INSERT INTO provider_movies (provider, provider_movie_id, offer_id, title, year, price)"
        " SELECT 'cinemaworld', 'cw' || n, made.id, 'Movie ' || n, '1999', n / 100.0"
        " FROM made, generate_series(1, %(number)s) AS n RETURNING 1",
        number=number,
    )


async def make_export(database: Database, **columns: Any) -> Any:  # noqa: ANN401 - a row of SQLModel
    """Return an export that nobody has queued."""
    return await insert(database, MovieExport, **{"status": "queued"} | columns)
