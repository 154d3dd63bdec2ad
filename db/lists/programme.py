"""Lists of movies, places and sessions."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, DateTime, Select, Text, cast, func, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY, array

from db.lists.filters import VARIED, Names, filter_by_symbols, make_searchable, search_words
from db.models import FAR_AHEAD, Airing, Movie, Place, Session, find_table
from db.ordered import Ordered
from db.paging import Listing, Value
from db.selects import list_columns

MovieSort = Literal["rating", "new", "leaving_soon"]

movie = find_table(Movie).c
place = find_table(Place).c
session = find_table(Session).c
airing = find_table(Airing).c

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
