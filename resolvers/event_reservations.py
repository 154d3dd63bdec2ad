"""Reservations of events: the viewer's own reservations, and all of them for staff."""

from datetime import datetime
from typing import Any

from db import ids, lists
from db.models import Event, EventReservation
from db.paging import Listing, Page, Window
from domain import event_reservation
from domain.event_reservation import Viewer
from loaders.by_parent import make_list_key
from resolvers.context import Context
from resolvers.planned_reads import Arguments


async def list_reservations(
    context: Context,
    user_id: int,
    window: Window,
    *,
    event_id: str | None,
    live_only: bool,
    date_from: datetime | None,
) -> Page[Any]:
    """Return a page of a user's reservations."""
    listing = make_reservation_list(user_id, event_id=event_id, live_only=live_only, date_from=date_from)
    return await context.loaders.private_page.load((make_list_key(listing), window))


def make_reservation_list(
    user_id: int, *, event_id: str | None, live_only: bool, date_from: datetime | None
) -> Listing[EventReservation]:
    """Return the list of a user's reservations for these arguments; raise InvalidId."""
    event = ids.expect("evt", event_id, "filter", "eventId") if event_id is not None else None
    return lists.list_event_reservations(user_id, event_id=event, live_only=live_only, date_from=date_from)


async def find_visible_reservation(context: Context, reservation_id: int) -> EventReservation | None:
    """Return a reservation if it is the viewer's, or they are staff.

    Reservations that REST made without a token are visible to staff only.
    """
    if context.actor is None:
        return None
    found = await context.loaders.event_reservation_by_id.load(reservation_id)
    own = found is not None and found.user_id == context.actor.user_id
    return found if own or await context.is_staff() else None


async def load_reserved_event(context: Context, row: EventReservation) -> Event | None:
    """Return the event that a reservation is for, even if it was deleted."""
    return await context.loaders.event_of_reservation.load(row.event_id)


async def reserve_tickets(context: Context, event_id: str, *, tickets: int) -> EventReservation:
    """Return the viewer's new reservation."""
    user_id, event = context.user_id, ids.expect("evt", event_id, "input", "eventId")
    return await event_reservation.reserve_tickets(
        context.services.reservation_commits, user_id=user_id, event_id=event, tickets=tickets
    )


async def update_reservation(context: Context, public_id: str, *, tickets: int) -> EventReservation:
    """Return the reservation with its new number of tickets."""
    viewer, reservation_id = Viewer(context.user_id), ids.expect("evr", public_id, "input", "id")
    return await event_reservation.change_tickets(
        context.services.reservation_commits, viewer=viewer, reservation_id=reservation_id, tickets=tickets
    )


async def cancel_reservation(context: Context, public_id: str) -> EventReservation:
    """Return the reservation, cancelled."""
    viewer, reservation_id = Viewer(context.user_id), ids.expect("evr", public_id, "input", "id")
    return await event_reservation.cancel_reservation(
        context.services.reservation_commits, viewer=viewer, reservation_id=reservation_id
    )


def bind_reservations(arguments: Arguments, user_id: int) -> Listing[EventReservation]:
    """Return the list of a user's reservations of events for the arguments of its field."""
    only = arguments.get("filter") or {}
    return make_reservation_list(
        user_id,
        event_id=only.get("eventId"),
        live_only=only.get("liveOnly", False),
        date_from=only.get("from"),
    )
