"""Offers: movies with the price of each provider, cheapest first."""

from collections.abc import Sequence
from typing import Final

from starlette.responses import Response

import errors
from db import ids, lists
from db.models import MovieOffer
from db.paging import LIMITS
from domain import offer
from domain.offer import format_price
from edge.services import Services
from rest.endpoint import Call, Caller, Endpoint, render_json
from rest.pages import build_metadata, read_page
from rest.payloads import Query
from rest.prices import payloads
from rest.prices.payloads import OffersQuery

TAG: Final = "Prices"


async def list_offers(call: Call[OffersQuery]) -> Response:
    """Answer a page of the movies that providers sell."""
    database = call.services.database
    await call.services.prices.await_known()
    found = await read_page(
        database.primary, database.cursors, lists.list_offers(search_for=call.asked.search), call.asked
    )
    body: payloads.OfferPage = {
        "offers": await render_offers(call.services, found.rows),
        "metadata": build_metadata(found),
    }
    return render_json(body)


async def get_offer(call: Call[Query]) -> Response:
    """Answer one movie that is sold."""
    offer_id = call.read_path_id("offer_id")
    await call.services.prices.await_known()
    found = await call.services.database.primary.row(MovieOffer, offer.BY_ID, ids=[offer_id])
    told = await render_offers(call.services, [found] if found else [])
    if not told or not told[0]["prices"]:
        raise errors.OfferNotFound
    body: payloads.OfferAnswer = {"offer": told[0]}
    return render_json(body)


async def render_offers(services: Services, rows: Sequence[MovieOffer]) -> list[payloads.Offer]:
    """Return offers with their prices as they are answered."""
    fresh_seconds, names = services.prices.fresh_seconds, services.prices.names
    found = await offer.read_prices(
        services.database.primary, [row.id for row in rows], fresh_seconds=fresh_seconds, names=names
    )
    return [render_offer(row, found[row.id]) for row in rows]


def render_offer(row: MovieOffer, found: Sequence[offer.Price]) -> payloads.Offer:
    """Return an offer as it is answered."""
    told: list[payloads.Price] = [
        {
            "provider": each.provider,
            "provider_movie_id": each.provider_movie_id,
            "price": format_price(each.price),
            "fetched_at": each.fetched_at,
            "stale": each.stale,
        }
        for each in found
    ]
    return {
        "id": ids.encode("mof", row.id),
        "title": row.title,
        "year": row.year,
        "poster": row.poster,
        "prices": told,
        "cheapest": told[0] if told else None,
    }


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/v1/offers",
        answer=list_offers,
        takes=OffersQuery,
        caller=Caller.KNOWN_OR_NOT,
        answers={200: payloads.OfferPage},
        refusals=(
            errors.InvalidLimit(field="limit", problem=LIMITS),
            errors.InvalidCursor(field="cursor"),
            errors.UpstreamUnavailable(),
        ),
        tag=TAG,
        summary="Compare prices",
        description="By title. A provider that does not answer is shown with its last known prices, marked `stale`.",
    ),
    Endpoint(
        method="GET",
        path="/v1/offers/{offer_id}",
        answer=get_offer,
        takes=Query,
        caller=Caller.KNOWN_OR_NOT,
        answers={200: payloads.OfferAnswer},
        refusals=(errors.UpstreamUnavailable(),),
        tag=TAG,
        summary="Compare the prices of a movie",
        description="One movie with the price of each provider, cheapest first.",
    ),
)
