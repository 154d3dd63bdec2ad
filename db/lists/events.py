"""Lists of events and of their reservations."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import ColumnElement, DateTime, cast, exists, not_, or_, select

from db.lists.filters import VARIED, Names, filter_by_symbols, make_searchable, search_words
from db.models import Event, EventReservation, find_table
from db.ordered import Ordered
from db.paging import Listing, Value
from db.selects import filter_live, list_columns, make_staff_condition

event = find_table(Event).c
event_reservation = find_table(EventReservation).c


def list_events(
    *,
    search_for: str | None = None,
    date_from: datetime | None = None,
    date_to: datetime | None = None,
    available_only: bool = False,
) -> Listing[Event]:
    """Return the events, earliest date first; both bounds are included."""
    values = {"date_from": date_from, "date_to": date_to, "available_only": available_only or None}
    return make_searchable("events", Event, select_events, values, search_for=search_for, sort="")


def select_events(names: Names, _sort: str, value: Value) -> Ordered:
    """Return the statement of `list_events`."""
    conditions: dict[str, Callable[[], ColumnElement[bool]]] = {
        "date_from": lambda: event.date >= cast(value("date_from"), DateTime(timezone=True)),
        "date_to": lambda: event.date <= cast(value("date_to"), DateTime(timezone=True)),
        "available_only": lambda: not_(event.sold_out),
    }
    bounds = (conditions[name]() for name in sorted(names & conditions.keys()))
    statement = filter_by_symbols(select(*list_columns(Event)), names, event.name)
    statement = statement.where(*filter_live(Event), *bounds)
    found = search_words(names, event.name_lexemes, *filter_live(Event))
    return Ordered(statement, (event.date, event.id), ("date", "id"), varied=bool(names & VARIED), search=found)


def list_events_by_age() -> Listing[Event]:
    """Return the events, oldest first."""
    return Listing("events by age", Event, select_events_by_age, {})


def select_events_by_age(_names: Names, _sort: str, _value: Value) -> Ordered:
    """Return the statement of `list_events_by_age`; ids grow with time."""
    return Ordered(select(*list_columns(Event)).where(*filter_live(Event)), (event.id,), ("id",))


def list_event_reservations(
    user_id: int, *, event_id: int | None = None, live_only: bool = False, date_from: datetime | None = None
) -> Listing[EventReservation]:
    """Return a user's reservations, newest first; `live_only` leaves out the cancelled ones."""
    values = {"user_id": user_id, "event_id": event_id, "live_only": live_only or None, "date_from": date_from}
    return Listing("event reservations", EventReservation, select_event_reservations, values, parent="user_id")


def select_event_reservations(names: Names, _sort: str, value: Value) -> Ordered:
    """Return the statement of `list_event_reservations`."""
    conditions: dict[str, Callable[[], ColumnElement[bool]]] = {
        "user_id": lambda: event_reservation.user_id == value("user_id"),
        "event_id": lambda: event_reservation.event_id == value("event_id"),
        "live_only": lambda: not_(event_reservation.cancelled),
        "date_from": lambda: exists().where(
            event.id == event_reservation.event_id, event.date >= cast(value("date_from"), DateTime(timezone=True))
        ),
    }
    statement = select(*list_columns(EventReservation)).where(*(conditions[name]() for name in sorted(names)))
    return Ordered(statement, (event_reservation.id,), ("id",), descending=True)


def list_open_event_reservations(*, viewer_id: int | None) -> Listing[EventReservation]:
    """Return nobody's reservations and the viewer's own, all of them for staff, oldest first."""
    values = {"viewer_id": viewer_id}
    return Listing("reservations in the open", EventReservation, select_open_event_reservations, values)


def select_open_event_reservations(names: Names, _sort: str, value: Value) -> Ordered:
    """Return the statement of `list_open_event_reservations`."""
    conditions: list[ColumnElement[bool]] = [event_reservation.user_id.is_(None)]
    if "viewer_id" in names:
        conditions.append(event_reservation.user_id == value("viewer_id"))
        conditions.append(make_staff_condition(value("viewer_id")))
    return Ordered(select(*list_columns(EventReservation)).where(or_(*conditions)), (event_reservation.id,), ("id",))
