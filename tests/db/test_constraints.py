from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest
from psycopg.errors import CheckViolation, IntegrityError

from db import constraints
from db.engine import Database
from errors import (
    EmailTaken,
    MovieNotFound,
    PlaceNotFound,
    Refusal,
    SessionNotFound,
    StillInUse,
    Unauthenticated,
    UsernameTaken,
)
from tests.support.factories import insert, make_booking, make_movie, make_place, make_rating, make_session, make_user
from tests.support.seats import unbalanced


async def same_email(database: Database) -> None:
    for email in ("ada@example.org", "ADA@example.org"):
        await make_user(database, email=email)


async def same_username(database: Database) -> None:
    for username in ("ada", "ADA"):
        await make_user(database, username=username)


async def rating_by_nobody(database: Database) -> None:
    await make_rating(database, user_id=1)


async def rating_of_nothing(database: Database) -> None:
    await make_rating(database, movie_id=1)


async def booking_by_nobody(database: Database) -> None:
    await make_booking(database, user_id=1)


async def booking_of_nothing(database: Database) -> None:
    await make_booking(database, session_id=1)


async def session_nowhere(database: Database) -> None:
    await make_session(database, place_id=1)


async def movie_with_sessions(database: Database) -> None:
    await make_session(database)
    await database.primary.value("DELETE FROM movies RETURNING 1")


async def place_with_sessions(database: Database) -> None:
    await make_session(database)
    await database.primary.value("DELETE FROM places RETURNING 1")


async def session_with_bookings(database: Database) -> None:
    await make_booking(database)
    await database.primary.value("DELETE FROM sessions RETURNING 1")


BREACHES: list[tuple[Callable[[Database], Awaitable[None]], type[Refusal]]] = [
    (same_email, EmailTaken),
    (same_username, UsernameTaken),
    (rating_by_nobody, Unauthenticated),
    (rating_of_nothing, MovieNotFound),
    (booking_by_nobody, Unauthenticated),
    (booking_of_nothing, SessionNotFound),
    (session_nowhere, PlaceNotFound),
    (movie_with_sessions, StillInUse),
    (place_with_sessions, StillInUse),
    (session_with_bookings, StillInUse),
]


@pytest.mark.parametrize(("breach", "refusal"), BREACHES)
async def test_violated_constraint_raises_its_refusal(
    database: Database, breach: Callable[[Database], Awaitable[None]], refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        await breach(database)


async def test_every_named_constraint_exists(database: Database) -> None:
    there = "SELECT conname FROM pg_constraint UNION SELECT indexname FROM pg_indexes WHERE schemaname = 'public'"
    names = {row[0] for row in await database.primary.tuples(there)}
    assert set(constraints.BY_NAME) <= names


@pytest.mark.parametrize(
    "statement", ["UPDATE sessions SET taken = capacity + 1 RETURNING 1", "UPDATE sessions SET taken = -1 RETURNING 1"]
)
async def test_violated_stock_check_is_no_refusal(database: Database, statement: str) -> None:
    await make_session(database)
    with pytest.raises(CheckViolation):
        await database.primary.value(statement)
    assert await unbalanced(database) == []


@pytest.mark.parametrize(
    ("make", "columns"),
    [
        (make_movie, {"duration": 0}),
        (make_movie, {"duration": 1441}),
        (make_place, {"capacity": 0}),
        (make_place, {"capacity": 100_001}),
        (make_rating, {"value": 5.1}),
        (make_rating, {"value": -0.1}),
        (make_rating, {"value": float("nan")}),
        (make_booking, {"status": "lost"}),
        (make_booking, {"reserved_seats": -1}),
    ],
)
async def test_tables_refuse_impossible_rows(
    database: Database, make: Callable[..., Awaitable[Any]], columns: dict[str, object]
) -> None:
    with pytest.raises(CheckViolation):
        await make(database, **columns)


async def test_user_needs_email_or_username(database: Database) -> None:
    with pytest.raises(CheckViolation):
        await insert(database, type(await make_user(database)), password_hash="x")


def test_unnamed_constraint_has_no_refusal() -> None:
    assert constraints.find_refusal(IntegrityError("something else")) is None
    assert constraints.find_refusal(psycopg.errors.ForeignKeyViolation("something else")) is None
