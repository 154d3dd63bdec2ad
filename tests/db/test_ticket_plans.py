"""The lists of events, reservations and tickets are read by an index, without a sort over a table."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
import pytest
from sqlalchemy import literal_column, select
from sqlmodel import SQLModel

from db import lists, migrate, paging, selects
from db.cursors import make_codec
from db.engine import Database
from db.models import Event, EventReservation, Show, Ticket, find_table
from db.opening import connect_database
from db.paging import Listing, Window
from domain import event_reservation, ticket
from domain.event_reservation import Viewer
from tests.support.factories import make_user
from tests.support.own_database import own_database
from tests.support.plans import explained, explained_when_prepared

SIZE: Final = 20
# Thousands of events of which few are over, most of the next ones sold out, and a third of all reservations nobody's.
FILL: Final = (
    """INSERT INTO users (email, password_hash) SELECT 'u' || n || '@example.org', 'x' FROM generate_series(1, 500) AS n""",
    """INSERT INTO events (name, description, date, capacity, taken, deleted_at)
    SELECT (ARRAY['Bal', 'Piano', 'Concert', 'Masterclass', 'Marathon'])[1 + n % 5] || ' ' || md5(n::text), '',
        clock_timestamp() + n * interval '1 hour', 100, CASE WHEN n < 15000 AND n % 10 > 0 THEN 100 ELSE n % 90 END,
        CASE n % 50 WHEN 0 THEN clock_timestamp() END
    FROM generate_series(1, 20000) AS n""",
    """INSERT INTO event_reservations (event_id, user_id, tickets, cancelled)
    SELECT known.events[1 + n % 20000], CASE n % 3 WHEN 0 THEN NULL ELSE known.users[1 + n % 500] END, 1, n % 7 = 0
    FROM generate_series(1, 60000) AS n, (
        SELECT (SELECT array_agg(id) FROM events) AS events, (SELECT array_agg(id) FROM users) AS users OFFSET 0
    ) AS known""",
    """INSERT INTO shows (show_timing, taken)
    SELECT clock_timestamp() + n * interval '1 hour', 20 FROM generate_series(-7, 3000) AS n""",
    """INSERT INTO tickets (show_id, user_name, phone_number, ticket_count)
    SELECT id, 'Ada', '1', 1 FROM shows, generate_series(1, 20)""",
    "VACUUM ANALYZE",
)
NOW: Final = datetime.now(UTC)
# How many rows each may look at; the page and one more where there is nothing to leave out.
EVERY: Final[dict[str, tuple[Callable[[int], Listing[Any]], int]]] = {
    "events": (lambda _: lists.list_events(), SIZE + 1),
    "events of a time": (
        lambda _: lists.list_events(date_from=NOW + timedelta(days=9), date_to=NOW + timedelta(days=99)),
        SIZE + 1,
    ),
    "events with tickets left": (lambda _: lists.list_events(available_only=True), SIZE + 1),
    # A search first looks at a hundred rows, and reads those of its page once more by their ids.
    "events with a frequent word": (lambda _: lists.list_events(search_for="piano"), 100 + 200),
    "events with a rare word": (lambda _: lists.list_events(search_for="c4ca4238a0b923820dcc509a6f75849b"), 100 + 60),
    "reservations of a user": (lists.list_event_reservations, SIZE + 1),
    "tickets of a show": (lists.list_tickets, 2 * SIZE + 3),
}


def opened(url: str) -> Any:  # noqa: ANN401 - what connect_database() gives
    return connect_database(
        url, read_conninfo=None, cursors=make_codec([b"x" * 32]), size=2, statement_seconds=60, lock_seconds=2
    )


async def fill(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for statement in FILL:
            await connection.execute(statement.encode())


@pytest.fixture(scope="module")
def loaded_url(database_url: str) -> Iterator[str]:
    with own_database(database_url) as url:
        migrate.upgrade(url)
        asyncio.run(fill(url))
        yield url


@pytest.fixture
async def loaded(loaded_url: str) -> AsyncIterator[Database]:
    async with opened(loaded_url) as database:
        yield database


@pytest.fixture
async def connection(loaded: Database) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    async with loaded.primary.pool.connection() as made:
        yield made


async def parent_of(database: Database, name: str) -> int:
    """Return a user with many reservations, or a show."""
    table = "shows" if "show" in name else "users"
    return int(await database.primary.value(f"SELECT id FROM {table} ORDER BY id DESC LIMIT 1"))  # noqa: S608 - ours


@pytest.mark.parametrize("name", EVERY)
async def test_every_list_of_tickets_reads_its_page_by_index(
    loaded: Database, connection: psycopg.AsyncConnection[Any], name: str
) -> None:
    make, most = EVERY[name]
    listing = make(await parent_of(loaded, name))
    first = await paging.read_page(loaded.primary, loaded.cursors, listing, Window(1))
    asked = [Window(SIZE), Window(SIZE, backwards=True), Window(SIZE, after=first.end_cursor)]
    assert first.rows
    for window in asked:
        text = paging.write_page_statement(listing.build, listing.names, listing.sort, paging.make_bounds(window), None)
        values = {**listing.parameters, **paging.decode_cursors(listing, loaded.cursors, window)}
        plan = await explained(connection, text, values)
        assert not plan.scanned
        assert plan.rows_read <= most, plan.root
        if "word" not in name:
            assert not plan.sorts, plan.root
            assert (await explained_when_prepared(connection, text, values)).rows_read <= most


@pytest.mark.parametrize("listing", [lists.list_events_by_age(), lists.list_open_event_reservations(viewer_id=None)])
async def test_numbered_page_reads_skipped_rows_and_no_more(
    connection: psycopg.AsyncConnection[Any], listing: Listing[Any]
) -> None:
    text = paging.write_numbered_statement(listing.build, listing.names, listing.sort, 100)
    plan = await explained(connection, text, {"skipped": 200})
    assert not plan.sorts
    assert plan.rows_read <= 1000


@pytest.mark.parametrize("model", [Event, EventReservation, Show, Ticket])
async def test_ticket_rows_are_read_by_primary_key(
    connection: psycopg.AsyncConnection[Any], model: type[SQLModel]
) -> None:
    text = paging.compile_sql(selects.select_by_ids(model))
    some = select(find_table(model).c.id).limit(literal_column("9"))
    ids = [row[0] for row in await (await connection.execute(paging.compile_sql(some).encode())).fetchall()]
    plan = await explained_when_prepared(connection, text, {"ids": ids})
    assert not plan.scanned
    assert plan.rows_read <= 2 * len(ids)


async def test_changes_of_tickets_find_their_rows_by_index(
    loaded: Database, connection: psycopg.AsyncConnection[Any]
) -> None:
    user = await make_user(loaded)
    event_id = await loaded.primary.value("SELECT id FROM events WHERE NOT sold_out AND deleted_at IS NULL LIMIT 1")
    row = await event_reservation.reserve_tickets(loaded.primary, user_id=user.id, event_id=event_id, tickets=1)
    (show_id, timing) = (await loaded.primary.tuples("SELECT id, show_timing FROM shows ORDER BY id DESC LIMIT 1"))[0]
    ticket_id = await loaded.primary.value("SELECT id FROM tickets WHERE show_id = %(id)s LIMIT 1", id=show_id)
    viewer = Viewer(user.id).parameters
    changes: dict[str, dict[str, object]] = {
        event_reservation.RESERVE: {"event_id": event_id, "user_id": user.id, "number": 1},
        event_reservation.CHANGE: {"id": row.id, "number": 2, "cancel": False, **viewer},
        event_reservation.SEE: {"id": row.id, **viewer},
        event_reservation.LOCK_ALL: {"reservation_ids": [row.id], "event_ids": [event_id]},
        ticket.BOOK: {"show_timing": timing, "number": 1, "user_name": "Ada", "phone_number": "1"},
        ticket.MOVE: {"id": ticket_id, "show_timing": timing},
        ticket.DELETE: {"id": ticket_id},
        str(ticket.MOVE.lock): {"id": ticket_id, "show_timing": timing},
    }
    locks = ticket.lock_shows([{"id": ticket_id, "show_timing": timing}, {"show_timing": timing}])
    changes |= {statement: dict(parameters) for statement, parameters in locks}
    for statement, parameters in changes.items():
        plan = await explained(connection, statement, parameters)
        assert not plan.scanned, statement
        assert plan.rows_read <= 20, statement
