"""Events with their reservations, and the counter's shows with their tickets."""

from typing import Final

from db import ids, lists, selects
from db.json_text import Row
from db.models import SHOW_LIFE, Event, EventReservation, Show, Ticket
from db.paging import Listing
from graphql_server.planner.declarations.common import by_id, by_key, column, everybodys, own_or_staff, staffs
from graphql_server.planner.reads import Arguments, ById, Kind, Leaf, Page, Reads
from resolvers import events

KINDS: Final[dict[str, Kind]] = {
    "Event": everybodys(Event, "evt"),
    "EventReservation": Kind(
        EventReservation, "evr", lambda identity: own_or_staff(EventReservation, identity), of_viewer=True
    ),
    "Show": everybodys(Show, "shw"),
    "Ticket": Kind(Ticket, "tkt", lambda identity: staffs(Ticket, identity), of_viewer=True),
}


def all_events(asked: Arguments, _: int) -> Listing[Event]:
    """Return the list of the root field `events`."""
    only = asked.get("filter") or {}
    return events.make_event_list(
        search=only.get("search"),
        date_from=only.get("from"),
        date_to=only.get("to"),
        available_only=only.get("availableOnly", False),
    )


def expires_at(row: Row) -> str:
    """Return the SQL of the instant at which a ticket is gone."""
    return f"(SELECT show_timing + {SHOW_LIFE} FROM shows WHERE id = {row['show_id']})"


FIELDS: Final[dict[tuple[str, str], Reads]] = {
    ("Query", "events"): Page(all_events),
    ("Query", "event"): by_id(Event, "evt"),
    ("Query", "ticket"): ById(lambda identity: selects.select_row(Ticket, identity), "tkt", for_staff=True),
    ("Event", "startsAt"): column("date"),
    ("Event", "uuid"): Leaf(lambda row: ids.write_uuid_sql("evt", row["id"])),
    ("EventReservation", "uuid"): Leaf(lambda row: ids.write_uuid_sql("evr", row["id"])),
    ("EventReservation", "event"): by_key(Event, "event_id", hidden_too=True),
    ("Show", "ticketCount"): column("taken"),
    ("Show", "ticketLimit"): column("capacity"),
    ("Show", "tickets"): Page(lambda _, show_id: lists.list_tickets(show_id), for_staff=True),
    ("Ticket", "show"): by_key(Show, "show_id", hidden_too=True),
    ("Ticket", "expiresAt"): Leaf(expires_at),
}
