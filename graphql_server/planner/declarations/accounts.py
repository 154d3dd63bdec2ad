"""What belongs to a user: the account, bookings and collections."""

from typing import Final

from sqlalchemy import select

from db import ids, lists, selects
from db.json_text import Row
from db.models import (
    Booking,
    CollectedMovie,
    Collection,
    EventReservation,
    Movie,
    Place,
    SeatReservation,
    Session,
    User,
    find_table,
)
from db.paging import Listing
from domain.collection import FAVOURITE_GENRES
from graphql_server.planner.declarations.common import VIEWER, by_key, column, own, own_or_staff
from graphql_server.planner.reads import Arguments, ById, Items, Kind, Leaf, One, Page, Reads, Viewer
from resolvers import event_reservations

KINDS: Final[dict[str, Kind]] = {
    "User": Kind(User, "usr", lambda identity: own_or_staff(User, identity, user="id"), of_viewer=True),
    "Booking": Kind(Booking, "bok", lambda identity: own(Booking, identity), of_viewer=True),
    "SeatReservation": Kind(
        SeatReservation,
        "rsv",
        lambda identity: selects.select_row(SeatReservation, identity).where(
            select(find_table(Booking).c.user_id)
            .where(find_table(Booking).c.id == find_table(SeatReservation).c.booking_id)
            .scalar_subquery()
            == VIEWER
        ),
        of_viewer=True,
    ),
    "Collection": Kind(Collection, "col", lambda identity: own(Collection, identity), of_viewer=True),
    # Parts of collections; the catalogue's own are never in a table.
    "CatalogueMovie": Kind(CollectedMovie, "", lambda identity: selects.select_row(CollectedMovie, identity)),
}


def of_session(model: type[Movie | Place], column_name: str) -> One:
    """Return how a booking reads a row that its session names."""
    session = find_table(Session).c
    return One(
        lambda parent: selects.select_row(
            model, select(session[column_name]).where(session.id == parent("session_id")).scalar_subquery()
        )
    )


def favourite_genres(row: Row) -> str:
    """Return the SQL of the viewer's favourite genres as JSON; of another user there are none."""
    rows = FAVOURITE_GENRES.replace("%(user_id)s", f"{row['id']} AND {row['id']} = %(viewer)s::bigint")
    return f"to_json(ARRAY({rows}))::text"


def bookings_of_user(asked: Arguments, user_id: int) -> Listing[Booking]:
    """Return the list of a user's bookings."""
    return lists.list_bookings(user_id, with_seats=(asked.get("filter") or {}).get("withSeats", False))


def reservations_of_user(asked: Arguments, user_id: int) -> Listing[EventReservation]:
    """Return the list of a user's reservations of events."""
    only = asked.get("filter") or {}
    return event_reservations.make_reservation_list(
        user_id,
        event_id=only.get("eventId"),
        live_only=only.get("liveOnly", False),
        date_from=only.get("from"),
    )


FIELDS: Final[dict[tuple[str, str], Reads]] = {
    ("Query", "viewer"): Viewer(),
    ("Query", "booking"): ById(lambda identity: own(Booking, identity), "bok", of_viewer=True),
    ("User", "bookings"): Page(bookings_of_user, is_private=True),
    ("User", "eventReservations"): Page(reservations_of_user),
    ("User", "collections"): Page(lambda _, user_id: lists.list_collections(user_id), is_private=True),
    ("User", "favouriteGenres"): Leaf(favourite_genres, is_text=True, newest=True),
    ("Booking", "session"): by_key(Session, "session_id"),
    ("Booking", "movie"): of_session(Movie, "movie_id"),
    ("Booking", "place"): of_session(Place, "place_id"),
    ("Booking", "reservations"): Items(lambda parent: selects.select_latest_changes(parent("id")), keys=("id",)),
    ("Collection", "uuid"): Leaf(lambda row: ids.write_uuid_sql("col", row["id"])),
    ("Collection", "movies"): Items(lambda parent: selects.select_collected_movies(parent("id")), keys=("position",)),
    ("CatalogueMovie", "genres"): column("genre_names"),
}
