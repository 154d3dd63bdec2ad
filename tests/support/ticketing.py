"""Events and shows as tests make them, and the books that must balance after every change."""

from typing import Any, Final

from db.engine import Database
from db.models import Event, EventReservation, Show, Ticket, User
from tests.support.factories import insert, numbers, soon

# What an event or a show has counted must be what is live of it.
UNBALANCED: Final = """
    SELECT id FROM events WHERE taken <> (
        SELECT coalesce(sum(tickets), 0) FROM event_reservations WHERE event_id = events.id AND NOT cancelled
    )
    UNION ALL
    SELECT id FROM shows WHERE taken <> (
        SELECT coalesce(sum(ticket_count), 0) FROM tickets WHERE show_id = shows.id
    )
"""


async def make_event(database: Database, **given: Any) -> Event:
    """Return an event of tomorrow with 100 tickets."""
    number = next(numbers)
    columns = {"name": f"Event {number:04}", "description": "What happens there.", "date": soon(), "capacity": 100}
    return await insert(database, Event, **columns | given)


async def make_event_reservation(
    database: Database, *, event: Event | None = None, user: User | None = None, tickets: int = 1, **given: Any
) -> EventReservation:
    """Return a reservation that its event has counted, nobody's unless a user is given."""
    event = event or await make_event(database)
    if not given.get("cancelled"):
        await database.primary.value(
            "UPDATE events SET taken = taken + %(tickets)s WHERE id = %(id)s RETURNING 1", tickets=tickets, id=event.id
        )
    columns = {"event_id": event.id, "user_id": user.id if user else None, "tickets": tickets}
    return await insert(database, EventReservation, **columns | given)


async def make_show(database: Database, *, hours: float = 24, **given: Any) -> Show:
    """Return a show so many hours from now that has sold nothing."""
    return await insert(database, Show, **{"show_timing": soon(hours)} | given)


async def make_ticket(database: Database, *, show: Show | None = None, ticket_count: int = 1, **given: Any) -> Ticket:
    """Return a ticket that its show has counted."""
    show = show or await make_show(database)
    await database.primary.value(
        "UPDATE shows SET taken = taken + %(count)s WHERE id = %(id)s RETURNING 1", count=ticket_count, id=show.id
    )
    columns = {"show_id": show.id, "user_name": "Ada", "phone_number": "+33 1 99 00 12 34"}
    return await insert(database, Ticket, **columns | {"ticket_count": ticket_count} | given)


async def availability(database: Database, event: Event) -> int:
    """Return how many tickets of the event are left."""
    return int(await database.primary.value("SELECT availability FROM events WHERE id = %(id)s", id=event.id))


async def sold(database: Database, show: Show) -> int:
    """Return how many tickets of the show are sold."""
    return int(await database.primary.value("SELECT taken FROM shows WHERE id = %(id)s", id=show.id))


async def unbalanced(database: Database) -> list[int]:
    """Return the ids of events and shows whose books do not balance."""
    return [row[0] for row in await database.primary.tuples(UNBALANCED)]
