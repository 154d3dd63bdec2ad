"""Stores the answers of providers: entries, their prices, the offers that they belong to, and failures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from db import search
from db.engine import Transaction
from domain.offer_assignment import reassign_offers
from domain.offer_matching import Member

# One writer at a time: two that match the same new movie at once would make two offers of it.
LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('matinee prices'))"
NOW: Final = "SELECT clock_timestamp()"
KNOWN: Final = """
    SELECT provider_movie_id, title, year, poster, listed, offer_id FROM provider_movies
    WHERE provider = %(provider)s AND provider_movie_id = ANY (%(ids)s)
"""
SEE: Final = """
    INSERT INTO provider_movies AS seen
        (provider, provider_movie_id, offer_id, title, year, poster, price, priced_at, listed, first_seen_at, last_seen_at)
    SELECT %(provider)s, id, offer_id, title, year, poster, price, CASE WHEN priced THEN %(at)s::timestamptz END,
        true, %(at)s, %(at)s
    FROM unnest(%(ids)s::text[], %(offers)s::bigint[], %(titles)s::text[], %(years)s::text[], %(posters)s::text[],
        %(prices)s::numeric[], %(priced)s::boolean[]) AS entry (id, offer_id, title, year, poster, price, priced)
    ON CONFLICT (provider, provider_movie_id) DO UPDATE SET
        offer_id = excluded.offer_id, title = excluded.title, year = excluded.year, poster = excluded.poster,
        -- Without a detail the price is unknown and stays; a detail without a price removes it.
        price = CASE WHEN excluded.priced_at IS NULL THEN seen.price ELSE excluded.price END,
        priced_at = coalesce(excluded.priced_at, seen.priced_at),
        listed = true, last_seen_at = excluded.last_seen_at
"""
NO_LONGER_LISTED: Final = """
    UPDATE provider_movies SET listed = false
    WHERE provider = %(provider)s AND listed AND provider_movie_id <> ALL (%(ids)s)
    RETURNING offer_id
"""
# An offer takes its title, year and poster from its entries: listed ones first, then by the provider's name.
DESCRIBE: Final = """
    UPDATE movie_offers SET title = described.title, year = described.year, poster = described.poster
    FROM (
        SELECT offer_id,
            (array_agg(title ORDER BY listed DESC, provider, provider_movie_id))[1] AS title,
            (array_agg(year ORDER BY listed DESC, provider, provider_movie_id) FILTER (WHERE year IS NOT NULL))[1] AS year,
            (array_agg(poster ORDER BY listed DESC, provider, provider_movie_id) FILTER (WHERE poster IS NOT NULL))[1]
                AS poster
        FROM provider_movies WHERE offer_id = ANY (%(offers)s) GROUP BY offer_id
    ) AS described
    WHERE movie_offers.id = described.offer_id
        AND (movie_offers.title, movie_offers.year, movie_offers.poster)
            IS DISTINCT FROM (described.title, described.year, described.poster)
"""
ANSWERED: Final = """
    INSERT INTO price_providers (name, answered_at) VALUES (%(provider)s, %(at)s)
    ON CONFLICT (name) DO UPDATE SET answered_at = excluded.answered_at, failures = 0
"""
FAILED: Final = """
    INSERT INTO price_providers (name, failed_at, failures, last_error)
    VALUES (%(provider)s, clock_timestamp(), 1, %(reason)s)
    ON CONFLICT (name) DO UPDATE SET
        failed_at = excluded.failed_at, failures = price_providers.failures + 1, last_error = excluded.last_error
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A movie as a provider describes it. `priced` is false where its price is in a detail that could not be read."""

    provider_movie_id: str
    title: str
    year: str | None
    poster: str | None
    price: Decimal | None
    priced: bool = True


async def store_entries(tx: Transaction, *, provider: str, entries: Sequence[Entry]) -> None:
    """Store the whole list that a provider has sent.

    An entry whose title, year or poster has changed, or which is sold again, is matched again, and so are the other entries of
    its offer, and those of an offer with an entry that is no longer sold.
    """
    await tx.value(LOCK)
    at = await tx.value(NOW)
    ids = [entry.provider_movie_id for entry in entries]
    gone = await tx.tuples(NO_LONGER_LISTED, provider=provider, ids=ids)
    rows = await tx.tuples(KNOWN, provider=provider, ids=ids)
    offers = {identity: offer_id for identity, *_, offer_id in rows}
    known = {row[:4] for row in rows if row[4]}
    changed = [each for each in entries if (each.provider_movie_id, each.title, each.year, each.poster) not in known]
    before = {offers[entry.provider_movie_id] for entry in changed if entry.provider_movie_id in offers}
    before |= {offer_id for (offer_id,) in gone}
    joined = await reassign_offers(tx, _make_members(provider, changed), before=before) if changed or gone else {}
    offers |= {identity: offer_id for (name, identity), offer_id in joined.items() if name == provider}
    await _upsert_entries(tx, provider, entries, offers, at)
    if joined or before:
        await tx.execute(DESCRIBE, offers=sorted(before | set(joined.values())))
    await tx.execute(ANSWERED, provider=provider, at=at)


async def record_failure(tx: Transaction, *, provider: str, reason: str) -> None:
    """Record that a provider did not answer; `reason` is public."""
    await tx.execute(FAILED, provider=provider, reason=reason)


def _make_members(provider: str, entries: Sequence[Entry]) -> dict[Member, str]:
    """Return entries as matching compares them, with their titles."""
    return {
        Member(provider, each.provider_movie_id, search.fold(each.title), each.year): each.title for each in entries
    }


async def _upsert_entries(
    tx: Transaction, provider: str, entries: Sequence[Entry], offers: dict[str, int], at: datetime
) -> None:
    await tx.execute(
        SEE,
        provider=provider,
        at=at,
        ids=[entry.provider_movie_id for entry in entries],
        offers=[offers[entry.provider_movie_id] for entry in entries],
        titles=[entry.title for entry in entries],
        years=[entry.year for entry in entries],
        posters=[entry.poster for entry in entries],
        prices=[entry.price for entry in entries],
        priced=[entry.priced for entry in entries],
    )
