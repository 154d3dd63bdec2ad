"""Every list, defined once: GraphQL, REST and nested lists all run these statements through db/paging.py."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY, array

from db import search
from db.models import (
    FAR_AHEAD,
    Airing,
    Booking,
    Collection,
    Event,
    EventReservation,
    Movie,
    MovieOffer,
    PageView,
    Place,
    ProviderMovie,
    SeatReservation,
    Session,
    Show,
    Ticket,
    User,
    find_table,
)
from db.ordered import Ordered, Search
from db.paging import Listing, Value
from db.selects import filter_live, is_staff, list_columns

MovieSort = Literal["rating", "new", "leaving_soon"]
Names = frozenset[str]

# Filters whose selectivity depends on the value: one value matches half of the rows, another none. They are planned each time.
VARIED: Final = frozenset({"genre", "genres", "airing_from", "symbols", "path"})

(
    movie,
    place,
    session,
    airing,
    booking,
    seat_reservation,
    page_view,
    event,
    event_reservation,
    show,
    ticket,
    user,
    collection,
) = (
    find_table(model).c
    for model in (
        Movie,
        Place,
        Session,
        Airing,
        Booking,
        SeatReservation,
        PageView,
        Event,
        EventReservation,
        Show,
        Ticket,
        User,
        Collection,
    )
)
"""The tables' columns, under the names of the rows."""

MOVIE_ORDERS: Final[dict[str, tuple[ColumnElement[Any], bool]]] = {
    "rating": (movie.rating_order, True),
    "new": (movie.airing_from_order, True),
    "leaving_soon": (movie.airing_to_order, False),
}


def list_movies(
    sort: MovieSort = "rating",
    *,
    search_for: str | None = None,
    airing_from: datetime | None = None,
    place_id: int | None = None,
    genre: str | None = None,
    genres: Sequence[str] | None = None,
) -> Listing[Movie]:
    """Return the list of movies; `airing_from` keeps those with a session then or later, at `place_id` if given."""
    values = {"airing_from": airing_from, "place_id": place_id, "genre": genre, "genres": genres}
    return make_searchable("movies", Movie, select_movies, values, search_for=search_for, sort=sort)


def select_movies(names: Names, sort: str, value: Value) -> Ordered:
    """Return the statement of `list_movies`; its keys have one direction, so that an index over them serves both directions."""
    order, descending = MOVIE_ORDERS[sort]
    statement = filter_by_symbols(select(*list_columns(Movie)), names, movie.title)
    if "genre" in names:
        statement = statement.where(movie.genres.contains(cast(array([value("genre")]), ARRAY(Text))))
    if "genres" in names:
        statement = statement.where(movie.genres.overlap(cast(value("genres"), ARRAY(Text))))
    if "place_id" in names:
        statement = join_airings(statement, value).where(*filter_by_start(names, value, airing.last_starts_at))
    elif "airing_from" in names:
        # Movies without sessions are at the far end of this order.
        statement = statement.where(
            *filter_by_start(names, value, movie.airing_to_order), movie.airing_to_order < literal_column(FAR_AHEAD)
        )
    return Ordered(
        statement,
        (order, movie.id),
        (order.name, "id"),
        descending,
        varied=bool(names & VARIED),
        search=search_words(names, movie.title_lexemes),
    )


def join_airings(statement: Select[Any], value: Value) -> Select[Any]:
    """Return the statement of the movies that have a session at the place; each has one airing there."""
    return statement.join(find_table(Airing), airing.movie_id == movie.id).where(airing.place_id == value("place_id"))


def filter_by_start(names: Names, value: Value, last_start: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    """Return the condition that the last session starts at `airing_from` or later, where that is given."""
    return [last_start >= cast(value("airing_from"), DateTime(timezone=True))] if "airing_from" in names else []


def list_movies_of_place(place_id: int, sort: MovieSort = "rating") -> Listing[Movie]:
    """Return the movies with a session at a place that has not ended."""
    return Listing("movies of place", Movie, select_movies_of_place, {"place_id": place_id}, sort, parent="place_id")


def select_movies_of_place(_names: Names, sort: str, value: Value) -> Ordered:
    """Return the statement of `list_movies_of_place`."""
    order, descending = MOVIE_ORDERS[sort]
    statement = join_airings(select(*list_columns(Movie)), value).where(is_still_shown())
    return Ordered(statement, (order, movie.id), (order.name, "id"), descending)


def list_places(*, search_for: str | None = None) -> Listing[Place]:
    """Return the list of places by name."""
    return make_searchable("places", Place, select_places, {}, search_for=search_for, sort="")


def select_places(names: Names, _sort: str, _value: Value) -> Ordered:
    """Return the statement of `list_places`."""
    statement = filter_by_symbols(select(*list_columns(Place)), names, place.name)
    found = search_words(names, place.name_lexemes)
    return Ordered(statement, (place.name_key, place.id), ("name_key", "id"), varied=bool(names & VARIED), search=found)


def list_places_of_movie(movie_id: int) -> Listing[Place]:
    """Return the places with a session of a movie that has not ended, by name."""
    return Listing("places of movie", Place, select_places_of_movie, {"movie_id": movie_id}, parent="movie_id")


def select_places_of_movie(_names: Names, _sort: str, value: Value) -> Ordered:
    """Return the statement of `list_places_of_movie`; airings repeat the place's name, so that one index has the order."""
    statement = (
        select(*list_columns(Place))
        .join(find_table(Airing), airing.place_id == place.id)
        .where(airing.movie_id == value("movie_id"), is_still_shown())
    )
    return Ordered(statement, (airing.place_key, airing.place_id), ("name_key", "id"))


def is_still_shown() -> ColumnElement[bool]:
    """Return the condition that the last session of an airing has not ended."""
    ahead: ColumnElement[bool] = airing.last_ends_at > func.clock_timestamp()
    return ahead


def list_sessions(
    *,
    movie_id: int | None = None,
    place_id: int | None = None,
    starts_from: datetime | None = None,
    starts_to: datetime | None = None,
    parent: str = "movie_id",
) -> Listing[Session]:
    """Return all sessions, or those of a movie, a place or both, latest start first; both bounds are included."""
    values = {"movie_id": movie_id, "place_id": place_id, "starts_from": starts_from, "starts_to": starts_to}
    return Listing("sessions", Session, select_sessions, values, parent=parent)


def select_sessions(names: Names, _sort: str, value: Value) -> Ordered:
    """Return the statement of `list_sessions`."""
    conditions: dict[str, Callable[[], ColumnElement[bool]]] = {
        "movie_id": lambda: session.movie_id == value("movie_id"),
        "place_id": lambda: session.place_id == value("place_id"),
        "starts_from": lambda: session.starts_at >= cast(value("starts_from"), DateTime(timezone=True)),
        "starts_to": lambda: session.starts_at <= cast(value("starts_to"), DateTime(timezone=True)),
    }
    statement = select(*list_columns(Session)).where(*(conditions[name]() for name in sorted(names)))
    return Ordered(statement, (session.starts_at, session.id), ("starts_at", "id"), descending=True)


def list_bookings(user_id: int, *, with_seats: bool = False) -> Listing[Booking]:
    """Return a user's bookings, newest first; `with_seats` leaves out those that never held a seat."""
    values = {"user_id": user_id, "with_seats": with_seats or None}
    return Listing("bookings", Booking, select_bookings, values, parent="user_id")


def select_bookings(names: Names, _sort: str, value: Value) -> Ordered:
    """Return the statement of `list_bookings`; ids grow with time."""
    statement = select(*list_columns(Booking)).where(booking.user_id == value("user_id"))
    if "with_seats" in names:
        statement = statement.where(
            exists().where(seat_reservation.booking_id == booking.id, seat_reservation.seats > literal_column("0"))
        )
    return Ordered(statement, (booking.id,), ("id",), descending=True)


def list_collections(user_id: int) -> Listing[Collection]:
    """Return a user's collections, newest first."""
    return Listing("collections", Collection, select_collections, {"user_id": user_id}, parent="user_id")


def select_collections(_names: Names, _sort: str, value: Value) -> Ordered:
    """Return the statement of `list_collections`; ids grow with time."""
    statement = select(*list_columns(Collection)).where(collection.user_id == value("user_id"))
    return Ordered(statement, (collection.id,), ("id",), descending=True)


def list_page_views(
    *,
    tracking_id: str | None = None,
    user_id: int | None = None,
    path: str | None = None,
    occurred_from: datetime | None = None,
    occurred_to: datetime | None = None,
) -> Listing[PageView]:
    """Return the page views, newest first; both bounds are included."""
    values = {
        "tracking_id": tracking_id,
        "user_id": user_id,
        "path": path,
        "occurred_from": occurred_from,
        "occurred_to": occurred_to,
    }
    return Listing("page views", PageView, select_page_views, values)


def select_page_views(names: Names, _sort: str, value: Value) -> Ordered:
    """Return the statement of `list_page_views`."""
    conditions: dict[str, Callable[[], ColumnElement[bool]]] = {
        "tracking_id": lambda: page_view.tracking_id == value("tracking_id"),
        "user_id": lambda: page_view.user_id == value("user_id"),
        # The index has the digest; the second condition compares the path itself.
        "path": lambda: and_(
            func.md5(page_view.path) == func.md5(cast(value("path"), Text)), page_view.path == value("path")
        ),
        "occurred_from": lambda: page_view.occurred_at >= cast(value("occurred_from"), DateTime(timezone=True)),
        "occurred_to": lambda: page_view.occurred_at <= cast(value("occurred_to"), DateTime(timezone=True)),
    }
    statement = select(*list_columns(PageView)).where(*(conditions[name]() for name in sorted(names)))
    keys = (page_view.occurred_at, page_view.id)
    return Ordered(statement, keys, ("occurred_at", "id"), descending=True, varied=bool(names & VARIED))


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
        conditions.append(is_staff(value("viewer_id")))
    return Ordered(select(*list_columns(EventReservation)).where(or_(*conditions)), (event_reservation.id,), ("id",))


def list_tickets(show_id: int) -> Listing[Ticket]:
    """Return the tickets of a show, newest first; none once it has expired."""
    return Listing("tickets", Ticket, select_tickets, {"show_id": show_id}, parent="show_id")


def select_tickets(_names: Names, _sort: str, value: Value) -> Ordered:
    """Return the statement of `list_tickets`."""
    statement = select(*list_columns(Ticket)).where(ticket.show_id == value("show_id"), *filter_live(Ticket))
    return Ordered(statement, (ticket.id,), ("id",), descending=True)


def list_offers(*, search_for: str | None = None) -> Listing[MovieOffer]:
    """Return the offers that a provider sells, by title."""
    return make_searchable("offers", MovieOffer, select_offers, {}, search_for=search_for, sort="")


def select_offers(names: Names, _sort: str, _value: Value) -> Ordered:
    """Return the statement of `list_offers`."""
    own, entry = find_table(MovieOffer).c, find_table(ProviderMovie).c
    statement = filter_by_symbols(select(*list_columns(MovieOffer)), names, own.title)
    sold = exists().where(entry.offer_id == own.id, entry.listed, entry.price.is_not(None))
    keys = (own.title_key, own.id)
    found = search_words(names, own.title_lexemes)
    return Ordered(statement.where(sold), keys, ("title_key", "id"), varied=bool(names & VARIED), search=found)


def make_searchable(
    name: str, model: Any, build: Any, values: dict[str, Any], *, search_for: str | None, sort: str
) -> Listing[Any]:
    """Return a list with a search: for the words, for the symbols where there are no words, and none where it is blank."""
    words = tuple(search.read_words(search_for or ""))
    if not words:
        return Listing(name, model, build, {**values, "symbols": search.read_symbols(search_for or "") or None}, sort)
    derived = {"query": search.write_query(words), "beginnings": search.write_beginnings(words)}
    return Listing(name, model, build, {**values, "search": " ".join(words)}, sort, derived=derived)


def filter_by_symbols(statement: Select[Any], names: Names, text: ColumnElement[Any]) -> Select[Any]:
    """Return the statement with the search for symbols, if there is one.

    There is no index on symbols: such searches are rare, and read the list in its own order.
    """
    if "symbols" not in names:
        return statement
    return statement.where(func.strpos(text, cast(bindparam("symbols"), Text)) > literal_column("0"))


def search_words(names: Names, lexemes: ColumnElement[Any], *always: ColumnElement[bool]) -> Search | None:
    """Return the search for words, if there is one, in a list of rows for which some conditions always hold."""
    if "search" not in names:
        return None
    query, beginnings = (cast(bindparam(name), TSQUERY) for name in ("query", "beginnings"))
    # In a SELECT of its own PostgreSQL's planner does not look into it. It would expect far too many matches of misspellings.
    return Search(lexemes, select(query).scalar_subquery(), beginnings, always)
