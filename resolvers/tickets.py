"""The counter: shows for anybody, and their tickets, which hold personal data, for staff only."""

from datetime import datetime, timedelta
from typing import Any

from db import ids, lists
from db.json_text import Row
from db.models import SHOW_HOURS, SHOW_LIFE, Show, Ticket
from db.paging import Listing, Page, Window
from domain import show, ticket
from errors import Forbidden, InvalidInput, ShowNotFound, TicketNotFound, Unauthenticated
from loaders.by_parent import make_list_key
from resolvers.context import Context
from resolvers.planned_reads import Arguments


async def find_show(context: Context, public_id: str | None, show_timing: datetime | None) -> Show | None:
    """Return the show of this id or time, None where there is none; raise InvalidInput without both."""
    if public_id is None and show_timing is None:
        raise InvalidInput(path=("id",), field="id", problem="or `showTiming` must be given")
    show_id = ids.expect("shw", public_id, "id") if public_id is not None else None
    try:
        return await show.find_show(context.database.primary, show_id=show_id, show_timing=show_timing)
    except ShowNotFound:
        return None


async def list_tickets(context: Context, show_id: int, window: Window) -> Page[Any]:
    """Return a page of the tickets of a show, for staff."""
    await expect_staff(context)
    return await context.loaders.private_page.load((make_list_key(lists.list_tickets(show_id)), window))


async def ticket_by_id(context: Context, public_id: str) -> Ticket | None:
    """Return a ticket, None where there is none; raise Unauthenticated or Forbidden for everybody but staff."""
    ticket_id = ids.expect("tkt", public_id, "id")
    await expect_staff(context)
    return await context.loaders.ticket_by_id.load(ticket_id)


async def find_visible_ticket(context: Context, ticket_id: int) -> Ticket | None:
    """Return a ticket, for staff."""
    return await context.loaders.ticket_by_id.load(ticket_id) if await context.is_staff() else None


async def load_show(context: Context, row: Ticket) -> Show:
    """Return the show that a ticket is for; raise TicketNotFound where both have just been deleted."""
    found = await context.loaders.show_of_ticket.load(row.show_id)
    if found is None:
        raise TicketNotFound
    return found


async def find_expiry(context: Context, row: Ticket) -> datetime:
    """Return the instant at which a ticket expires."""
    return (await load_show(context, row)).show_timing + timedelta(hours=SHOW_HOURS)


async def book_ticket(
    context: Context, *, user_name: str, phone_number: str, ticket_count: int, show_timing: datetime
) -> Ticket:
    """Return the new ticket."""
    await context.require_staff()
    return await ticket.book_ticket(
        context.services.ticket_commits,
        user_name=user_name,
        phone_number=phone_number,
        ticket_count=ticket_count,
        show_timing=show_timing,
    )


async def update_timing(context: Context, public_id: str, *, show_timing: datetime) -> Ticket:
    """Return the ticket with its new show."""
    await context.require_staff()
    ticket_id = ids.expect("tkt", public_id, "input", "id")
    return await ticket.update_timing(context.services.ticket_commits, ticket_id=ticket_id, show_timing=show_timing)


async def delete_ticket(context: Context, public_id: str) -> str:
    """Return the id of the deleted ticket."""
    await context.require_staff()
    ticket_id = ids.expect("tkt", public_id, "input", "id")
    await ticket.delete_ticket(context.services.ticket_commits, ticket_id=ticket_id)
    return public_id


async def expect_staff(context: Context) -> None:
    """Raise Unauthenticated or Forbidden unless the viewer is staff; read once for each request, however many shows it selects."""
    if context.actor is None:
        raise Unauthenticated
    if not await context.is_staff():
        raise Forbidden


def bind_tickets(_arguments: Arguments, show_id: int) -> Listing[Ticket]:
    """Return the list of a show's tickets."""
    return lists.list_tickets(show_id)


def write_expiry(row: Row) -> str:
    """Return the SQL of the instant at which a ticket is gone."""
    return f"(SELECT show_timing + {SHOW_LIFE} FROM shows WHERE id = {row['show_id']})"  # noqa: S608 - names of ours
