"""Offers: the movies that providers sell, their prices, the state of providers, and publishing a movie."""

from contextlib import suppress
from decimal import Decimal

from db import ids, lists, paging
from db.models import MovieOffer
from db.paging import Page, Window
from domain import offer
from domain.offer import Price, Standing
from errors import UpstreamUnavailable
from resolvers.context import Context


async def list_offers(context: Context, window: Window, *, search: str | None) -> Page[MovieOffer]:
    """Return a page of offers; raise UpstreamUnavailable where no provider has answered yet."""
    await context.services.prices.await_known()
    listing = lists.list_offers(search_for=search)
    return await paging.read_page(context.database.primary, context.database.cursors, listing, window)


async def offer_by_id(context: Context, public_id: str) -> MovieOffer | None:
    """Return an offer, None where no provider sells it."""
    return await find_sold_offer(context, ids.expect("mof", public_id, "id"))


async def find_sold_offer(context: Context, offer_id: int) -> MovieOffer | None:
    """Return an offer that a provider sells."""
    await context.services.prices.await_known()
    found = await context.loaders.offer_by_id.load(offer_id)
    return found if found and await load_prices(context, found) else None


async def load_prices(context: Context, row: MovieOffer) -> list[Price]:
    """Return an offer's prices, cheapest first."""

    async def load(offer_ids: list[int]) -> list[list[Price]]:
        fresh_seconds, names = context.services.prices.fresh_seconds, context.services.prices.names
        found = await offer.read_prices(context.database.primary, offer_ids, fresh_seconds=fresh_seconds, names=names)
        return [found[offer_id] for offer_id in offer_ids]

    return await context.loaders.batch("prices", load).load(row.id)


async def list_providers(context: Context) -> list[Standing]:
    """Return the standing of each provider at this moment."""
    with suppress(UpstreamUnavailable):
        await context.services.prices.await_known()
    return await context.services.prices.read_standings()


async def publish_movie(context: Context, provider: str, *, title: str, body: str, price: Decimal) -> str:
    """Publish a movie at a provider and return its id there. For staff."""
    await context.require_staff()
    offer.check_publishable(title=title, body=body, price=price)
    async with context.services.outside_transaction():
        return await context.services.prices.publish(provider, title=title, body=body, price=price)
