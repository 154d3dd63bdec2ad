"""The counter's twenty tickets, wanted by many at once, moved both ways, deleted twice."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Final

import psycopg
import pytest

from db.engine import Database
from domain import show, ticket
from errors import TicketNotFound
from tests.support.counter import (
    Way,
    book,
    by_itself,
    delete,
    in_transactions,
    make_server,
    move_to,
    outcomes,
    through_servers,
)
from tests.support.factories import soon
from tests.support.rivals import holding, started
from tests.support.ticketing import make_show, make_ticket, sold, unbalanced

# A clock that the test moves on; what a sequence says is seen at once, in transactions under way too.
MAKE_CLOCK: Final = """
    CREATE SEQUENCE hours_passed MINVALUE 0;
    CREATE FUNCTION test_clock() RETURNS timestamptz LANGUAGE sql VOLATILE
        AS 'SELECT clock_timestamp() + last_value * interval ''1 hour'' FROM hours_passed';
    SELECT setval('hours_passed', 0)
"""
DROP_CLOCK: Final = "DROP FUNCTION test_clock(); DROP SEQUENCE hours_passed"
HOLD_SHOW: Final = "SELECT FROM shows WHERE id = %(id)s FOR NO KEY UPDATE"


@pytest.fixture(params=["one by one", "sharing commits", "sharing commits in two servers"])
def way(request: pytest.FixtureRequest, database: Database) -> Way:
    """How the changes of a crowd travel."""
    if request.param == "one by one":
        return in_transactions(database)
    return through_servers(*(make_server(database) for _ in range(2 if "two" in request.param else 1)))


@pytest.fixture(params=["in transactions", "each by itself"])
def alone(request: pytest.FixtureRequest, database: Database) -> Way:
    """How changes travel that must not share a commit, because they have to meet in the database."""
    return in_transactions(database) if request.param == "in transactions" else by_itself(database)


@pytest.fixture
async def clock(database: Database) -> AsyncIterator[None]:
    """Make the function test_clock() for the length of a test."""
    async with await psycopg.AsyncConnection.connect(
        str(database.primary.pool.conninfo), autocommit=True
    ) as connection:
        await connection.execute(MAKE_CLOCK)
        try:
            yield
        finally:
            await connection.execute(DROP_CLOCK)


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(("asked", "outcome"), [("test_clock()", "InvalidDate"), ("now()", "Ticket")])
@pytest.mark.parametrize("kind", ["book", "move", "move while the other show is busy"])
async def test_sells_no_ticket_for_show_that_began_during_wait_for_its_lock(
    database: Database, alone: Way, monkeypatch: pytest.MonkeyPatch, *, kind: str, asked: str, outcome: str
) -> None:
    # Negative control: a clock that is asked before the lock, as the transaction's is, sells.
    for name in ("BOOK", "MOVE"):
        monkeypatch.setattr(ticket, name, getattr(ticket, name).replace("clock_timestamp()", asked))
    to, of = await make_show(database, hours=1), await make_show(database, hours=48)
    row = await make_ticket(database, show=of)
    busy = of if kind == "move while the other show is busy" else to

    async with holding(database, HOLD_SHOW, id=busy.id):
        change = book(alone, to.show_timing) if kind == "book" else move_to(alone, row, to)
        waits = await started(database, change)
        await database.primary.value("SELECT setval('hours_passed', 2)")

    assert await outcomes(waits) == [outcome]
    assert await unbalanced(database) == []


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(("asked", "outcome"), [("test_clock()", "TicketNotFound"), ("now()", "NoneType")])
async def test_deletes_no_ticket_whose_show_expired_during_wait_for_its_lock(
    database: Database, alone: Way, monkeypatch: pytest.MonkeyPatch, asked: str, outcome: str
) -> None:
    # Negative control: a clock that is asked before the lock, as the transaction's is, deletes.
    monkeypatch.setattr(ticket, "DELETE", ticket.DELETE.replace("clock_timestamp()", asked))
    of = await make_show(database, hours=1)
    row = await make_ticket(database, show=of)

    async with holding(database, HOLD_SHOW, id=of.id):
        waits = await started(database, delete(alone, row))
        await database.primary.value("SELECT setval('hours_passed', 10)")

    assert await outcomes(waits) == [outcome]
    assert await unbalanced(database) == []


@pytest.mark.alone
async def test_20_of_40_concurrent_callers_get_ticket_of_new_show(database: Database, way: Way) -> None:
    found = await outcomes(*(book(way, soon()) for _ in range(40)))
    assert (found.count("Ticket"), found.count("SeatsUnavailable")) == (20, 20)
    assert await database.primary.tuples("SELECT taken, capacity FROM shows") == [(20, 20)]
    assert await unbalanced(database) == []


async def test_tickets_that_swap_shows_never_deadlock(database: Database, way: Way) -> None:
    pair = [await make_show(database, hours=hours) for hours in (24, 48)]
    rows = [
        (await make_ticket(database, show=of, ticket_count=2), to) for of, to in (pair, pair[::-1]) for _ in range(5)
    ]
    assert await outcomes(*(move_to(way, row, to) for row, to in rows)) == ["Ticket"] * 10
    assert [await sold(database, of) for of in pair] == [10, 10]
    assert await unbalanced(database) == []


async def test_concurrent_moves_into_last_places_move_all_or_none(database: Database, way: Way) -> None:
    full = await make_show(database, hours=48)
    await make_ticket(database, show=full, ticket_count=13)
    rows = [
        await make_ticket(database, show=await make_show(database, hours=hour), ticket_count=3) for hour in range(1, 7)
    ]
    found = await outcomes(*(move_to(way, row, full) for row in rows))
    assert (found.count("Ticket"), found.count("SeatsUnavailable")) == (2, 4)
    assert await sold(database, full) == 19
    assert await unbalanced(database) == []


async def test_ticket_moved_concurrently_ends_in_one_show(database: Database, way: Way) -> None:
    shows = [await make_show(database, hours=hours) for hours in range(1, 6)]
    row = await make_ticket(database, show=shows[0], ticket_count=7)
    assert await outcomes(*(move_to(way, row, to) for to in shows * 3)) == ["Ticket"] * 15
    assert sorted([await sold(database, of) for of in shows]) == [0, 0, 0, 0, 7]
    assert await unbalanced(database) == []


async def test_concurrent_deletes_free_ticket_once(database: Database, way: Way) -> None:
    of = await make_show(database)
    row, kept = await make_ticket(database, show=of, ticket_count=3), await make_ticket(database, show=of)
    assert await outcomes(*(delete(way, row) for _ in range(6))) == ["NoneType"] + ["TicketNotFound"] * 5
    assert await sold(database, of) == kept.ticket_count


@pytest.mark.parametrize("first_goes", [True, False])
async def test_ticket_moved_and_deleted_concurrently_is_deleted(
    database: Database, alone: Way, *, first_goes: bool
) -> None:
    of, to = await make_show(database), await make_show(database, hours=48)
    row = await make_ticket(database, show=of, ticket_count=3)
    changes: list[Coroutine[Any, Any, object]] = [delete(alone, row), move_to(alone, row, to)]
    if not first_goes:
        changes.reverse()
    async with holding(database, HOLD_SHOW, id=of.id):
        tasks = [await started(database, change, waiting=place + 1) for place, change in enumerate(changes)]
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(found[1], TicketNotFound if first_goes else type(None))
    assert (await sold(database, of), await sold(database, to)) == (0, 0)
    assert await unbalanced(database) == []


async def test_caller_that_waited_gets_places_of_moved_ticket(database: Database, alone: Way) -> None:
    of, to = await make_show(database), await make_show(database, hours=48)
    row = await make_ticket(database, show=of, ticket_count=20)
    async with holding(database, HOLD_SHOW, id=of.id):
        moving = await started(database, move_to(alone, row, to))
        late = await started(database, book(alone, of.show_timing, 5), waiting=2)
    await moving
    assert (await late).ticket_count == 5
    assert await unbalanced(database) == []


async def test_job_skips_show_that_is_locked(database: Database) -> None:
    busy, idle = await make_show(database, hours=-9), await make_show(database, hours=-10)
    async with holding(database, HOLD_SHOW, id=busy.id), database.transaction() as tx:
        assert await show.delete_expired_shows(tx, batch=10) == 1
    assert await database.primary.tuples("SELECT id FROM shows") == [(busy.id,)]
    assert idle.id != busy.id
