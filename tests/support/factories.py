"""Rows for tests: each is complete, and a test names only what it is about."""

import hashlib
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any, Final
from uuid import uuid4

from db.engine import Database
from db.models import (
    Booking,
    CollectedMovie,
    Collection,
    Movie,
    PageView,
    Place,
    Rating,
    SeatReservation,
    Session,
    User,
)
from db.pipeline.statement import Row
from identity.passwords import HASHER
from identity.tokens import Actor, Keys, make_token

SECRET: Final = "a secret that only the tests sign with"
KEYS: Final = Keys((SECRET.encode(),), token_seconds=3600)
PASSWORD: Final = "correct horse battery"
# Tests come often, and all from one address; those of the limits set their own.
UNLIMITED: Final = {f"MATINEE_LIMIT_{name}": "off" for name in ("COST", "SIGN_IN", "SIGN_UP")}

numbers: Final = count(1)


@cache
def password_hash() -> str:
    """Return the hash of PASSWORD."""
    return HASHER.hash(PASSWORD)


def bearer(user: User) -> dict[str, str]:
    """Return the header that signs a request in as this user."""
    return {"Authorization": f"Bearer {make_token(Actor(user.id), keys=KEYS)}"}


class Clock:
    """When the test began: two calls of `soon` in one test must not fall into two seconds."""

    now = datetime.now(UTC).replace(microsecond=0)

    @classmethod
    def start(cls) -> None:
        """Begin a test."""
        cls.now = datetime.now(UTC).replace(microsecond=0)


def soon(hours: float = 24) -> datetime:
    """Return an instant so many hours from the beginning of the test, in UTC and whole seconds."""
    return Clock.now + timedelta(hours=hours)


async def insert(database: Database, model: type[Row], **columns: Any) -> Row:
    """Return a new row of the model's table."""
    names, places = ", ".join(columns), ", ".join(f"%({name})s" for name in columns)
    table = model.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not say so
    seen = ", ".join(column.name for column in table.columns if not column.info.get("internal"))
    statement = f"INSERT INTO {table.name} ({names}) VALUES ({places}) RETURNING {seen}"  # noqa: S608 - names of ours
    (made,) = await database.primary.rows(model, statement, **columns)
    return made


async def make_user(database: Database, **given: Any) -> User:
    """Return a user whose password is PASSWORD; `is_staff=True` makes them staff."""
    name = {} if given.keys() & {"email", "username"} else {"email": f"user{next(numbers)}@example.org"}
    return await insert(database, User, **{"password_hash": password_hash()} | name | given)


async def make_movie(database: Database, **given: Any) -> Movie:
    """Return a movie of two hours without sessions or ratings."""
    number = next(numbers)
    columns = {
        "title": f"Movie {number:04}",
        "description": f"What happens in movie {number}.",
        "poster": f"/posters/{number}.svg",
        "duration": 120,
        "genres": ["Drama"],
    }
    return await insert(database, Movie, **columns | given)


async def make_place(database: Database, **given: Any) -> Place:
    """Return a place of 100 seats."""
    number = next(numbers)
    columns = {"name": f"Place {number:04}", "address": f"{number} rue du Cinéma, Lyon", "capacity": 100}
    return await insert(database, Place, **columns | given)


async def make_session(
    database: Database, *, movie: Movie | None = None, place: Place | None = None, **given: Any
) -> Session:
    """Return a session of tomorrow, of the movie's length and the place's capacity."""
    movie = movie or await make_movie(database)
    place = place or await make_place(database)
    columns: dict[str, Any] = {
        "movie_id": movie.id,
        "place_id": place.id,
        "starts_at": soon(),
        "capacity": place.capacity,
    } | given
    columns.setdefault("ends_at", columns["starts_at"] + timedelta(minutes=movie.duration))
    return await insert(database, Session, **columns)


async def make_rating(
    database: Database, *, user: User | None = None, movie: Movie | None = None, **given: Any
) -> Rating:
    """Return a rating of 4."""
    user = user or await make_user(database)
    movie = movie or await make_movie(database)
    return await insert(database, Rating, **{"user_id": user.id, "movie_id": movie.id, "value": 4.0} | given)


async def make_booking(
    database: Database, *, user: User | None = None, session: Session | None = None, seats: int = 0, **given: Any
) -> Booking:
    """Return an open booking of a minute, whose seats the session has counted; give `status` for another kind."""
    user = user or await make_user(database)
    session = session or await make_session(database)
    now = datetime.now(UTC)
    columns = {
        "user_id": user.id,
        "session_id": session.id,
        "reserved_seats": seats,
        "created_at": now,
        "closes_at": now + timedelta(minutes=1),
    }
    await database.primary.value(
        "UPDATE sessions SET taken = taken + %(seats)s WHERE id = %(id)s RETURNING 1", seats=seats, id=session.id
    )
    return await insert(database, Booking, **columns | given)


async def make_expired_booking(database: Database, **given: Any) -> Booking:
    """Return an open booking whose minute is over, and which no job has closed yet."""
    long_ago = datetime.now(UTC) - timedelta(minutes=10)
    times = {"created_at": long_ago, "closes_at": long_ago + timedelta(minutes=1)}
    return await make_booking(database, **times | given)


async def make_seat_reservation(database: Database, *, booking: Booking, **given: Any) -> SeatReservation:
    """Return a record of a booking's seats."""
    columns = {"booking_id": booking.id, "seats": 2, "created_at": datetime.now(UTC)}
    return await insert(database, SeatReservation, **columns | given)


async def make_collection(database: Database, *, user: User | None = None, **given: Any) -> Collection:
    """Return a collection of one comedy."""
    user = user or await make_user(database)
    columns = {"user_id": user.id, "title": f"Collection {next(numbers)}", "description": "What I like."}
    made = await insert(database, Collection, **columns | given)
    movie = {"uuid": uuid4(), "title": "Playtime", "description": "", "genres": "Comedy"}
    await insert(database, CollectedMovie, collection_id=made.id, position=1, **movie)
    return made


async def make_page_view(database: Database, **given: Any) -> PageView:
    """Return an anonymous view of the front page."""
    columns = {
        "tracking_id": hashlib.sha256(str(next(numbers)).encode()).hexdigest()[:12],
        "type": "page_enter",
        "scheme": "https",
        "path": "/",
        "query": "[]",
    }
    return await insert(database, PageView, **columns | given)
