"""Lists of tickets sold at the counter."""

from sqlalchemy import select

from db.lists.filters import Names
from db.models import Ticket, find_table
from db.ordered import Ordered
from db.paging import Listing, Value
from db.selects import filter_live, list_columns

ticket = find_table(Ticket).c


def list_tickets(show_id: int) -> Listing[Ticket]:
    """Return the tickets of a show, newest first; none once it has expired."""
    return Listing("tickets", Ticket, select_tickets, {"show_id": show_id}, parent="show_id")


def select_tickets(_names: Names, _sort: str, value: Value) -> Ordered:
    """Return the statement of `list_tickets`."""
    statement = select(*list_columns(Ticket)).where(ticket.show_id == value("show_id"), *filter_live(Ticket))
    return Ordered(statement, (ticket.id,), ("id",), descending=True)
