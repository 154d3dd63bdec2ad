"""Each list is read by an index, without a sort or an aggregate over a table, in ten times the demo's data."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
import pytest

from db import lists, migrate, paging, selects
from db.cursors import make_codec
from db.engine import Database, PlannedEachTime
from db.models import Booking, Movie, Place, Rating, Session, User
from db.opening import connect_database
from db.paging import Listing, Window
from demo.load import load
from domain import booking, movie, rating, session, stock, user
from tests.support.own_database import own_database
from tests.support.plans import Plan, explained, explained_when_prepared, planned

SIZE: Final = 20
SCALE: Final = 10
SORTS: Final[tuple[lists.MovieSort, ...]] = ("rating", "new", "leaving_soon")
# A site's page views: half of them of its front page.
PAGE_VIEWS: Final = """
    INSERT INTO page_views (tracking_id, user_id, type, scheme, path, occurred_at)
    SELECT 'visitor' || n % 1000, (SELECT array_agg(id) FROM (SELECT id FROM users LIMIT 300) AS visitors)[1 + n % 400],
        'page_enter', 'https', CASE n % 2 WHEN 0 THEN '/' ELSE '/movies/' || n % 500 END,
        clock_timestamp() - n * interval '1 second'
    FROM generate_series(1, 50000) AS n
"""


@dataclass(frozen=True)
class Known:
    """What there is most of: the movie with the most places, and so on."""

    movie_id: int
    place_id: int
    user_id: int
    now: datetime


Make = Callable[[Known], Listing[Any]]


def of_movies(name: str, **given: Any) -> dict[str, Make]:
    """Return the list of movies in every sort."""

    def made(sort: lists.MovieSort) -> Make:
        return lambda known: lists.list_movies(
            sort, **{key: value(known) if callable(value) else value for key, value in given.items()}
        )

    return {f"movies{name}, {sort}": made(sort) for sort in SORTS}


def of_one_place() -> dict[str, Make]:
    """Return the list of the movies of a place in every sort."""

    def made(sort: lists.MovieSort) -> Make:
        return lambda known: lists.list_movies_of_place(known.place_id, sort)

    return {f"movies of a place, {sort}": made(sort) for sort in SORTS}


def place_id(known: Known) -> int:
    return known.place_id


def days(number: int) -> Callable[[Known], datetime]:
    return lambda known: known.now + timedelta(days=number)


# Read in the order of an index, up to the last row of the page and one more.
IN_ORDER: Final[dict[str, Make]] = {
    **of_movies(""),
    "places": lambda _: lists.list_places(),
    "sessions of a movie": lambda known: lists.list_sessions(movie_id=known.movie_id),
    "sessions of a place": lambda known: lists.list_sessions(place_id=known.place_id),
    "bookings": lambda known: lists.list_bookings(known.user_id),
    "page views": lambda _: lists.list_page_views(),
    "page views of a time": lambda known: lists.list_page_views(
        occurred_from=known.now - timedelta(hours=9), occurred_to=known.now
    ),
}
# Few rows belong to the one parent, or match: where an index finds those and no others, it is as good to sort them as to
# read them in order, and PostgreSQL may do either. The number is how many rows it may look at in all.
FEW: Final[dict[str, tuple[Make, int]]] = {
    # The airings of one cinema (a few dozen, however many sessions it has), and a movie for each.
    **{name: (make, 150) for name, make in of_movies(" with a session at a place", place_id=place_id).items()},
    **{
        name: (make, 150)
        for name, make in of_movies(" to come at a place", place_id=place_id, airing_from=days(0)).items()
    },
    **{name: (make, 150) for name, make in of_one_place().items()},
    # The airings of one movie, and all 300 places where PostgreSQL joins by hash: they are few.
    "places of a movie": (lambda known: lists.list_places_of_movie(known.movie_id), 700),
    "sessions of a movie at a place": (
        lambda known: lists.list_sessions(movie_id=known.movie_id, place_id=known.place_id),
        30,
    ),
    "sessions of a movie on a day": (
        lambda known: lists.list_sessions(
            movie_id=known.movie_id, starts_from=known.now, starts_to=known.now + timedelta(days=1)
        ),
        100,
    ),
    "page views of a visitor": (lambda _: lists.list_page_views(tracking_id="visitor5"), 51),
    "page views of a user": (lambda known: lists.list_page_views(user_id=known.user_id), 130),
    "page views of a rare path": (lambda _: lists.list_page_views(path="/movies/5"), 101),
    "page views of a visitor to a path": (
        lambda _: lists.list_page_views(tracking_id="visitor5", path="/movies/5"),
        60,
    ),
    # What is of a rare genre is found by the index on genres, and sorted.
    **{name: (make, 60) for name, make in of_movies(" of a rare genre", genre="Western").items()},
    **{name: (make, 60) for name, make in of_movies(" of no genre at all", genre="Nonsense").items()},
    # Those that come last in the order by their last session, and found by it.
    **{name: (make, 60) for name, make in of_movies(" of next year", airing_from=days(300)).items()},
}
# So many match that the page is full long before the list's own order has been read to its end.
MANY: Final[dict[str, tuple[Make, int]]] = {
    **{name: (make, 200) for name, make in of_movies(" to come", airing_from=days(0)).items()},
    **{name: (make, 400) for name, make in of_movies(" to come late", airing_from=days(10)).items()},
    **{name: (make, 150) for name, make in of_movies(" of a frequent genre", genre="Drama").items()},
    "page views of the front page": (lambda _: lists.list_page_views(path="/"), 60),
}
# A search first looks at 50 rows, at a hundred more where it may be frequent, and reads the rows of its page once more by their ids. Few matches are found by an
# index and sorted; of many the page is read in the list's own order.
SEARCHED: Final[dict[str, tuple[Make, int]]] = {
    **{name: (make, 100 + 60) for name, make in of_movies(" searched", search_for="casablnca").items()},
    **{name: (make, 100 + 10) for name, make in of_movies(" searched, two words", search_for="great dictator").items()},
    **{name: (make, 100) for name, make in of_movies(" that nobody made", search_for="xylophonist").items()},
    # All ten of them are among the first movies by rating, and do not fill a page.
    **{name: (make, 100 + 60) for name, make in of_movies(" searched, the best ones", search_for="parrain").items()},
    **{name: (make, 150 + 400) for name, make in of_movies(" searched by two letters", search_for="la").items()},
    **{
        name: (make, 150 + 400)
        for name, make in of_movies(" searched, of a rare genre", search_for="le", genre="Western").items()
    },
}
EVERY: Final = {**{name: (make, SIZE + 1) for name, make in IN_ORDER.items()}, **FEW, **MANY}
NESTED: Final[dict[str, tuple[str, Callable[[int], Listing[Any]], int]]] = {
    "sessions of movies": ("movie_id", lambda parent: lists.list_sessions(movie_id=parent), SIZE + 1),
    "sessions of places": ("place_id", lambda parent: lists.list_sessions(place_id=parent), SIZE + 1),
    "places of movies": ("movie_id", lists.list_places_of_movie, 350),
    "movies of places": ("place_id", lists.list_movies_of_place, 150),
    "bookings of users": ("user_id", lists.list_bookings, SIZE + 1),
}


@pytest.fixture(scope="module")
def loaded_url(database_url: str) -> Iterator[str]:
    """The address of a database with ten times the demo's data."""
    with own_database(database_url) as url:
        migrate.upgrade(url)
        asyncio.run(fill(url))
        yield url


async def fill(url: str) -> None:
    async with opened(url) as database:
        await load(database, scale=SCALE)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(PAGE_VIEWS)
        await connection.execute("VACUUM ANALYZE")


def opened(url: str) -> Any:  # noqa: ANN401 - what connect_database() gives
    return connect_database(
        url, read_conninfo=None, cursors=make_codec([b"x" * 32]), size=2, statement_seconds=60, lock_seconds=2
    )


@pytest.fixture
async def loaded(loaded_url: str) -> AsyncIterator[Database]:
    async with opened(loaded_url) as database:
        yield database


@pytest.fixture
async def connection(loaded: Database) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """A connection as the server's own are."""
    async with loaded.primary.pool.connection() as made:
        yield made


@pytest.fixture
async def known(loaded: Database) -> Known:
    most = "SELECT {0} FROM {1} WHERE {0} IS NOT NULL GROUP BY {0} ORDER BY count(*) DESC, {0} LIMIT 1"
    return Known(
        movie_id=await loaded.primary.value(most.format("movie_id", "airings")),
        place_id=await loaded.primary.value(most.format("place_id", "airings")),
        user_id=await loaded.primary.value(most.format("user_id", "page_views")),
        now=datetime.now(UTC),
    )


def statement(database: Database, listing: Listing[Any], asked: Window) -> tuple[str, dict[str, object]]:
    """Return what paging.page() runs."""
    text = paging.write_page_statement(listing.build, listing.names, listing.sort, paging.make_bounds(asked), None)
    values = paging.decode_cursors(listing, database.cursors, asked)
    return text, {**listing.parameters, **values}


async def windows(database: Database, listing: Listing[Any]) -> list[Window]:
    """Return pages from both ends, and on from the middle in both directions."""
    page = await paging.read_page(database.primary, database.cursors, listing, Window(10))
    ends = [Window(SIZE), Window(SIZE, backwards=True)]
    if not page.rows:
        return ends
    cursor = page.end_cursor
    return [*ends, Window(SIZE, after=cursor), Window(SIZE, backwards=True, before=cursor)]


async def plans(database: Database, connection: psycopg.AsyncConnection[Any], listing: Listing[Any]) -> list[Plan]:
    asked = [statement(database, listing, window) for window in await windows(database, listing)]
    often = [(text, values) for text, values in asked if not isinstance(text, PlannedEachTime)]
    return [await explained(connection, text, values) for text, values in asked] + [
        await explained_when_prepared(connection, text, values) for text, values in often
    ]


@pytest.mark.parametrize("name", EVERY)
async def test_every_list_reads_its_page_by_index(
    loaded: Database, connection: psycopg.AsyncConnection[Any], known: Known, name: str
) -> None:
    make, most_rows = EVERY[name]
    for plan in await plans(loaded, connection, make(known)):
        assert plan.indexes
        assert plan.scanned == set()
        assert plan.rows_read <= most_rows, plan.root
        for step in plan.sorts:
            assert step["Node Type"] in {"Sort", "Incremental Sort"}
            # Where less than a page is left before a cursor, that little may be sorted too.
            assert step["Plans"][0]["Actual Rows"] <= (SIZE if name in IN_ORDER else most_rows)


@pytest.mark.parametrize("name", SEARCHED)
async def test_a_search_reads_rows_of_its_page_and_not_of_all_matches(
    loaded: Database, connection: psycopg.AsyncConnection[Any], known: Known, name: str
) -> None:
    make, most_rows = SEARCHED[name]
    for plan in await plans(loaded, connection, make(known)):
        assert plan.scanned == set()
        assert plan.rows_read <= most_rows, plan.root


async def test_no_index_makes_searches_read_a_pending_list(connection: psycopg.AsyncConnection[Any]) -> None:
    indexes = """
        SELECT index.relname, index.reloptions FROM pg_class AS index JOIN pg_am ON pg_am.oid = index.relam
        JOIN pg_namespace ON pg_namespace.oid = index.relnamespace
        WHERE amname = 'gin' AND index.relkind = 'i' AND nspname = 'public'
    """
    found = dict(await (await connection.execute(indexes)).fetchall())
    assert len(found) == 5
    assert all(options == ["fastupdate=off"] for options in found.values()), found


@pytest.mark.parametrize("name", NESTED)
async def test_nested_lists_read_their_pages_by_index(
    loaded: Database, connection: psycopg.AsyncConnection[Any], name: str
) -> None:
    parent, make, most_rows = NESTED[name]
    table = {"movie_id": "movies", "place_id": "places", "user_id": "users"}[parent]
    # By md5, to take them from all over the table.
    chosen = f"SELECT id FROM {table} ORDER BY md5(id::text) LIMIT 20"  # noqa: S608 - names of ours
    parents = [row[0] for row in await loaded.primary.tuples(chosen)]
    listing = make(parents[0])
    text = paging.write_page_statement(
        listing.build, listing.names, listing.sort, paging.make_bounds(Window(SIZE)), parent
    )
    values = {**listing.parameters, "parents": parents}
    for way in (explained, explained_when_prepared):
        plan = await way(connection, text, values)
        assert plan.scanned == set()
        assert plan.rows_read <= len(parents) * most_rows, plan.root
        # The rows of all pages are put in order once more at the end, for joins promise none.
        for step in plan.sorts:
            assert step["Node Type"] in {"Sort", "Incremental Sort"}
            assert step["Plans"][0]["Actual Rows"] * step["Plans"][0]["Actual Loops"] <= len(parents) * most_rows


@pytest.mark.parametrize("model", [User, Movie, Place, Session, Booking, Rating])
async def test_rows_are_read_by_primary_key(
    loaded: Database, connection: psycopg.AsyncConnection[Any], model: type[Any]
) -> None:
    ids = [row[0] for row in await loaded.primary.tuples(f"SELECT id FROM {model.__tablename__} LIMIT 20")]  # noqa: S608
    plan = await explained(connection, paging.compile_sql(selects.select_by_ids(model)), {"ids": ids})
    assert plan.scanned == set()
    assert plan.sorts == []


WRITES: Final[dict[str, str]] = {
    "open": booking.OPEN,
    "change": stock.CHANGE,
    "confirm": booking.CONFIRM,
    "give back": stock.GIVE_BACK,
    "rate": rating.RATE,
    "find an account": user.BY_NAME,
    "schedule": session.SCHEDULE,
    "move": session.MOVE,
    "lock sessions": session.LOCK,
    "look for bookings": session.BOOKED,
    "lock places": movie.LOCK_PLACES,
    "look for overlaps": movie.RUNS_INTO_ANOTHER,
}
OF_MANY: Final[dict[str, str]] = {
    "open several": booking.OPEN.many.text,
    "change several": stock.CHANGE.many.text,
    "confirm several": booking.CONFIRM.many.text,
}


@pytest.mark.parametrize("name", [*WRITES, *OF_MANY])
async def test_writes_find_their_rows_by_index(
    loaded: Database, connection: psycopg.AsyncConnection[Any], known: Known, name: str
) -> None:
    found = await loaded.primary.tuples("SELECT id, session_id FROM bookings LIMIT 1")
    values: dict[str, object] = {
        "booking_id": found[0][0],
        "session_id": found[0][1],
        "ids": [found[0][1]],
        "movie_id": known.movie_id,
        "place_id": known.place_id,
        "user_id": known.user_id,
        "seats": 2,
        "cancel": False,
        "hold_seconds": 60,
        "batch": 500,
        "value": 3.5,
        "email": "spectator-00007@demo.invalid",
        "email_as_sent": "Spectator-00007@demo.invalid",
        "username": None,
        "username_as_sent": None,
        "capacity": 9,
        "starts_at": known.now + timedelta(days=1),
        "id": known.movie_id,
    }
    if name in OF_MANY:
        values = {"place": [0, 1]} | {each: [value] * 2 for each, value in values.items()}
    plan = await planned(connection, (WRITES | OF_MANY)[name], values)
    assert plan.scanned == set(), plan.root


async def test_check_of_plans_finds_missing_index(loaded: Database, connection: psycopg.AsyncConnection[Any]) -> None:
    plan = await explained(connection, "SELECT * FROM movies WHERE description = %(x)s ORDER BY title", {"x": ""})
    assert plan.scanned == {"movies"}
    assert plan.sorts
    assert plan.rows_read == await loaded.primary.value("SELECT count(*) FROM movies")
