"""The catalogue: movies, places, sessions and ratings."""

from typing import Final

from db import lists, selects
from db.json_text import Row
from db.models import Movie, Place, Rating, Session
from db.paging import Listing
from graphql_server.planner.declarations.common import BASE, VIEWER, by_id, by_key, column, everybodys, own
from graphql_server.planner.reads import Arguments, ByAnyId, Kind, Leaf, One, Page, Part, Reads
from resolvers import movies, sessions
from schema.inputs import read_order

KINDS: Final[dict[str, Kind]] = {
    "Movie": everybodys(Movie, "mov"),
    "Place": everybodys(Place, "plc"),
    "Session": everybodys(Session, "ses"),
    "Rating": Kind(Rating, "rat", lambda identity: own(Rating, identity), of_viewer=True),
}


def poster(row: Row) -> str:
    """Return the SQL of a poster's absolute address."""
    address = row["poster"]
    return f"CASE WHEN starts_with({address}, '/') THEN {BASE} || {address} ELSE {address} END"


def seats_available(row: Row) -> str:
    """Return the SQL of a session's free seats."""
    for name in ("id", "capacity", "taken"):
        row.ask(name)
    return selects.write_seats_available(of=row.alias)


def all_movies(asked: Arguments, _: int) -> Listing[Movie]:
    """Return the list of the root field `movies`."""
    only = asked.get("filter") or {}
    return movies.make_movie_list(
        sort=read_order(asked["sort"]),
        search=only.get("search"),
        airing_from=only.get("airingFrom"),
        place_id=only.get("placeId"),
        genre=only.get("genre"),
        genres=only.get("genres"),
    )


def all_places(asked: Arguments, _: int) -> Listing[Place]:
    """Return the list of the root field `places`."""
    return lists.list_places(search_for=(asked.get("filter") or {}).get("search"))


def all_sessions(asked: Arguments, _: int) -> Listing[Session]:
    """Return the list of the root field `sessions`."""
    return sessions.make_session_list(
        movie_id=asked.get("movieId"),
        place_id=asked.get("placeId"),
        starts_from=asked.get("from"),
        starts_to=asked.get("to"),
    )


def sessions_of_movie(asked: Arguments, movie_id: int) -> Listing[Session]:
    """Return the list of a movie's sessions."""
    return sessions.make_movie_session_list(
        movie_id, place_id=asked.get("placeId"), starts_from=asked.get("from"), starts_to=asked.get("to")
    )


def sessions_of_place(asked: Arguments, place_id: int) -> Listing[Session]:
    """Return the list of a place's sessions."""
    return sessions.make_place_session_list(
        place_id, movie_id=asked.get("movieId"), starts_from=asked.get("from"), starts_to=asked.get("to")
    )


FIELDS: Final[dict[tuple[str, str], Reads]] = {
    ("Query", "movies"): Page(all_movies),
    ("Query", "movie"): by_id(Movie, "mov"),
    ("Query", "places"): Page(all_places),
    ("Query", "place"): by_id(Place, "plc"),
    ("Query", "sessions"): Page(all_sessions),
    ("Query", "session"): by_id(Session, "ses"),
    ("Query", "node"): ByAnyId(),
    ("Query", "nodes"): ByAnyId(is_list=True),
    ("Movie", "poster"): Leaf(poster),
    ("Movie", "airingDates"): Part(unless_null="airing_from"),
    ("AiringDates", "from"): column("airing_from"),
    ("AiringDates", "to"): column("airing_to"),
    ("Movie", "viewerRating"): One(lambda parent: selects.select_rating(VIEWER, parent("id")), of_viewer=True),
    ("Movie", "places"): Page(lambda _, movie_id: lists.list_places_of_movie(movie_id)),
    ("Movie", "sessions"): Page(sessions_of_movie),
    ("Place", "movies"): Page(lambda asked, place_id: lists.list_movies_of_place(place_id, read_order(asked["sort"]))),
    ("Place", "sessions"): Page(sessions_of_place),
    ("Session", "movie"): by_key(Movie, "movie_id"),
    ("Session", "place"): by_key(Place, "place_id"),
    ("Session", "seatsAvailable"): Leaf(seats_available, newest=True),
    ("Rating", "movie"): by_key(Movie, "movie_id"),
}
