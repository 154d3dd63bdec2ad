"""Every list, written down once: GraphQL, REST and nested lists all run these statements through db/paging.py."""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final, Literal

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    exists,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlmodel import SQLModel

from db import search
from db.models import (
    FAR_AHEAD,
    SHOW_LIFE,
    Airing,
    Booking,
    CollectedMovie,
    Collection,
    Event,
    EventReservation,
    Movie,
    MovieExport,
    MovieOffer,
    PageView,
    Place,
    ProviderMovie,
    Rating,
    SeatReservation,
    Session,
    Show,
    Ticket,
    User,
    table,
)
from db.paging import Listing, Ordered, Value, sql

MovieSort = Literal["rating", "new", "leaving_soon"]
Given = frozenset[str]

# Filters whose selectivity varies with the value: one value keeps half of the rows, another none. Their plan is made for each value.
VARIED: Final = frozenset({"genre", "genres", "airing_from", "search", "symbols", "path"})

# In the statement's own text, which has no parameters but those of the list.
OPEN: Final[ColumnElement[str]] = literal_column("'open'")
COMPLETED: Final[ColumnElement[str]] = literal_column("'completed'")
EXPIRED: Final[ColumnElement[str]] = literal_column("'expired'")


def columns(model: type[SQLModel]) -> list[ColumnElement[Any]]:
    """Return what a row of the model is read from: every column but the internal ones.

    A booking and an export show what they are by the database's clock, whether or not a job has closed them yet.
    """
    own = table(model)
    seen: dict[str, ColumnElement[Any]] = {c.name: c for c in own.columns if not c.info.get("internal")}
    if model is MovieExport:
        over = and_(own.c.status == COMPLETED, own.c.expires_at <= func.clock_timestamp())
        seen["status"] = case((over, EXPIRED), else_=own.c.status).label("status")
    if model is Booking:
        lapsed = and_(own.c.status == OPEN, own.c.closes_at <= func.clock_timestamp())
        seen["status"] = case((lapsed, EXPIRED), else_=own.c.status).label("status")
        seen["reserved_seats"] = case((lapsed, literal_column("0")), else_=own.c.reserved_seats).label("reserved_seats")
    return list(seen.values())


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
    table(model).c
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


def movies(
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
    return searched("movies", Movie, movies_statement, values, search_for=search_for, sort=sort)


def movies_statement(given: Given, sort: str, value: Value) -> Ordered:
    """Return the statement of `movies`; keys of one direction, so that an index over them answers both ways."""
    order, descending = MOVIE_ORDERS[sort]
    statement = matching(select(*columns(Movie)), given, movie.title, movie.title_key, movie.title_trigrams)
    if "genre" in given:
        statement = statement.where(movie.genres.contains(cast(array([value("genre")]), ARRAY(Text))))
    if "genres" in given:
        statement = statement.where(movie.genres.overlap(cast(value("genres"), ARRAY(Text))))
    if "place_id" in given:
        statement = shown_at(statement, value).where(*starting_from(given, value, airing.last_starts_at))
    elif "airing_from" in given:
        # What has no session stands at the far end of this order.
        statement = statement.where(
            *starting_from(given, value, movie.airing_to_order), movie.airing_to_order < literal_column(FAR_AHEAD)
        )
    return Ordered(statement, (order, movie.id), (order.name, "id"), descending, varied=bool(given & VARIED))


def shown_at(statement: Select[Any], value: Value) -> Select[Any]:
    """Return the statement of those movies that have a session at the place: one airing each."""
    return statement.join(table(Airing), airing.movie_id == movie.id).where(airing.place_id == value("place_id"))


def starting_from(given: Given, value: Value, last_start: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    """Return whether the last session starts at the instant that is asked for or later, if one is."""
    return [last_start >= cast(value("airing_from"), DateTime(timezone=True))] if "airing_from" in given else []


def movies_of_place(place_id: int, sort: MovieSort = "rating") -> Listing[Movie]:
    """Return the movies with a session at a place that is still to come or running."""
    return Listing("movies of place", Movie, movies_of_place_statement, {"place_id": place_id}, sort, parent="place_id")


def movies_of_place_statement(_given: Given, sort: str, value: Value) -> Ordered:
    """Return the statement of `movies_of_place`."""
    order, descending = MOVIE_ORDERS[sort]
    statement = shown_at(select(*columns(Movie)), value).where(still_shown())
    return Ordered(statement, (order, movie.id), (order.name, "id"), descending)


def places(*, search_for: str | None = None) -> Listing[Place]:
    """Return the list of places by name."""
    return searched("places", Place, places_statement, {}, search_for=search_for, sort="")


def places_statement(given: Given, _sort: str, _value: Value) -> Ordered:
    """Return the statement of `places`."""
    statement = matching(select(*columns(Place)), given, place.name, place.name_key, place.name_trigrams)
    return Ordered(statement, (place.name_key, place.id), ("name_key", "id"), varied=bool(given & VARIED))


def places_of_movie(movie_id: int) -> Listing[Place]:
    """Return the places with a session of a movie that is still to come or running, by name."""
    return Listing("places of movie", Place, places_of_movie_statement, {"movie_id": movie_id}, parent="movie_id")


def places_of_movie_statement(_given: Given, _sort: str, value: Value) -> Ordered:
    """Return the statement of `places_of_movie`; the airings keep the place's name so that one index has the order."""
    statement = (
        select(*columns(Place))
        .join(table(Airing), airing.place_id == place.id)
        .where(airing.movie_id == value("movie_id"), still_shown())
    )
    return Ordered(statement, (airing.place_key, airing.place_id), ("name_key", "id"))


def still_shown() -> ColumnElement[bool]:
    """Return whether the last session of an airing is not over yet."""
    ahead: ColumnElement[bool] = airing.last_ends_at > func.clock_timestamp()
    return ahead


def sessions(
    *,
    movie_id: int | None = None,
    place_id: int | None = None,
    starts_from: datetime | None = None,
    starts_to: datetime | None = None,
    parent: str = "movie_id",
) -> Listing[Session]:
    """Return all sessions, or those of a movie, a place or both, latest start first; both bounds are included."""
    values = {"movie_id": movie_id, "place_id": place_id, "starts_from": starts_from, "starts_to": starts_to}
    return Listing("sessions", Session, sessions_statement, values, parent=parent)


def sessions_statement(given: Given, _sort: str, value: Value) -> Ordered:
    """Return the statement of `sessions`."""
    asked: dict[str, Callable[[], ColumnElement[bool]]] = {
        "movie_id": lambda: session.movie_id == value("movie_id"),
        "place_id": lambda: session.place_id == value("place_id"),
        "starts_from": lambda: session.starts_at >= cast(value("starts_from"), DateTime(timezone=True)),
        "starts_to": lambda: session.starts_at <= cast(value("starts_to"), DateTime(timezone=True)),
    }
    statement = select(*columns(Session)).where(*(asked[name]() for name in sorted(given)))
    return Ordered(statement, (session.starts_at, session.id), ("starts_at", "id"), descending=True)


def bookings_of_user(user_id: int, *, with_seats: bool = False) -> Listing[Booking]:
    """Return a user's bookings, newest first; `with_seats` leaves out those that never held a seat."""
    values = {"user_id": user_id, "with_seats": with_seats or None}
    return Listing("bookings", Booking, bookings_statement, values, parent="user_id")


def bookings_statement(given: Given, _sort: str, value: Value) -> Ordered:
    """Return the statement of `bookings_of_user`; ids grow with time."""
    statement = select(*columns(Booking)).where(booking.user_id == value("user_id"))
    if "with_seats" in given:
        statement = statement.where(
            exists().where(seat_reservation.booking_id == booking.id, seat_reservation.seats > literal_column("0"))
        )
    return Ordered(statement, (booking.id,), ("id",), descending=True)


def collections_of_user(user_id: int) -> Listing[Collection]:
    """Return a user's collections, newest first."""
    return Listing("collections", Collection, collections_statement, {"user_id": user_id}, parent="user_id")


def collections_statement(_given: Given, _sort: str, value: Value) -> Ordered:
    """Return the statement of `collections_of_user`; ids grow with time."""
    statement = select(*columns(Collection)).where(collection.user_id == value("user_id"))
    return Ordered(statement, (collection.id,), ("id",), descending=True)


def page_views(
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
    return Listing("page views", PageView, page_views_statement, values)


def page_views_statement(given: Given, _sort: str, value: Value) -> Ordered:
    """Return the statement of `page_views`."""
    asked: dict[str, Callable[[], ColumnElement[bool]]] = {
        "tracking_id": lambda: page_view.tracking_id == value("tracking_id"),
        "user_id": lambda: page_view.user_id == value("user_id"),
        # The digest is what the index has; the path itself settles it.
        "path": lambda: and_(
            func.md5(page_view.path) == func.md5(cast(value("path"), Text)), page_view.path == value("path")
        ),
        "occurred_from": lambda: page_view.occurred_at >= cast(value("occurred_from"), DateTime(timezone=True)),
        "occurred_to": lambda: page_view.occurred_at <= cast(value("occurred_to"), DateTime(timezone=True)),
    }
    statement = select(*columns(PageView)).where(*(asked[name]() for name in sorted(given)))
    keys = (page_view.occurred_at, page_view.id)
    return Ordered(statement, keys, ("occurred_at", "id"), descending=True, varied=bool(given & VARIED))


def events(
    *,
    search_for: str | None = None,
    date_from: datetime | None = None,
    date_to: datetime | None = None,
    available_only: bool = False,
) -> Listing[Event]:
    """Return the events, earliest date first; both bounds are included."""
    values = {"date_from": date_from, "date_to": date_to, "available_only": available_only or None}
    return searched("events", Event, events_statement, values, search_for=search_for, sort="")


def events_statement(given: Given, _sort: str, value: Value) -> Ordered:
    """Return the statement of `events`."""
    asked: dict[str, Callable[[], ColumnElement[bool]]] = {
        "date_from": lambda: event.date >= cast(value("date_from"), DateTime(timezone=True)),
        "date_to": lambda: event.date <= cast(value("date_to"), DateTime(timezone=True)),
        "available_only": lambda: not_(event.sold_out),
    }
    bounds = (asked[name]() for name in sorted(given & asked.keys()))
    statement = matching(select(*columns(Event)), given, event.name, event.name_key, event.name_trigrams)
    statement = statement.where(*live(Event), *bounds)
    return Ordered(statement, (event.date, event.id), ("date", "id"), varied=bool(given & VARIED))


def events_by_age() -> Listing[Event]:
    """Return the events, the one first that was made first."""
    return Listing("events by age", Event, events_by_age_statement, {})


def events_by_age_statement(_given: Given, _sort: str, _value: Value) -> Ordered:
    """Return the statement of `events_by_age`; ids grow with time."""
    return Ordered(select(*columns(Event)).where(*live(Event)), (event.id,), ("id",))


def event_reservations_of_user(
    user_id: int, *, event_id: int | None = None, live_only: bool = False, date_from: datetime | None = None
) -> Listing[EventReservation]:
    """Return a user's reservations, newest first; `live_only` leaves out the cancelled ones."""
    values = {"user_id": user_id, "event_id": event_id, "live_only": live_only or None, "date_from": date_from}
    return Listing("event reservations", EventReservation, event_reservations_statement, values, parent="user_id")


def event_reservations_statement(given: Given, _sort: str, value: Value) -> Ordered:
    """Return the statement of `event_reservations_of_user`."""
    asked: dict[str, Callable[[], ColumnElement[bool]]] = {
        "user_id": lambda: event_reservation.user_id == value("user_id"),
        "event_id": lambda: event_reservation.event_id == value("event_id"),
        "live_only": lambda: not_(event_reservation.cancelled),
        "date_from": lambda: exists().where(
            event.id == event_reservation.event_id, event.date >= cast(value("date_from"), DateTime(timezone=True))
        ),
    }
    statement = select(*columns(EventReservation)).where(*(asked[name]() for name in sorted(given)))
    return Ordered(statement, (event_reservation.id,), ("id",), descending=True)


def event_reservations_in_the_open(*, viewer_id: int | None) -> Listing[EventReservation]:
    """Return nobody's reservations and the viewer's own, all of them for staff, the one first that was made first."""
    values = {"viewer_id": viewer_id}
    return Listing("reservations in the open", EventReservation, event_reservations_in_the_open_statement, values)


def event_reservations_in_the_open_statement(given: Given, _sort: str, value: Value) -> Ordered:
    """Return the statement of `event_reservations_in_the_open`."""
    seen: list[ColumnElement[bool]] = [event_reservation.user_id.is_(None)]
    if "viewer_id" in given:
        seen.append(event_reservation.user_id == value("viewer_id"))
        seen.append(is_staff(value("viewer_id")))
    return Ordered(select(*columns(EventReservation)).where(or_(*seen)), (event_reservation.id,), ("id",))


def tickets_of_show(show_id: int) -> Listing[Ticket]:
    """Return the tickets of a show, newest first; none once its eight hours are over."""
    return Listing("tickets", Ticket, tickets_statement, {"show_id": show_id}, parent="show_id")


def tickets_statement(_given: Given, _sort: str, value: Value) -> Ordered:
    """Return the statement of `tickets_of_show`."""
    statement = select(*columns(Ticket)).where(ticket.show_id == value("show_id"), *live(Ticket))
    return Ordered(statement, (ticket.id,), ("id",), descending=True)


def offers(*, search_for: str | None = None) -> Listing[MovieOffer]:
    """Return the movies that a provider sells, by title."""
    return searched("offers", MovieOffer, offers_statement, {}, search_for=search_for, sort="")


def offers_statement(given: Given, _sort: str, _value: Value) -> Ordered:
    """Return the statement of `offers`."""
    own, entry = table(MovieOffer).c, table(ProviderMovie).c
    statement = matching(select(*columns(MovieOffer)), given, own.title, own.title_key, own.title_trigrams)
    sold = exists().where(entry.offer_id == own.id, entry.listed, entry.price.is_not(None))
    keys = (own.title_key, own.id)
    return Ordered(statement.where(sold), keys, ("title_key", "id"), varied=bool(given & VARIED))


def searched(
    name: str, model: Any, build: Any, values: dict[str, Any], *, search_for: str | None, sort: str
) -> Listing[Any]:
    """Return a list that may be searched; one without words is searched for its symbols, a blank one not at all."""
    words = search.words(search_for or "")
    if not words:
        return Listing(name, model, build, {**values, "symbols": search.symbols(search_for or "") or None}, sort)
    clues = {
        f"clue_{word}_{choice}": trigrams
        for word, choices in enumerate(map(search.clues, words))
        for choice, trigrams in enumerate(choices)
    }
    worked_out = {"patterns": [search.pattern(word) for word in words], **clues}
    return Listing(name, model, build, {**values, "search": " ".join(words)}, sort, worked_out=worked_out)


def matching(
    statement: Select[Any],
    given: Given,
    text: ColumnElement[Any],
    key: ColumnElement[Any],
    trigrams: ColumnElement[Any],
) -> Select[Any]:
    """Return the statement with the search, if there is one: the index on trigrams finds, the patterns judge.

    The planner takes patterns for rare and independent of the trigrams. Within coalesce() it expects half of the rows to
    match: then what is rare is found by the index, and of what is frequent a page is read in the list's own order.
    """
    if "symbols" in given:
        # No index has symbols: such queries are rare, and read the list in its own order.
        return statement.where(func.strpos(text, cast(bindparam("symbols"), Text)) > literal_column("0"))
    if "search" not in given:
        return statement
    clues = groupby(sorted(name for name in given if name.startswith("clue_")), lambda name: name.rpartition("_")[0])
    found = [or_(*(trigrams.op("@>")(bindparam(name, type_=ARRAY(Text))) for name in names)) for _, names in clues]
    judged = key.op("~")(func.all_(bindparam("patterns", type_=ARRAY(Text))))
    return statement.where(*found, func.coalesce(judged, false()))


def live(model: type[SQLModel]) -> list[ColumnElement[bool]]:
    """Return what a row must be to be there for anybody: no deleted event, nor what is eight hours after its show."""
    unexpired = show.show_timing > func.clock_timestamp() - literal_column(SHOW_LIFE)
    conditions: dict[type[SQLModel], ColumnElement[bool]] = {
        Event: event.deleted_at.is_(None),
        Show: unexpired,
        Ticket: exists().where(show.id == ticket.show_id, unexpired),
    }
    return [conditions[model]] if model in conditions else []


def by_id(model: type[SQLModel], *, hidden_too: bool = False) -> Select[Any]:
    """Return the statement that reads rows by their ids, those that are there or, where asked, all that are kept."""
    return row(model, func.any_(bindparam("ids", type_=ARRAY(BigInteger))), hidden_too=hidden_too)


def row(model: type[SQLModel], identity: Any, *, hidden_too: bool = False) -> Select[Any]:
    """Return the statement that reads the rows whose id equals `identity`: an expression, or ANY of an array."""
    return select(*columns(model)).where(table(model).c.id == identity, *([] if hidden_too else live(model)))


def rating_by(viewer: ColumnElement[int], movie: Any) -> Select[Any]:
    """Return the statement that reads what one user gave a movie, or ANY of several."""
    own = table(Rating).c
    return select(*columns(Rating)).where(own.user_id == viewer, own.movie_id == movie)


def latest_changes(booking_id: Any) -> Select[Any]:
    """Return the statement of the latest 100 changes of a booking's seats, the latest first."""
    own = table(SeatReservation).c
    changes = select(*columns(SeatReservation)).where(own.booking_id == booking_id)
    return changes.order_by(own.id.desc()).limit(literal_column("100"))


def collected_movies(collection_id: Any) -> Select[Any]:
    """Return the statement of the movies of a collection, or of ANY of several, in the order in which they were given."""
    own = table(CollectedMovie).c
    movies = select(*columns(CollectedMovie)).where(own.collection_id == collection_id)
    return movies.order_by(own.collection_id, own.position)


def is_staff(user_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Return whether a user is staff."""
    return exists().where(user.id == user_id, user.is_staff)


def seats_available(*, of: str) -> str:
    """Return the SQL of the seats that could be reserved now, of the row of `sessions` with this name.

    Seats whose hold has run out are free, whether or not a job has given them back yet.
    """
    return f"""{of}.capacity - {of}.taken + (
        SELECT coalesce(sum(reserved_seats), 0) FROM bookings
        WHERE session_id = {of}.id AND status = 'open' AND closes_at <= clock_timestamp()
    )"""  # noqa: S608 - a name of ours


# A collection is answered with all of its movies.
MOVIES_BY_COLLECTION: Final = sql(collected_movies(func.any_(bindparam("ids", type_=ARRAY(BigInteger)))))
