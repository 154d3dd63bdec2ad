"""How the answers of the cinema surface are read from their rows (docs/contract/cinema.md)."""

from typing import Final

from db import selects
from db.json_text import Literal, Piece, Row, Sql, spell_plain
from rest.json_fields import (
    INSTANT,
    NUMBER,
    WHOLE,
    Fields,
    Shape,
    Write,
    address,
    column,
    joined_column,
    nullable,
    part,
    public_id,
)

MOVIE_FIELDS: Final[Fields] = {
    "id": public_id("mov"),
    "title": column("title"),
    "description": column("description"),
    "poster": address("poster"),
    "duration": column("duration", WHOLE),
    "airing_dates": part(
        {"from": column("airing_from", INSTANT), "to": column("airing_to", INSTANT)}, unless_null="airing_from"
    ),
    "rating": nullable("rating", NUMBER),
}
MOVIES: Final = Shape("movies", MOVIE_FIELDS)
MOVIE: Final = Shape("movie", MOVIE_FIELDS)

PLACES: Final = Shape("places", {"id": public_id("plc"), "name": column("name"), "address": column("address")})
SESSIONS: Final = Shape("sessions", {"id": public_id("ses"), "starts_at": column("starts_at", INSTANT)})


def seats_available(row: Row) -> list[Piece]:
    """Return the text of a session's free seats."""
    for name in ("id", "capacity", "taken"):
        row.ask(name)
    return [Sql(spell_plain(selects.write_seats_available(of=row.alias)))]


def join_session(row: Row) -> str:
    """Return the joins of what a session shows and where."""
    return f"JOIN movies ON movies.id = {row['movie_id']} JOIN places ON places.id = {row['place_id']}"


def join_booked_session(row: Row) -> str:
    """Return the joins of what a booking is for."""
    return (
        f"JOIN sessions ON sessions.id = {row['session_id']}"
        " JOIN movies ON movies.id = sessions.movie_id JOIN places ON places.id = sessions.place_id"
    )


def joined_id(prefix: str, table: str) -> Write:
    """Return a field with the public id of a row of a joined table."""
    return lambda _row: [Literal(f'"{prefix}_'), Sql(spell_plain(f"{table}.id")), Literal('"')]


NAMED_MOVIE: Final = part({"id": joined_id("mov", "movies"), "title": joined_column("movies.title")})
NAMED_PLACE: Final = part({"id": joined_id("plc", "places"), "name": joined_column("places.name")})
SESSION: Final = Shape(
    "session",
    {
        "id": public_id("ses"),
        "starts_at": column("starts_at", INSTANT),
        "capacity": column("capacity", WHOLE),
        "seats_available": seats_available,
        "movie": NAMED_MOVIE,
        "place": NAMED_PLACE,
    },
    join_session,
)

LISTED_BOOKING_FIELDS: Final[Fields] = {
    "id": public_id("bok"),
    "session_id": public_id("ses", "session_id"),
    "reserved_seats": column("reserved_seats", WHOLE),
    "created_at": column("created_at", INSTANT),
    "closes_at": column("closes_at", INSTANT),
    "confirmed_at": nullable("confirmed_at", INSTANT),
    "movie": NAMED_MOVIE,
    "place": NAMED_PLACE,
}
BOOKINGS: Final = Shape("bookings", LISTED_BOOKING_FIELDS, join_booked_session)
BOOKING: Final = Shape(
    "booking",
    {
        "id": public_id("bok"),
        "session_id": public_id("ses", "session_id"),
        "status": column("status"),
        "reserved_seats": column("reserved_seats", WHOLE),
        "created_at": column("created_at", INSTANT),
        "closes_at": column("closes_at", INSTANT),
        "confirmed_at": nullable("confirmed_at", INSTANT),
        "cancelled_at": nullable("cancelled_at", INSTANT),
        "movie": NAMED_MOVIE,
        "place": NAMED_PLACE,
    },
    join_booked_session,
)
