"""What the database derives is at every moment what it is derived from."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.engine import Database
from tests.support.factories import make_movie, make_place, make_rating, make_session, make_user, soon

WRONG_MOVIES: Final = """
    SELECT id FROM movies
    LEFT JOIN (
        SELECT movie_id, sum(value::numeric) AS total, count(*) AS number FROM ratings GROUP BY movie_id
    ) AS rated ON rated.movie_id = id
    LEFT JOIN (
        SELECT movie_id, min(starts_at) AS first, max(starts_at) AS last FROM sessions GROUP BY movie_id
    ) AS shown ON shown.movie_id = id
    WHERE rating_count <> coalesce(number, 0) OR rating_sum <> coalesce(total, 0)
        OR rating IS DISTINCT FROM (total / nullif(number, 0))::float8
        OR airing_from IS DISTINCT FROM first OR airing_to IS DISTINCT FROM last
        OR rating_order <> coalesce(rating, -1)
        OR airing_from_order <> coalesce(airing_from, '0001-01-02Z') OR airing_to_order <> coalesce(airing_to, '9999-12-30Z')
"""
WRONG_AIRINGS: Final = """
    SELECT movie_id, place_id FROM airings FULL JOIN (
        SELECT movie_id, place_id, max(starts_at) AS last_start, max(ends_at) AS last_end, name_key
        FROM sessions JOIN places ON places.id = place_id GROUP BY movie_id, place_id, name_key
    ) AS shown USING (movie_id, place_id)
    WHERE last_starts_at IS DISTINCT FROM last_start OR last_ends_at IS DISTINCT FROM last_end OR place_key IS DISTINCT FROM name_key
"""
WRONG_SESSIONS: Final = """
    SELECT sessions.id FROM sessions JOIN movies ON movies.id = movie_id
    WHERE ends_at <> starts_at + duration * interval '1 minute'
"""

# Changes that a caller of the database could make; {m}, {p} and {n} are chosen, there are three movies and three places.
CHANGES: Final = (
    "INSERT INTO sessions (movie_id, place_id, starts_at, capacity) VALUES ({m}, {p}, '2030-01-01Z'::timestamptz + interval '{n} hours', 9)",
    (
        "INSERT INTO sessions (movie_id, place_id, starts_at, capacity)"
        " SELECT m, {p}, '2030-01-01Z'::timestamptz + m * interval '{n} hours', 9 FROM generate_series(1, 3) AS m, generate_series(1, 2)"
    ),
    "DELETE FROM sessions WHERE movie_id = {m} AND place_id = {p}",
    "DELETE FROM sessions WHERE movie_id = {m}",
    "DELETE FROM sessions WHERE place_id = {p}",
    "DELETE FROM sessions WHERE id = (SELECT min(id) FROM sessions)",
    "DELETE FROM sessions WHERE false",
    "UPDATE sessions SET starts_at = starts_at + interval '{n} hours' WHERE movie_id = {m}",
    "UPDATE sessions SET starts_at = '2030-02-01Z' WHERE place_id = {p}",
    "UPDATE sessions SET movie_id = {m} WHERE place_id = {p}",
    "UPDATE sessions SET place_id = {p} WHERE movie_id = {m}",
    "UPDATE sessions SET movie_id = {m}, place_id = {p}, starts_at = '2030-03-01Z' WHERE id = (SELECT max(id) FROM sessions)",
    "UPDATE sessions SET taken = {n} % 10",
    "UPDATE movies SET duration = {n} + 1 WHERE id = {m}",
    "UPDATE movies SET duration = duration, title = 'Other {n}' WHERE id = {m}",
    "UPDATE places SET name = 'Place {n}' WHERE id = {p}",
    (
        "INSERT INTO ratings (user_id, movie_id, value) VALUES ({p}, {m}, {n} / 7.0)"
        " ON CONFLICT (user_id, movie_id) DO UPDATE SET value = excluded.value"
    ),
    (
        "INSERT INTO ratings (user_id, movie_id, value) SELECT {p}, m, {n} / 9.0 FROM generate_series(1, 3) AS m"
        " ON CONFLICT (user_id, movie_id) DO UPDATE SET value = excluded.value"
    ),
    "UPDATE ratings SET value = {n} / 11.0 WHERE movie_id = {m}",
    "UPDATE ratings SET value = value",
    "DELETE FROM ratings WHERE user_id = {p}",
    "DELETE FROM ratings WHERE movie_id = {m}",
)
CHOSEN: Final = st.lists(
    st.builds(
        lambda change, m, p, n: change.format(m=m, p=p, n=n),
        st.sampled_from(CHANGES),
        st.integers(1, 3),
        st.integers(1, 3),
        st.integers(0, 30),
    ),
    max_size=25,
)


@pytest.fixture
def connection(empty_database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(empty_database_url) as opened:
        yield opened
        opened.rollback()


def wrong(connection: psycopg.Connection[Any]) -> list[Any]:
    return [
        row
        for statement in (WRONG_MOVIES, WRONG_AIRINGS, WRONG_SESSIONS)
        for row in connection.execute(statement.encode()).fetchall()
    ]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(changes=CHOSEN)
def test_derived_columns_are_right_after_any_changes(connection: psycopg.Connection[Any], changes: list[str]) -> None:
    connection.rollback()
    connection.execute(
        "INSERT INTO users (id, username, password_hash) SELECT n, 'user' || n, '' FROM generate_series(1, 3) AS n"
    )
    connection.execute(
        "INSERT INTO movies (id, title, description, poster, duration)"
        " SELECT n, 'Movie ' || n, '-', '-', 60 FROM generate_series(1, 3) AS n"
    )
    connection.execute(
        "INSERT INTO places (id, name, address, capacity) SELECT n, 'Place ' || n, '-', 9 FROM generate_series(1, 3) AS n"
    )
    for change in changes:
        connection.execute(change.encode())
        assert wrong(connection) == [], change


def test_comparison_finds_wrong_derived_columns(connection: psycopg.Connection[Any]) -> None:
    connection.execute(
        "INSERT INTO movies (title, description, poster, duration, rating_sum, rating_count) VALUES ('x', 'x', 'x', 9, 5, 1)"
    )
    assert len(wrong(connection)) == 1


async def test_derived_columns_are_right_after_concurrent_changes(database: Database) -> None:
    movies = [await make_movie(database, duration=60) for _ in range(2)]
    places = [await make_place(database) for _ in range(2)]
    users = [await make_user(database) for _ in range(4)]

    async def show(number: int) -> None:
        movie, place = movies[number % 2], places[number // 2 % 2]
        session = await make_session(database, movie=movie, place=place, starts_at=soon() + timedelta(hours=2 * number))
        if number % 3:
            move = "UPDATE sessions SET starts_at = starts_at + interval '30 days' WHERE id = %(id)s RETURNING 1"
            await database.primary.value(move, id=session.id)
        if number % 2:
            await database.primary.value("DELETE FROM sessions WHERE id = %(id)s RETURNING 1", id=session.id)

    async def rate(number: int) -> None:
        rating = await make_rating(database, user=users[number % 4], movie=movies[number // 4], value=number / 2)
        change = "UPDATE ratings SET value = 5 - value WHERE id = %(id)s RETURNING 1"
        await database.primary.value(change, id=rating.id)

    await asyncio.gather(*(show(number) for number in range(24)), *(rate(number) for number in range(8)))
    for statement in (WRONG_MOVIES, WRONG_AIRINGS, WRONG_SESSIONS):
        assert await database.primary.tuples(statement) == []


async def test_change_of_seats_does_not_update_movie(database: Database) -> None:
    await make_session(database)
    before = await database.primary.tuples("SELECT movies.xmin::text, airings.xmin::text FROM movies, airings")
    await database.primary.value("UPDATE sessions SET taken = taken + 1 RETURNING 1")
    assert await database.primary.tuples("SELECT movies.xmin::text, airings.xmin::text FROM movies, airings") == before
