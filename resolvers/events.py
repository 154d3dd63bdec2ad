"""Events: lists, one by its id, and the mutations of staff."""

from datetime import datetime
from typing import Any

from db import ids, lists, paging
from db.models import Event
from db.paging import Listing, Page, Window
from domain import event, instants
from errors import check_all
from resolvers.changes import collect_changes
from resolvers.context import Context
from resolvers.planned_reads import Arguments


async def list_events(
    context: Context,
    window: Window,
    *,
    search: str | None,
    date_from: datetime | None,
    date_to: datetime | None,
    available_only: bool,
) -> Page[Event]:
    """Return a page of all events; from the primary, because they have the number of free tickets."""
    listing = make_event_list(search=search, date_from=date_from, date_to=date_to, available_only=available_only)
    return await paging.read_page(context.database.primary, context.database.cursors, listing, window)


def make_event_list(
    *, search: str | None, date_from: datetime | None, date_to: datetime | None, available_only: bool
) -> Listing[Event]:
    """Return the list of events for these arguments; raise InvalidDate where the dates end before they begin."""
    instants.check_range(date_from, date_to)
    return lists.list_events(search_for=search, date_from=date_from, date_to=date_to, available_only=available_only)


async def event_by_id(context: Context, public_id: str) -> Event | None:
    """Return an event, None where there is none."""
    return await context.loaders.event_by_id.load(ids.expect("evt", public_id, "id"))


async def create_event(context: Context, *, name: str, description: str, date: datetime, availability: int) -> Event:
    """Return the new event."""
    await context.require_staff()
    async with context.database.transaction() as tx:
        return await event.create_event(tx, name=name, description=description, date=date, availability=availability)


async def update_event(context: Context, update: Any) -> Event:
    """Return the event with the changes of an update's input."""
    await context.require_staff()
    event_id, changes = check_all(lambda: ids.expect("evt", update.id, "input", "id"), lambda: collect_changes(update))
    async with context.database.transaction() as tx:
        return await event.update_event(tx, event_id=event_id, **changes)


async def delete_event(context: Context, public_id: str) -> str:
    """Return the id of the deleted event."""
    await context.require_staff()
    event_id = ids.expect("evt", public_id, "input", "id")
    async with context.database.transaction() as tx:
        await event.delete_event(tx, event_id=event_id)
    return public_id


def bind_events(arguments: Arguments, _parent_id: int) -> Listing[Event]:
    """Return the list of the root field `events` for its arguments."""
    only = arguments.get("filter") or {}
    return make_event_list(
        search=only.get("search"),
        date_from=only.get("from"),
        date_to=only.get("to"),
        available_only=only.get("availableOnly", False),
    )
