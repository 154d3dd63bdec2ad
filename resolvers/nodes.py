"""Any object by its id, visible to the same viewers as through its own field (Global Object Identification)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from db import ids
from db.models import Rating, SeatReservation
from errors import InvalidId, InvalidInput
from resolvers import bookings, collections, event_reservations, exports, offers, page_views, tickets, users
from resolvers.context import Context


async def find_own_rating(context: Context, rating_id: int) -> Rating | None:
    """Return a rating if it is the viewer's own."""
    found = await context.loaders.rating_by_id.load(rating_id) if context.actor else None
    return found if found and context.actor and found.user_id == context.actor.user_id else None


async def find_own_seat_reservation(context: Context, reservation_id: int) -> SeatReservation | None:
    """Return a change of seats if its booking is the viewer's own."""
    found = await context.loaders.seat_reservation_by_id.load(reservation_id) if context.actor else None
    return found if found and await bookings.find_own_booking(context, found.booking_id) else None


BY_KIND: Final[dict[str, Callable[[Context, int], Awaitable[Any]]]] = {
    "usr": users.find_visible_user,
    "mov": lambda context, identity: context.loaders.movie_by_id.load(identity),
    "plc": lambda context, identity: context.loaders.place_by_id.load(identity),
    "ses": lambda context, identity: context.loaders.session_by_id.load(identity),
    "rat": find_own_rating,
    "bok": bookings.find_own_booking,
    "rsv": find_own_seat_reservation,
    "mof": offers.find_sold_offer,
    "exp": exports.find_visible_export,
    "trk": page_views.find_visible_page_view,
    "col": collections.find_own_collection,
    "evt": lambda context, identity: context.loaders.event_by_id.load(identity),
    "evr": event_reservations.find_visible_reservation,
    "shw": lambda context, identity: context.loaders.show_by_id.load(identity),
    "tkt": tickets.find_visible_ticket,
}


async def find_node(context: Context, public_id: str) -> Any:
    """Return the object, None where there is none or the viewer may not see it; raise InvalidId on a malformed id."""
    kind, identity = expect_node_id(public_id, "id")
    return await BY_KIND[kind](context, identity)


async def find_nodes(context: Context, public_ids: Sequence[str]) -> list[Any]:
    """Return an object for each id, in their order, and an InvalidId in the place of each malformed id.

    The executor reports an exception in a list at its position. Raises InvalidInput for too many ids.
    """
    most = context.services.settings.limits.ids
    if len(public_ids) > most:
        raise InvalidInput(path=("ids",), field="ids", problem=f"must be at most {most}")
    return list(await asyncio.gather(*(find_node_or_refusal(context, each, at) for at, each in enumerate(public_ids))))


async def find_node_or_refusal(context: Context, public_id: str, place: int) -> Any:
    """Return the object at a place of a list of ids, or the InvalidId of a malformed id."""
    try:
        kind, identity = expect_node_id(public_id, "ids", str(place))
    except InvalidId as refusal:
        return refusal
    return await BY_KIND[kind](context, identity)


def expect_node_id(public_id: str, *path: str) -> tuple[str, int]:
    """Return kind and snowflake of an id of any kind; raise InvalidId where it is none."""
    kind = public_id.partition("_")[0]
    identity = ids.decode(kind, public_id) if kind in BY_KIND else None
    if identity is None:
        raise InvalidId(path=path, field=".".join(path), kind="a node", example=ids.encode("mov", 7262193846145024))
    return kind, identity
