"""Changes that arrive together share a commit, and nothing else: each has its own answer."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import psycopg
import pytest
import structlog
from psycopg.errors import DivisionByZero
from psycopg.sql import SQL, Identifier

from app import open_database
from config.settings import Settings
from db import commit_batching
from db.commit_batching import CommitBatcher
from db.engine import Database, PureRead
from db.models import Booking, Session
from domain import booking, session, stock
from errors import BookingNotFound, NoSeatsReserved, OutcomeUnknown, SeatsUnavailable, SessionNotFound, Unavailable
from tests.support.database_wire import Wire
from tests.support.factories import make_booking, make_session, make_user
from tests.support.rivals import holding, started, until_waiting
from tests.support.seats import free, record, seen, taken, unbalanced

COMMITS = "SELECT count(DISTINCT xmin::text) FROM seat_reservations"


@pytest.fixture
def shared(database: Database) -> CommitBatcher:
    return CommitBatcher(database.primary.pool, lock_all=stock.lock_sessions, find_free=stock.find_free)


def reserve(shared: CommitBatcher, held: Booking, seats: int) -> Coroutine[Any, Any, Booking]:
    return booking.reserve(shared, user_id=held.user_id, booking_id=held.id, seats=seats)


def confirm(shared: CommitBatcher, held: Booking) -> Coroutine[Any, Any, Booking]:
    return booking.confirm(shared, user_id=held.user_id, booking_id=held.id)


def open_(shared: CommitBatcher, user_id: int, session_id: int) -> Coroutine[Any, Any, Booking]:
    return booking.open_booking(shared, user_id=user_id, session_id=session_id, hold_seconds=60)


async def test_single_change_is_durable_when_answered(database: Database, shared: CommitBatcher) -> None:
    user, of = await make_user(database), await make_session(database)
    held = await open_(shared, user.id, of.id)
    assert (await reserve(shared, held, 3)).reserved_seats == 3
    assert await taken(database, of) == 3
    assert (await confirm(shared, held)).status == "confirmed"
    assert (await seen(database, held)).status == "confirmed"


async def test_many_changes_of_one_session_share_commits(database: Database, shared: CommitBatcher) -> None:
    of = await make_session(database, capacity=50)
    held = [await make_booking(database, session=of) for _ in range(60)]
    outcomes = await asyncio.gather(*(reserve(shared, each, 1) for each in held), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Booking] * 50 + [SeatsUnavailable] * 10
    assert await taken(database, of) == 50
    assert await unbalanced(database) == []
    assert await database.primary.value(COMMITS) <= 3


async def test_changes_of_one_booking_run_in_order_of_arrival(database: Database, shared: CommitBatcher) -> None:
    held = await make_booking(database)
    numbers = (1, 5, 0, 7, 2)
    answers = await asyncio.gather(*(reserve(shared, held, seats) for seats in numbers), confirm(shared, held))
    assert [answer.reserved_seats for answer in answers] == [*numbers, 2]
    assert await record(database, held) == list(numbers)


async def test_each_change_of_batch_gets_its_own_refusal(database: Database, shared: CommitBatcher) -> None:
    of = await make_session(database, capacity=3)
    held = [await make_booking(database, session=of) for _ in range(4)]
    nobodys = held[0].model_copy(update={"user_id": (await make_user(database)).id})
    outcomes = await asyncio.gather(
        reserve(shared, held[0], 1),
        reserve(shared, held[1], 9),
        confirm(shared, held[2]),
        reserve(shared, nobodys, 0),
        reserve(shared, held[3], 2),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [
        Booking,
        SeatsUnavailable,
        NoSeatsReserved,
        BookingNotFound,
        Booking,
    ]
    assert await taken(database, of) == 3


async def test_violated_constraint_fails_only_its_own_change(database: Database, shared: CommitBatcher) -> None:
    user, gone, stays = await make_user(database), await make_session(database), await make_session(database)
    held = await make_booking(database, session=stays)
    async with database.transaction() as tx:
        await session.delete_session(tx, session_id=gone.id)
        # It waits for the first, whose key goes while they wait; the others are one batch with the second.
        first = await started(database, open_(shared, user.id, gone.id))
        rest = [
            asyncio.create_task(change)
            for change in (open_(shared, user.id, gone.id), open_(shared, user.id, stays.id), reserve(shared, held, 2))
        ]
    outcomes = await asyncio.gather(first, *rest, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [SessionNotFound, SessionNotFound, Booking, Booking]
    assert await taken(database, stays) == 2


async def test_violated_constraint_in_batch_fails_only_its_own_change(
    database: Database, shared: CommitBatcher
) -> None:
    user, of = await make_user(database), await make_session(database)
    held = [await make_booking(database, session=of) for _ in range(3)]
    nobody = held[0].model_copy(update={"user_id": 1})
    outcomes = await asyncio.gather(
        *(reserve(shared, each, 1) for each in held),
        open_(shared, nobody.user_id, of.id),
        open_(shared, user.id, of.id),
        return_exceptions=True,
    )
    assert [type(outcome).__name__ for outcome in outcomes] == ["Booking"] * 3 + ["Unauthenticated", "Booking"]
    assert await taken(database, of) == 3
    assert [await record(database, each) for each in held] == [[1], [1], [1]]


async def test_failing_statement_fails_only_its_own_change(database: Database, shared: CommitBatcher) -> None:
    held = await make_booking(database)
    outcomes = await asyncio.gather(
        reserve(shared, held, 1), shared.value("SELECT 1 / 0"), reserve(shared, held, 2), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [Booking, DivisionByZero, Booking]
    assert await record(database, held) == [1, 2]


async def test_batches_of_several_servers_never_deadlock(database: Database) -> None:
    servers = [CommitBatcher(database.primary.pool, lock_all=stock.lock_sessions) for _ in range(2)]
    sessions = [await make_session(database, capacity=1000) for _ in range(5)]
    held = [await make_booking(database, session=of) for of in sessions for _ in range(6)]
    for _ in range(5):
        changes = [
            reserve(servers[place % 2], each, seats)
            for seats in (1, 2)
            for place, each in enumerate(held if seats == 1 else reversed(held))
        ]
        assert len(await asyncio.gather(*changes)) == len(changes)
    assert await unbalanced(database) == []


async def test_batch_waits_for_lock_of_other_transaction(database: Database, shared: CommitBatcher) -> None:
    busy, idle = await make_session(database), await make_session(database)
    held = [await make_booking(database, session=of) for of in (busy, idle)]
    async with holding(database, "SELECT FROM sessions WHERE id = %(id)s FOR NO KEY UPDATE", id=busy.id):
        waiting = await started(database, reserve(shared, held[0], 1))
        behind = asyncio.create_task(reserve(shared, held[1], 1))
        await asyncio.sleep(0.05)
        assert not waiting.done()
    assert [(await task).reserved_seats for task in (waiting, behind)] == [1, 1]


async def test_lock_held_too_long_fails_only_the_changes_that_need_it(
    database: Database, shared: CommitBatcher
) -> None:
    busy, idle = await make_session(database), await make_session(database)
    user = await make_user(database)
    on_busy = [await make_booking(database, session=busy) for _ in range(3)]
    on_idle = [await make_booking(database, session=idle) for _ in range(3)]
    nobodys = on_idle[0].model_copy(update={"id": 1})
    async with holding(database, "SELECT FROM sessions WHERE id = %(id)s FOR NO KEY UPDATE", id=busy.id):
        outcomes = await asyncio.gather(
            *(reserve(shared, each, 1) for pair in zip(on_busy, on_idle, strict=True) for each in pair),
            open_(shared, user.id, idle.id),
            open_(shared, user.id, 1),
            confirm(shared, nobodys),
            return_exceptions=True,
        )
    refused = [type(outcome) for outcome in outcomes]
    assert refused == [*[Unavailable, Booking] * 3, Booking, SessionNotFound, BookingNotFound]
    assert (await taken(database, busy), await taken(database, idle)) == (0, 3)
    assert await unbalanced(database) == []


async def test_booking_held_too_long_fails_only_its_own_change(database: Database, shared: CommitBatcher) -> None:
    of = await make_session(database)
    held = [await make_booking(database, session=of) for _ in range(3)]
    async with holding(database, "SELECT FROM bookings WHERE id = %(id)s FOR NO KEY UPDATE", id=held[1].id):
        outcomes = await asyncio.gather(*(reserve(shared, each, 1) for each in held), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Booking, Unavailable, Booking]
    assert await taken(database, of) == 2


async def test_batch_fails_where_what_holds_the_lock_is_not_found(database: Database) -> None:
    shared = CommitBatcher(
        database.primary.pool,
        lock_all=stock.lock_sessions,
        find_free=lambda changes: ("SELECT generate_series(1, %(number)s::bigint)", {"number": len(changes)}),
    )
    of = await make_session(database)
    held = [await make_booking(database, session=of) for _ in range(3)]
    async with holding(database, "SELECT FROM sessions FOR NO KEY UPDATE"):
        outcomes = await asyncio.gather(*(reserve(shared, each, 1) for each in held), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    assert await taken(database, of) == 0


async def test_batch_has_no_fields_of_its_first_callers_log_lines(database: Database, shared: CommitBatcher) -> None:
    seen: list[dict[str, Any]] = []

    def lock_and_note(changes: Sequence[Mapping[str, object]]) -> list[tuple[str, Mapping[str, object]]]:
        seen.append(structlog.contextvars.get_contextvars())
        return stock.lock_sessions(changes)

    shared = CommitBatcher(database.primary.pool, lock_all=lock_and_note)
    held = await make_booking(database)
    with structlog.contextvars.bound_contextvars(request_id="of the first caller"):
        await asyncio.gather(confirm(shared, held), reserve(shared, held, 1), return_exceptions=True)
    assert seen == [{}]


async def test_failed_batches_leave_no_statements_on_their_connections(database: Database) -> None:
    async with type(database.primary.pool)(
        str(database.primary.pool.conninfo), min_size=1, max_size=1, open=False, kwargs={"autocommit": True}
    ) as pool:
        shared = CommitBatcher(pool, lock_all=stock.lock_sessions)
        for _ in range(5):
            await asyncio.gather(
                shared.tuples("SELECT 1 / %(divisor)s::int", divisor=0),
                shared.tuples("SELECT 2 / %(divisor)s::int", divisor=0),
                return_exceptions=True,
            )
        (prepared,) = await shared.tuples("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'matinee%%'")
    # Both statements and the one that locks; the one that counts has not counted itself.
    assert prepared == (4,)


async def test_statements_beyond_a_bound_are_not_prepared(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("db.commits.MOST_PREPARED", 3)
    async with type(database.primary.pool)(
        str(database.primary.pool.conninfo), min_size=1, max_size=1, open=False, kwargs={"autocommit": True}
    ) as pool:
        shared = CommitBatcher(pool, lock_all=stock.lock_sessions)
        found = [await shared.tuples(f"SELECT {number}") for number in range(9)]
        (prepared,) = await shared.tuples("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'matinee%%'")
    assert found == [[(number,)] for number in range(9)]
    assert prepared == (3,)


async def test_cancelled_caller_does_not_cancel_other_changes(database: Database, shared: CommitBatcher) -> None:
    of = await make_session(database)
    held = [await make_booking(database, session=of) for _ in range(3)]
    tasks = [asyncio.create_task(reserve(shared, each, 1)) for each in held]
    await asyncio.sleep(0)
    tasks[1].cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Booking, asyncio.CancelledError, Booking]
    assert await unbalanced(database) == []


@pytest.mark.parametrize("callers", [1, 2])
async def test_committed_change_with_unreadable_answer_runs_once(
    database: Database, shared: CommitBatcher, monkeypatch: pytest.MonkeyPatch, callers: int
) -> None:
    def fail(_: object) -> None:
        raise ValueError("what PostgreSQL answered is not understood")

    user, of = await make_user(database), await make_session(database)
    monkeypatch.setattr(commit_batching, "load_rows", fail)
    opened = [open_(shared, user.id, of.id) for _ in range(callers)]
    outcomes = await asyncio.gather(*opened, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown] * callers
    assert await database.primary.value("SELECT count(*) FROM bookings") == callers


async def test_cancelled_runner_fails_waiting_changes(database: Database, shared: CommitBatcher) -> None:
    of = await make_session(database)
    held = [await make_booking(database, session=of) for _ in range(3)]
    async with holding(database, "SELECT FROM sessions FOR NO KEY UPDATE"):
        tasks = [await started(database, reserve(shared, held[0], 1))]
        tasks += [asyncio.create_task(reserve(shared, each, 1)) for each in held[1:]]
        await asyncio.sleep(0)
        (runner,) = [task for task in asyncio.all_tasks() if "_run_all" in repr(task)]
        runner.cancel()
        outcomes = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 2)
    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown, Unavailable, Unavailable]
    assert (await reserve(shared, held[0], 2)).reserved_seats == 2
    assert await taken(database, of) == 2


async def test_runner_that_is_cancelled_while_it_tries_changes_alone_leaves_nobody_waiting(
    database: Database, shared: CommitBatcher
) -> None:
    held = await make_booking(database, reserved_seats=1)
    async with holding(database, "SELECT FROM bookings FOR NO KEY UPDATE"):
        faulty = [asyncio.create_task(shared.tuples("SELECT 1 / %(divisor)s::int", divisor=0)) for _ in range(2)]
        waiting = [asyncio.create_task(confirm(shared, held)) for _ in range(2)]
        # The first of them alone, for the batch has failed by now.
        await asyncio.wait(faulty)
        await until_waiting(database, 1)
        (runner,) = [task for task in asyncio.all_tasks() if "_run_all" in repr(task)]
        runner.cancel()
        outcomes = await asyncio.wait_for(asyncio.gather(*faulty, *waiting, return_exceptions=True), 30)
    assert [type(outcome) for outcome in outcomes] == [DivisionByZero] * 2 + [OutcomeUnknown] * 2


async def test_refuses_change_when_too_many_wait(
    database: Database, shared: CommitBatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.commit_batching.MOST_WAITING", 2)
    held = await make_booking(database)
    outcomes = await asyncio.gather(*(reserve(shared, held, seats) for seats in (1, 2, 3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Booking, Booking, Unavailable]


async def test_batch_has_at_most_its_bound_of_changes(
    database: Database, shared: CommitBatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.commit_batching.LARGEST_BATCH", 4)
    of = await make_session(database)
    held = [await make_booking(database, session=of) for _ in range(10)]
    await asyncio.gather(*(reserve(shared, each, 1) for each in held))
    assert await database.primary.value(COMMITS) == 3
    assert await free(database, of) == 90


async def test_change_and_commit_take_one_round_trip(database: Database, wire: Wire) -> None:
    of = await make_session(database)
    held: list[Booking] = [await make_booking(database, session=of) for _ in range(9)]
    pool = type(database.primary.pool)(wire.url, min_size=1, max_size=1, open=False, kwargs={"autocommit": True})
    async with pool:
        shared = CommitBatcher(pool, lock_all=stock.lock_sessions)
        await reserve(shared, held[0], 1)
        before = wire.round_trips
        for each in held:
            await reserve(shared, each, 2)
        assert wire.round_trips == before + len(held)
        await asyncio.gather(*(confirm(shared, each) for each in held))
        assert wire.round_trips <= before + len(held) + 2


async def test_all_callers_get_unavailable_without_database(wire: Wire, database: Database) -> None:
    of: Session = await make_session(database)
    held = [await make_booking(database, session=of) for _ in range(3)]
    pool = type(database.primary.pool)(
        wire.url, min_size=1, max_size=1, open=False, kwargs={"autocommit": True}, reconnect_timeout=1
    )
    async with pool:
        shared = CommitBatcher(pool, lock_all=stock.lock_sessions)
        await reserve(shared, held[0], 1)
        wire.cut()
        outcomes = await asyncio.gather(*(reserve(shared, each, 2) for each in held), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    assert await taken(database, of) == 1


async def test_prepares_statements_anew_after_a_change_of_their_table(
    database: Database, shared: CommitBatcher
) -> None:
    held = await make_booking(database)
    await reserve(shared, held, 1)
    async with database.transaction() as tx:
        await tx.execute("ALTER TABLE bookings ALTER COLUMN reserved_seats TYPE bigint")
    try:
        assert (await reserve(shared, held, 2)).reserved_seats == 2
        alone = [reserve(shared, held, seats) for seats in (3, 4)]
        assert [each.reserved_seats for each in await asyncio.gather(*alone)] == [3, 4]
    finally:
        async with database.transaction() as tx:
            await tx.execute("ALTER TABLE bookings ALTER COLUMN reserved_seats TYPE integer")
    assert await record(database, held) == [1, 2, 3, 4]


async def test_reads_instants_whatever_style_the_database_writes(database: Database, settings: Settings) -> None:
    user, of = await make_user(database), await make_session(database)
    async with await psycopg.AsyncConnection.connect(settings.database_url or "", autocommit=True) as admin:
        name = Identifier(admin.info.dbname)
        await admin.execute(SQL("ALTER DATABASE {} SET datestyle = 'SQL, DMY'").format(name))
        try:
            async with open_database(settings) as opened:
                made = await open_(CommitBatcher(opened.primary.pool, lock_all=stock.lock_sessions), user.id, of.id)
                read = await opened.primary.row(Booking, PureRead("SELECT * FROM bookings"))
        finally:
            await admin.execute(SQL("ALTER DATABASE {} RESET datestyle").format(name))
    stored = await seen(database, made)
    assert read is not None
    assert made.created_at == read.created_at == stored.created_at
