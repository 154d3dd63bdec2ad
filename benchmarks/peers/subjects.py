"""What the scenarios ask about: rows of the demo data, and accounts and sessions that are made for them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any, Final

import jwt
import psycopg
from argon2 import PasswordHasher, Type
from psycopg import sql

PASSWORD: Final = "correct horse battery"  # noqa: S105 - of accounts that live as long as the benchmark
SECRET: Final = "benchmark" * 4
# The costs of identity/passwords.py; every peer verifies the same hash.
HASHER: Final = PasswordHasher(time_cost=5, memory_cost=7 * 1024, parallelism=1, type=Type.ID)
CALLERS: Final = 64
FLOW_SESSIONS: Final = 500
# More than a run reserves; what is left over stays open.
HOT_BOOKINGS: Final = 40_000

ACCOUNTS: Final = """
    INSERT INTO users (email, password_hash) SELECT 'peer' || n || '@example.org', %(hash)s
    FROM generate_series(1, %(callers)s) AS n
    ON CONFLICT (lower(email)) DO UPDATE SET password_hash = excluded.password_hash
    RETURNING id, email
"""
HALL: Final = """
    WITH movie AS (
        INSERT INTO movies (title, description, poster, duration) VALUES ('Benchmark', 'Benchmark', '/b', 100) RETURNING id
    ), place AS (
        INSERT INTO places (name, address, capacity) VALUES ('Benchmark', 'Benchmark', 100000) RETURNING id
    )
    SELECT movie.id, place.id FROM movie, place
"""
SESSIONS: Final = """
    INSERT INTO sessions (movie_id, place_id, starts_at, capacity)
    SELECT %(movie_id)s, %(place_id)s, date_trunc('second', now()) + n * interval '1 day', 100000 FROM generate_series(1, %(number)s) AS n
    RETURNING id
"""
BOOKINGS: Final = """
    INSERT INTO bookings (user_id, session_id, created_at, closes_at)
    SELECT (%(users)s::bigint[])[1 + n %% cardinality(%(users)s::bigint[])], %(session_id)s, now(), now() + interval '1 day'
    FROM generate_series(1, %(number)s) AS n
    RETURNING id, user_id
"""
BUSIEST: Final = """
    SELECT user_id FROM bookings WHERE user_id NOT IN (SELECT id FROM users WHERE email LIKE 'peer%%@example.org')
    GROUP BY user_id ORDER BY count(*) DESC, user_id LIMIT %(callers)s
"""


@dataclass(frozen=True, slots=True)
class Account:
    """A user who can sign in, and a token that every peer takes."""

    id: int
    email: str
    token: str


@dataclass(frozen=True, slots=True)
class Subjects:
    """What is there to be asked for; `sessions` have room for every run."""

    connection: psycopg.Connection[Any]
    movies: Sequence[int]
    accounts: Sequence[Account]
    # Tokens of users of the demo data, who have bookings.
    buyers: Sequence[tuple[int, str]]
    hall: tuple[int, int]
    sessions: Sequence[int]


def make_subjects(connection: psycopg.Connection[Any]) -> Subjects:
    """Return what the scenarios need in a database that has the demo data."""
    movies = [
        row[0] for row in connection.execute("SELECT id FROM movies ORDER BY rating_order DESC, id DESC LIMIT 64")
    ]
    buyers = [row[0] for row in connection.execute(BUSIEST, {"callers": CALLERS})]
    found = connection.execute(ACCOUNTS, {"hash": HASHER.hash(PASSWORD), "callers": CALLERS}).fetchall()
    accounts = [Account(user_id, email, make_token(user_id)) for user_id, email in found]
    hall = connection.execute(HALL).fetchone() or (0, 0)
    sessions = make_sessions(connection, hall, number=FLOW_SESSIONS)
    connection.execute("ANALYZE users, sessions, movies, places, airings")
    return Subjects(connection, movies, accounts, [(each, make_token(each)) for each in buyers], hall, sessions)


def make_sessions(connection: psycopg.Connection[Any], hall: tuple[int, int], *, number: int) -> list[int]:
    """Return the ids of new sessions in the benchmark's own hall, with 100,000 seats each."""
    parameters = {"movie_id": hall[0], "place_id": hall[1], "number": number}
    return [row[0] for row in connection.execute(SESSIONS, parameters)]


def open_bookings(subjects: Subjects, *, number: int = HOT_BOOKINGS) -> tuple[int, list[tuple[int, str]]]:
    """Return a new session and open bookings of it without seats: their ids and their users' tokens."""
    (session_id,) = make_sessions(subjects.connection, subjects.hall, number=1)
    tokens = {account.id: account.token for account in subjects.accounts}
    parameters = {"users": list(tokens), "session_id": session_id, "number": number}
    found = subjects.connection.execute(BOOKINGS, parameters).fetchall()
    return session_id, [(booking_id, tokens[user_id]) for booking_id, user_id in found]


def settle(connection: psycopg.Connection[Any]) -> None:
    """Put away what writes have left, so that no run pays for the one before it."""
    for table in ("bookings", "sessions", "seat_reservations", "page_views", "users"):
        connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(table)))
    connection.execute("CHECKPOINT")


def make_token(user_id: int) -> str:
    """Return a token as the server makes them, good for a day."""
    now = int(time.time())
    claims = {"iss": "matinee", "aud": "matinee", "sub": f"usr_{user_id}", "iat": now, "exp": now + 86_400}
    return jwt.encode(claims, SECRET, algorithm="HS256")


def in_turn(found: Sequence[tuple[int, str]], number: int) -> list[tuple[int, str]]:
    """Return so many of them, beginning anew after the last."""
    return list(islice(cycle(found), number))
