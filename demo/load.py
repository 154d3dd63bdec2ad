"""Loads the demo data into an empty database, all or nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from psycopg.rows import scalar_row

from db import ids
from db.engine import Database
from db.refusals import translate_errors
from db.server_watch import allow_longer_statements
from demo.audience import HOLD, UNUSABLE_HASH, make_emails
from demo.box_office import make_box_office
from demo.compose import Demo, compose
from demo.load_box_office import load_box_office
from demo.rows import Connection, copy_rows, make_snowflakes

# An arbitrary number that all processes use.
LOAD_LOCK: Final = 7_262_194
# A limit far beyond the time that any amount of demo data takes.
LONGEST_SECONDS: Final = 6 * 3600.0
# Longer than a request would wait: an empty database has no other callers.
POOL_TIMEOUT_SECONDS: Final = 10.0

MOVIES: Final = "COPY movies (id, title, description, poster, duration, genres) FROM STDIN"
PLACES: Final = "COPY places (id, name, address, capacity) FROM STDIN"
USERS: Final = "COPY users (id, email, password_hash, created_at) FROM STDIN"
RATINGS: Final = "COPY ratings (user_id, movie_id, value, created_at, updated_at) FROM STDIN"
SESSIONS: Final = "COPY sessions (id, movie_id, place_id, starts_at, capacity, taken) FROM STDIN"
BOOKINGS: Final = (
    "COPY bookings (id, user_id, session_id, status, reserved_seats, created_at, closes_at, confirmed_at) FROM STDIN"
)
SEAT_RESERVATIONS: Final = "COPY seat_reservations (booking_id, seats, created_at) FROM STDIN"

# The statistics, without which the first queries would guess until autovacuum comes round; and the map of pages that all may
# see, without which an index-only scan would read the table as well.
VACUUM: Final = (
    "VACUUM ANALYZE movies, places, users, ratings, sessions, airings, bookings, seat_reservations,"
    " events, event_reservations, shows, tickets"
)


class NotEmptyError(Exception):
    """The database has movies already; demo data goes into an empty one only."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many rows were loaded."""

    movies: int
    places: int
    sessions: int
    ratings: int
    bookings: int
    events: int


@dataclass(frozen=True, slots=True)
class Ids:
    """The snowflakes of what is referred to, by position."""

    movies: Sequence[int]
    places: Sequence[int]
    users: Sequence[int]
    sessions: Sequence[int]


def ignore_progress(_: str) -> None:
    """Say nothing."""


async def load(db: Database, *, scale: int = 1, progress: Callable[[str], None] = ignore_progress) -> Loaded:
    """Load `scale` times the demo data in one transaction; return how much it was.

    The sessions lie around the present by the database's clock; all else is the same each time.
    `progress` is called with a line before each step. Raises ValueError for a scale under 1,
    NotEmptyError where there are movies already, and Unavailable without a database.
    """
    if scale < 1:
        raise ValueError(f"scale is {scale}, but the demo is loaded at least once: give 1 or more")
    with translate_errors():
        # Without the pipeline of db.transaction(): COPY does not work in one.
        async with (
            db.primary.pool.connection(POOL_TIMEOUT_SECONDS) as connection,
            allow_longer_statements(connection, seconds=LONGEST_SECONDS),
        ):
            async with connection.transaction():
                await _prepare(connection)
                now = await _read_clock(connection)
                loaded = await _load(connection, compose(scale, now=now), progress, scale=scale, now=now)
            await _vacuum(connection)
            return loaded


async def _vacuum(connection: Connection) -> None:
    """Vacuum what was loaded, which no transaction can do."""
    try:
        await connection.execute("SET statement_timeout = 0")
        await connection.execute(VACUUM)
    finally:
        await connection.execute("RESET statement_timeout")


async def _prepare(connection: Connection) -> None:
    """Lift the bounds meant for requests, wait for a rival to end, and refuse where movies are."""
    await connection.execute(
        "SELECT set_config(name, '0', true) FROM unnest(ARRAY["
        "'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']) AS name"
    )
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOAD_LOCK,))
    found = await connection.execute("SELECT FROM movies LIMIT 1")
    if found.rowcount:
        raise NotEmptyError(" ".join(str(NotEmptyError.__doc__).split()))


async def _load(
    connection: Connection, demo: Demo, progress: Callable[[str], None], *, scale: int, now: datetime
) -> Loaded:
    """Load table by table, those that others refer to first."""
    known = await _make_ids(connection, demo)
    progress(f"Loading {len(demo.films)} movies and {len(demo.cinemas)} places")
    await _load_programme(connection, demo, known)
    progress(f"Loading {len(demo.opinions)} ratings")
    await _load_ratings(connection, demo, known)
    progress(f"Loading {len(demo.showings)} sessions")
    await _load_sessions(connection, demo, known)
    bookings = sum(map(len, demo.sales))
    progress(f"Loading {bookings} bookings")
    await _load_bookings(connection, demo, known)
    tickets = make_box_office(scale, spectators=demo.spectators, now=now)
    progress(f"Loading {len(tickets.occasions)} events and {len(tickets.shows)} shows")
    await load_box_office(connection, tickets, users=known.users)
    return Loaded(
        movies=len(demo.films),
        places=len(demo.cinemas),
        sessions=len(demo.showings),
        ratings=len(demo.opinions),
        bookings=bookings,
        events=len(tickets.occasions),
    )


async def _make_ids(connection: Connection, demo: Demo) -> Ids:
    return Ids(
        movies=await make_snowflakes(connection, len(demo.films)),
        places=await make_snowflakes(connection, len(demo.cinemas)),
        users=await make_snowflakes(connection, demo.spectators),
        sessions=await make_snowflakes(connection, len(demo.showings)),
    )


async def _load_programme(connection: Connection, demo: Demo, known: Ids) -> None:
    """Load movies, each with the address of its drawn poster, places and users."""
    await copy_rows(
        connection,
        MOVIES,
        (
            (id_, film.title, film.description, format_poster_path(id_), film.minutes, list(film.genres))
            for id_, film in zip(known.movies, demo.films, strict=True)
        ),
    )
    await copy_rows(
        connection,
        PLACES,
        (
            (id_, cinema.name, cinema.address, cinema.capacity)
            for id_, cinema in zip(known.places, demo.cinemas, strict=True)
        ),
    )
    await copy_rows(
        connection,
        USERS,
        (
            (id_, email, UNUSABLE_HASH, demo.joined_at)
            for id_, email in zip(known.users, make_emails(demo.spectators), strict=True)
        ),
    )


async def _load_ratings(connection: Connection, demo: Demo, known: Ids) -> None:
    """Load the ratings; triggers derive the movies' own columns from them."""
    await copy_rows(
        connection,
        RATINGS,
        (
            (
                known.users[opinion.spectator],
                known.movies[opinion.film],
                opinion.value,
                opinion.given_at,
                opinion.given_at,
            )
            for opinion in demo.opinions
        ),
    )


async def _load_sessions(connection: Connection, demo: Demo, known: Ids) -> None:
    """Load the sessions with the seats that are sold; triggers derive ends and airings."""
    await copy_rows(
        connection,
        SESSIONS,
        (
            (
                id_,
                known.movies[showing.film],
                known.places[showing.room],
                showing.starts_at,
                demo.cinemas[showing.room].capacity,
                sum(sale.seats for sale in sales),
            )
            for id_, showing, sales in zip(known.sessions, demo.showings, demo.sales, strict=True)
        ),
    )


async def _load_bookings(connection: Connection, demo: Demo, known: Ids) -> None:
    """Load confirmed bookings and the one reservation of each, in the order they were opened in."""
    sold = sorted(
        ((session, sale) for session, sales in zip(known.sessions, demo.sales, strict=True) for sale in sales),
        key=lambda pair: pair[1].opened_at,
    )
    bookings = await make_snowflakes(connection, len(sold))
    await copy_rows(
        connection,
        BOOKINGS,
        (
            (
                id_,
                known.users[sale.spectator],
                session,
                "confirmed",
                sale.seats,
                sale.opened_at,
                sale.opened_at + HOLD,
                sale.confirmed_at,
            )
            for id_, (session, sale) in zip(bookings, sold, strict=True)
        ),
    )
    await copy_rows(
        connection,
        SEAT_RESERVATIONS,
        ((id_, sale.seats, sale.reserved_at) for id_, (_, sale) in zip(bookings, sold, strict=True)),
    )


def format_poster_path(movie_id: int) -> str:
    """Return where this server draws the poster of a movie: a path below its public address."""
    return f"/posters/{ids.encode('mov', movie_id)}.svg"


async def _read_clock(connection: Connection) -> datetime:
    """Return the present by the database's clock."""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("SELECT clock_timestamp()")
        row = await cursor.fetchone()
    return cast("datetime", row)
