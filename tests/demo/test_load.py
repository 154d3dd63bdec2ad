import asyncio

import pytest

from db.engine import Database
from demo.content import list_cinemas, list_films
from demo.load import Loaded, NotEmptyError, load

COUNTED = ("movies", "places", "sessions", "ratings", "bookings", "events")

WRONG_MOVIES = """
    SELECT movies.title FROM movies
    LEFT JOIN (SELECT movie_id, avg(value) AS mean, count(*) AS number FROM ratings GROUP BY movie_id) AS rated
        ON rated.movie_id = movies.id
    LEFT JOIN (SELECT movie_id, min(starts_at) AS first, max(starts_at) AS last FROM sessions GROUP BY movie_id) AS run
        ON run.movie_id = movies.id
    WHERE movies.rating_count <> coalesce(rated.number, 0)
        OR (movies.rating IS NULL) <> (rated.mean IS NULL) OR abs(movies.rating - rated.mean) > 1e-9
        OR movies.airing_from IS DISTINCT FROM run.first OR movies.airing_to IS DISTINCT FROM run.last
"""

WRONG_AIRINGS = """
    SELECT movie_id, place_id FROM airings
    FULL JOIN (SELECT movie_id, place_id, max(ends_at) AS last FROM sessions GROUP BY movie_id, place_id) AS shown
        USING (movie_id, place_id)
    WHERE airings.last_ends_at IS DISTINCT FROM shown.last
"""

WRONG_SESSIONS = """
    SELECT sessions.id FROM sessions
    JOIN movies ON movies.id = sessions.movie_id JOIN places ON places.id = sessions.place_id
    WHERE sessions.ends_at <> sessions.starts_at + movies.duration * interval '1 minute'
        OR sessions.capacity <> places.capacity
        OR sessions.taken <> (
            SELECT coalesce(sum(reserved_seats), 0) FROM bookings
            WHERE bookings.session_id = sessions.id AND status = 'confirmed'
        )
"""

OVERLAPPING = """
    SELECT one.id FROM sessions AS one
    JOIN sessions AS other ON other.place_id = one.place_id AND other.id <> one.id
    WHERE (one.starts_at, one.ends_at) OVERLAPS (other.starts_at, other.ends_at)
"""

WRONG_BOOKINGS = """
    SELECT bookings.id FROM bookings JOIN sessions ON sessions.id = bookings.session_id
    WHERE status <> 'confirmed' OR reserved_seats < 1 OR cancelled_at IS NOT NULL
        OR NOT (created_at < confirmed_at AND confirmed_at < closes_at)
        OR confirmed_at >= least(sessions.starts_at, clock_timestamp())
        OR (SELECT array_agg(seats ORDER BY id) FROM seat_reservations WHERE booking_id = bookings.id)
            <> ARRAY[reserved_seats]
"""

# Newest first is by id, so the ids must go with the instants.
MISORDERED = """
    SELECT id FROM (SELECT id, created_at, lag(created_at) OVER (ORDER BY id) AS before FROM bookings) AS ordered
    WHERE before > created_at
"""


async def count(database: Database, table: str) -> int:
    found: int = await database.primary.value(f"SELECT count(*) FROM {table}")  # noqa: S608
    return found


async def test_loaded_rows_match_reported_numbers(database: Database) -> None:
    said: list[str] = []
    loaded = await load(database, progress=said.append)
    assert (loaded.movies, loaded.places) == (len(list_films()), len(list_cinemas()))
    assert [await count(database, table) for table in COUNTED] == [getattr(loaded, table) for table in COUNTED]
    assert [line for line in said if "movies" in line]


async def test_pages_of_loaded_rows_are_known_to_be_visible(database: Database) -> None:
    await load(database)
    statement = "SELECT relname FROM pg_class WHERE relname = ANY(%(tables)s) AND relallvisible < relpages"
    assert await database.primary.tuples(statement, tables=list(COUNTED)) == []


async def test_derived_columns_match_their_sources(database: Database) -> None:
    await load(database)
    assert await database.primary.tuples(WRONG_MOVIES) == []
    assert await database.primary.tuples(WRONG_AIRINGS) == []
    assert await database.primary.tuples(WRONG_SESSIONS) == []
    assert await count(database, "airings") > len(list_films())


async def test_loaded_sessions_do_not_overlap(database: Database) -> None:
    await load(database)
    assert await database.primary.tuples(OVERLAPPING) == []


async def test_taken_seats_equal_confirmed_bookings(database: Database) -> None:
    await load(database)
    assert await database.primary.tuples(WRONG_BOOKINGS) == []
    assert await database.primary.tuples(MISORDERED) == []
    ahead = "SELECT count(*) FROM sessions WHERE starts_at > clock_timestamp()"
    assert await database.primary.value(f"{ahead} AND taken = capacity") > 0
    assert await database.primary.value(f"{ahead} AND taken BETWEEN capacity - 4 AND capacity - 1") > 0
    assert await database.primary.value(f"{ahead} AND taken = 0") > 1000


async def test_sessions_are_around_present_of_database(database: Database) -> None:
    await load(database)
    first, last = (
        await database.primary.tuples(
            "SELECT min(starts_at) - clock_timestamp(), max(starts_at) - clock_timestamp() FROM sessions"
        )
    )[0]
    assert -5 <= first.days <= -3
    assert 12 <= last.days < 14


async def test_every_movie_has_address_of_its_drawn_poster(database: Database) -> None:
    await load(database)
    statement = "SELECT count(*) FROM movies WHERE poster <> '/posters/mov_' || id || '.svg'"
    assert await database.primary.value(statement) == 0


async def test_demo_has_no_staff(database: Database) -> None:
    await load(database)
    assert await database.primary.value("SELECT count(*) FROM users WHERE is_staff") == 0


async def test_larger_scale_loads_multiple_of_everything(database: Database) -> None:
    loaded = await load(database, scale=3)
    assert (loaded.movies, loaded.places) == (3 * len(list_films()), 3 * len(list_cinemas()))
    assert loaded.sessions > 7000
    assert loaded.ratings > 25_000
    assert await database.primary.tuples(WRONG_MOVIES) == []
    assert await database.primary.tuples(WRONG_SESSIONS) == []


@pytest.mark.parametrize("scale", [0, -1])
async def test_refuses_scale_below_one(database: Database, scale: int) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        await load(database, scale=scale)
    assert await count(database, "movies") == 0


async def test_refuses_database_with_movies(database: Database) -> None:
    loaded = await load(database)
    with pytest.raises(NotEmptyError, match="movies already"):
        await load(database)
    assert await count(database, "movies") == loaded.movies


async def test_one_of_two_concurrent_loads_is_refused(database: Database) -> None:
    outcomes = await asyncio.gather(load(database), load(database), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Loaded", "NotEmptyError"]
    assert await count(database, "movies") == len(list_films())


async def test_interrupted_load_leaves_nothing(database: Database) -> None:
    class StopHereError(Exception):
        pass

    def stop_at_bookings(line: str) -> None:
        if "bookings" in line:
            raise StopHereError

    with pytest.raises(StopHereError):
        await load(database, progress=stop_at_bookings)
    assert [await count(database, table) for table in (*COUNTED, "users", "airings")] == [0] * 8
    assert isinstance(await load(database), Loaded)
