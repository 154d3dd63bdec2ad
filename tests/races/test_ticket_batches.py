"""Changes of counter tickets in batches of several servers: they sell nothing twice, and never wait in a ring.

Each race has its negative control: without the lock that it is about, it ends otherwise.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import psycopg
import pytest

from db import commit_batching
from db.commit_batching import CommitBatcher, LockAll
from db.engine import Database
from db.models import Show, Ticket
from db.shared_change import LockedChange
from domain import ticket
from errors import SeatsUnavailable
from tests.support.counter import book, by_itself, delete, make_server, move_to, outcomes, through_servers
from tests.support.factories import soon
from tests.support.rivals import PATIENCE_SECONDS, holding, started, until_waiting
from tests.support.ticketing import make_show, make_ticket, sold, unbalanced

HOLD_SHOW: Final = "SELECT FROM shows WHERE id = %(id)s FOR NO KEY UPDATE"
HOLD_LOCK: Final = "SELECT pg_advisory_xact_lock(%(lock)s)"
HOLD_TIME: Final = ticket.BOOK.lock
# No ticket's, and no time's that these tests use.
GATE: Final = 7
AT_GATE: Final = """
    SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
    WHERE datname = current_database() AND locktype = 'advisory' AND objid = 7 AND NOT granted
"""
SELL: Final = """
    WITH opened AS (
        INSERT INTO shows (show_timing, taken) VALUES (%(timing)s, %(number)s) RETURNING id
    )
    INSERT INTO tickets (show_id, user_name, phone_number, ticket_count) SELECT id, 'Bo', '2', %(number)s FROM opened
"""


@pytest.fixture
def no_batch_runs_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a deadlock show: a batch that PostgreSQL has undone for it would run again, change by change."""
    monkeypatch.setattr(commit_batching, "UNDONE", ())


def only_shows(changes: Sequence[Mapping[str, object]]) -> list[tuple[str, Mapping[str, object]]]:
    """Take the locks of shows that are there, and none of tickets and of times."""
    return ticket.lock_shows(changes)[1:]


in_batches_with_and_without_locks: Final = pytest.mark.parametrize(
    ("lock_all", "found"),
    [(ticket.lock_shows, {"NoneType", "Ticket"}), (only_shows, {"NoneType", "Ticket", "Unavailable"})],
    ids=["with all locks", "with locks of shows alone"],
)


async def pass_gate(server: CommitBatcher) -> None:
    """Let the batch of a server wait here as long as somebody holds the gate."""
    await server.tuples(HOLD_LOCK, lock=GATE)


async def until_at_gate(database: Database) -> None:
    """Return once a batch waits at the gate: it has its locks."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await database.primary.value(AT_GATE):  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("guard", "found", "left"),
    [("FOR NO KEY UPDATE", ["SeatsUnavailable", "Ticket"], 15), ("", ["Ticket", "Ticket"], 10)],
    ids=["with the lock", "without"],
)
async def test_two_servers_do_not_sell_the_same_tickets(
    database: Database, monkeypatch: pytest.MonkeyPatch, guard: str, found: list[str], left: int
) -> None:
    book_alone = ticket.BOOK.replace("FOR NO KEY UPDATE", guard)
    monkeypatch.setattr(ticket, "BOOK", LockedChange(book_alone, lock=ticket.BOOK.lock))
    of, way = await make_show(database), by_itself(database)
    async with holding(database, HOLD_SHOW, id=of.id):
        first = await started(database, book(way, of.show_timing, 15))
        second = await started(database, book(way, of.show_timing, 10), waiting=2)
    assert await outcomes(first, second) == found
    assert await sold(database, of) == left
    assert (await unbalanced(database) == []) is bool(guard)


@pytest.mark.parametrize(("is_locked", "left"), [(True, 5), (False, 20)])
async def test_refusal_counts_tickets_of_show_that_somebody_adds_meanwhile(
    database: Database, monkeypatch: pytest.MonkeyPatch, *, is_locked: bool, left: int
) -> None:
    if not is_locked:
        monkeypatch.setattr(ticket, "BOOK", LockedChange(ticket.BOOK, lock=None))
    show_timing = soon()
    async with await psycopg.AsyncConnection.connect(str(database.primary.pool.conninfo)) as rival:
        await rival.execute(str(HOLD_TIME).encode(), {"show_timing": show_timing})
        await rival.execute(SELL, {"timing": show_timing, "number": 15})
        waits = await started(database, book(by_itself(database), show_timing, 10))
        await rival.commit()
    with pytest.raises(SeatsUnavailable) as refused:
        await waits
    assert refused.value.words == {"seats_available": left}
    assert await unbalanced(database) == []


async def test_sales_of_show_that_is_added_without_its_lock_are_added_up(database: Database) -> None:
    # As a server of the version before does.
    show_timing, row = soon(), await make_ticket(database, show=await make_show(database, hours=48), ticket_count=6)
    async with await psycopg.AsyncConnection.connect(str(database.primary.pool.conninfo)) as rival:
        await rival.execute(SELL, {"timing": show_timing, "number": 4})
        sale = await started(database, book(by_itself(database), show_timing, 10))
        moving = await started(database, move_to(by_itself(database), row, Show(show_timing=show_timing)), waiting=2)
        await rival.commit()
    assert await outcomes(sale, moving) == ["Ticket", "Ticket"]
    assert await database.primary.value("SELECT taken FROM shows WHERE show_timing = %(at)s", at=show_timing) == 20
    assert await unbalanced(database) == []


@pytest.mark.usefixtures("no_batch_runs_again")
@in_batches_with_and_without_locks
async def test_batches_that_add_the_same_shows_never_deadlock(
    database: Database, lock_all: LockAll, found: set[str]
) -> None:
    servers = [make_server(database, lock_all) for _ in range(2)]
    ways = [through_servers(server) for server in servers]
    async with holding(database, HOLD_LOCK, lock=GATE):
        first = asyncio.gather(
            book(ways[0], soon(1)), pass_gate(servers[0]), book(ways[0], soon(2)), return_exceptions=True
        )
        await until_at_gate(database)
        second = asyncio.gather(book(ways[1], soon(2)), book(ways[1], soon(1)), return_exceptions=True)
        await until_waiting(database, 2)
    assert {type(each).__name__ for each in [*await first, *await second]} == found
    assert await unbalanced(database) == []


@pytest.mark.usefixtures("no_batch_runs_again")
@in_batches_with_and_without_locks
async def test_batch_whose_ticket_is_moved_meanwhile_never_deadlocks(
    database: Database, lock_all: LockAll, found: set[str]
) -> None:
    # To the show that is locked first: a batch that has looked for the ticket before has only the other one's lock.
    to, of = await make_show(database, hours=24), await make_show(database, hours=48)
    row = await make_ticket(database, show=of)
    servers = [make_server(database, lock_all) for _ in range(2)]
    ways = [through_servers(server) for server in servers]
    async with holding(database, HOLD_LOCK, lock=GATE):
        async with holding(database, HOLD_LOCK, lock=row.id) as rival:
            # The rival moves the ticket, as a server does.
            await rival.execute("SELECT FROM shows ORDER BY id FOR NO KEY UPDATE")
            await rival.execute("UPDATE shows SET taken = CASE id WHEN %s THEN 1 ELSE 0 END", [to.id])
            await rival.execute("UPDATE tickets SET show_id = %s", [to.id])
            changes = pass_gate(servers[0]), delete(ways[0], row), book(ways[0], of.show_timing)
            first = asyncio.gather(*changes, return_exceptions=True)
            await until_waiting(database, 1)
        await until_at_gate(database)
        second = asyncio.gather(book(ways[1], to.show_timing), book(ways[1], of.show_timing), return_exceptions=True)
        await until_waiting(database, 2)
    assert {type(each).__name__ for each in [*await first, *await second]} == found
    assert await unbalanced(database) == []


@pytest.mark.usefixtures("no_batch_runs_again")
async def test_changes_of_all_kinds_in_two_servers_never_deadlock(database: Database) -> None:
    shows = [await make_show(database, hours=hours) for hours in range(1, 6)]
    rows: list[Ticket] = [await make_ticket(database, show=of, ticket_count=2) for of in shows * 3]
    way = through_servers(*(make_server(database) for _ in range(2)))
    for round_ in range(4):
        changes = [move_to(way, row, shows[(place * 3 + round_) % 5]) for place, row in enumerate(rows)]
        changes += [book(way, soon(hours)) for hours in (9, 8, 7, 6) for _ in range(2)]
        changes += [move_to(way, row, Show(show_timing=soon(10 + place % 3))) for place, row in enumerate(rows[:4])]
        found = await outcomes(*changes, delete(way, rows.pop()), *(book(way, of.show_timing) for of in shows[::-1]))
        assert set(found) <= {"NoneType", "SeatsUnavailable", "Ticket", "TicketNotFound"}
        assert await unbalanced(database) == []
