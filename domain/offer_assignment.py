"""Assigns the entries of providers to offers, again where entries have changed or are no longer sold."""

from collections.abc import Mapping, Sequence
from typing import Final

from db.engine import Transaction
from domain import offer_matching
from domain.offer_matching import Member, Offer

Name = tuple[str, str]

WITH_THEM: Final = """
    SELECT title, provider, provider_movie_id, title_key, year, true AS stays FROM provider_movies
    WHERE offer_id = ANY (%(offers)s) AND listed
"""
CANDIDATES: Final = """
    SELECT offer_id, listed, provider, provider_movie_id, title_key, year FROM provider_movies
    WHERE offer_id = ANY (%(offers)s) OR offer_id IN (
        SELECT offer_id FROM provider_movies WHERE tail = ANY (%(tails)s)
        UNION ALL SELECT offer_id FROM provider_movies WHERE title_key = ANY (%(keys)s) AND title_key <> ''
    )
    ORDER BY offer_id, provider, provider_movie_id
"""
ADD_OFFERS: Final = """
    INSERT INTO movie_offers (id, title)
    SELECT snowflake(), title FROM unnest(%(titles)s::text[]) WITH ORDINALITY AS new (title, place) ORDER BY place
    RETURNING id
"""
MOVE: Final = """
    UPDATE provider_movies SET offer_id = moved.offer_id
    FROM unnest(%(providers)s::text[], %(ids)s::text[], %(offers)s::bigint[]) AS moved (provider, id, offer_id)
    WHERE provider_movies.provider = moved.provider AND provider_movie_id = moved.id
        AND provider_movies.offer_id <> moved.offer_id
"""


async def reassign_offers(tx: Transaction, changed: Mapping[Member, str], *, before: set[int]) -> dict[Name, int]:
    """Return the offer of each changed entry (a key of `changed`, with its title) and of each entry of the offers in `before`.

    Entries of the offers in `before` are matched and moved again, because the entry that they matched may have changed.
    """
    titles = {member.name: title for member, title in changed.items()}
    rows = await tx.tuples(WITH_THEM, offers=sorted(before))
    moved = {Member(*columns): title for title, *columns in rows}
    with_them = {member: title for member, title in moved.items() if member.name not in titles}
    titles |= {member.name: title for member, title in with_them.items()}
    found = offer_matching.match_offers(
        [*changed, *with_them], await _find_candidates(tx, [*changed, *with_them], before)
    )
    await _add_offers(tx, [offer for offer in found if offer.id is None], titles)
    offers = {
        member.name: offer.id for offer in found for member in offer.members if offer.id and member.name in titles
    }
    await _move_entries(tx, {member.name: offers[member.name] for member in with_them})
    return offers


async def _find_candidates(tx: Transaction, entries: Sequence[Member], before: set[int]) -> list[Offer]:
    """Return the offers that an entry may belong to, without the entries that are matched again."""
    ours = {entry.name for entry in entries}
    tails = [entry.tail for entry in entries if entry.tail is not None]
    keys = [entry.title_key for entry in entries]
    offers: dict[int, Offer] = {}
    for offer_id, listed, *columns in await tx.tuples(CANDIDATES, offers=sorted(before), tails=tails, keys=keys):
        offer, member = offers.setdefault(offer_id, Offer(offer_id)), Member(*columns)
        if member.name in ours:
            offer.left.add(member.name)
        else:
            (offer.members if listed else offer.gone).append(member)
    return list(offers.values())


async def _add_offers(tx: Transaction, fresh: Sequence[Offer], titles: Mapping[Name, str]) -> None:
    """Insert new offers."""
    ids = await tx.tuples(ADD_OFFERS, titles=[titles[offer.members[0].name] for offer in fresh]) if fresh else []
    for offer, (identity,) in zip(fresh, ids, strict=True):
        offer.id = identity


async def _move_entries(tx: Transaction, offers: Mapping[Name, int]) -> None:
    """Move stored entries to their offers."""
    providers, ids = [provider for provider, _ in offers], [identity for _, identity in offers]
    if offers:
        await tx.execute(MOVE, providers=providers, ids=ids, offers=list(offers.values()))
