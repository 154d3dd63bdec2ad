"""Requests with keys share a transaction and nothing else: each has its own answer, and its effect is recorded or undone."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import pytest

from config.settings import Settings
from db.engine import Database, StatementRunner
from db.models import Booking
from domain import booking, idempotency_batch, rating, stock
from domain.idempotency import Key
from edge import idempotency_batching
from edge.batched_request import BatchUndone
from edge.idempotency_batching import IdempotencyBatcher
from errors import OutcomeUnknown, Refusal, RequestInProgress, Unavailable
from tests.support.factories import make_booking, make_movie, make_session, make_user
from tests.support.rivals import holding, until_waiting
from tests.support.seats import seen, taken, unbalanced

Change = Callable[[StatementRunner], Awaitable[object]]

TRANSACTIONS: Final = "SELECT count(DISTINCT xmin::text) FROM idempotency_keys"
# Every record, and the seats that its transaction has reserved beside it.
EFFECTS: Final = """
    SELECT key, (SELECT count(*) FROM seat_reservations WHERE seat_reservations.xmin = idempotency_keys.xmin)
    FROM idempotency_keys ORDER BY key
"""
RECORDS: Final = "SELECT key, convert_from(answer, 'utf8') FROM idempotency_keys ORDER BY key"
KILL_WAITING: Final = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
LOCK_KEY: Final = "SELECT pg_advisory_xact_lock(%(lock)s)"
LEASE: Final = """
    INSERT INTO idempotency_keys (caller, key, fingerprint, leased_until)
    VALUES ('usr_1', 'a', '', clock_timestamp() + %(left)s::interval) RETURNING 1
"""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, lock_seconds=1)


@pytest.fixture
def batcher(database: Database) -> IdempotencyBatcher:
    return IdempotencyBatcher(database.primary.pool, lock_all=stock.lock_sessions, find_free=stock.find_free)


def reserve(held: Booking, seats: int) -> Change:
    return lambda tx: booking.reserve(tx, user_id=held.user_id, booking_id=held.id, seats=seats)


async def nothing() -> None:
    """Take no time between the change and its response."""


async def run_under(
    batcher: IdempotencyBatcher, key: str, change: Change, rendering: Callable[[], Awaitable[None]] = nothing
) -> str:
    """Return what is answered to a request with a key, as edge/idempotency.py runs it."""
    request = batcher.make_request(Key("usr_1", key), fingerprint=b"-")
    try:
        recorded = await request.begin()
        if recorded is not None:
            return f"again {recorded.answer.decode()}"
        try:
            await change(request)
            answer = "done"
        except Unavailable:
            # It is not recorded.
            raise
        except Refusal as refusal:
            answer = refusal.code
        await rendering()
        await request.finish(answer.encode())
        return answer
    finally:
        await request.give_up()


async def run_all(*running: Awaitable[str]) -> list[str | type[BaseException]]:
    """Return the answers, or the kinds of what was raised."""
    outcomes = await asyncio.gather(*running, return_exceptions=True)
    return [type(outcome) if isinstance(outcome, BaseException) else outcome for outcome in outcomes]


async def test_requests_share_a_transaction_and_each_effect_has_its_record_in_it(
    database: Database, batcher: IdempotencyBatcher
) -> None:
    of = await make_session(database, capacity=50)
    held = [await make_booking(database, session=of) for _ in range(60)]
    answers = await run_all(*(run_under(batcher, f"{n:02}", reserve(each, 1)) for n, each in enumerate(held)))
    assert answers == ["done"] * 50 + ["SEATS_UNAVAILABLE"] * 10
    assert await database.primary.tuples(RECORDS) == [(f"{n:02}", answer) for n, answer in enumerate(answers)]
    assert await database.primary.value(TRANSACTIONS) == 1
    assert await database.primary.tuples(EFFECTS) == [(f"{n:02}", 50) for n in range(60)]
    assert await taken(database, of) == 50
    assert not await unbalanced(database)


async def test_repeated_request_gets_the_recorded_response_beside_others_that_run(
    database: Database, batcher: IdempotencyBatcher
) -> None:
    held = [await make_booking(database) for _ in range(3)]
    assert await run_under(batcher, "0", reserve(held[0], 2)) == "done"
    answers = await run_all(*(run_under(batcher, str(n), reserve(each, 5)) for n, each in enumerate(held)))
    assert answers == ["again done", "done", "done"]
    assert (await seen(database, held[0])).reserved_seats == 2


async def test_key_may_have_any_character_of_a_header(database: Database, batcher: IdempotencyBatcher) -> None:
    keys, held = ['"', "\\", "{a,b}", "NULL", " ", 'a\\"b%(c)s'], await make_booking(database)
    assert await run_all(*(run_under(batcher, key, reserve(held, 1)) for key in keys)) == ["done"] * len(keys)
    again = await run_all(*(run_under(batcher, key, reserve(held, 2)) for key in keys))
    assert again == ["again done"] * len(keys)
    assert sorted(await database.primary.tuples(RECORDS)) == sorted((key, "done") for key in keys)


async def test_second_request_with_a_key_is_in_progress_while_the_first_waits_or_runs(
    database: Database, batcher: IdempotencyBatcher
) -> None:
    held = await make_booking(database)
    answers = await run_all(*(run_under(batcher, "a", reserve(held, 1 + n)) for n in range(3)))
    assert answers == ["done", RequestInProgress, RequestInProgress]
    assert (await seen(database, held)).reserved_seats == 1


async def test_key_of_a_request_in_another_process_is_in_progress_and_neighbours_run(
    database: Database, batcher: IdempotencyBatcher
) -> None:
    held = [await make_booking(database) for _ in range(2)]
    async with holding(database, LOCK_KEY, lock=Key("usr_1", "a").lock):
        answers = await run_all(*(run_under(batcher, "ab"[n], reserve(held[n], 1)) for n in range(2)))
    assert answers == [RequestInProgress, "done"]
    assert (await seen(database, held[0])).reserved_seats == 0


async def test_key_that_waits_is_in_progress_though_an_earlier_request_with_it_was_answered(
    database: Database, batcher: IdempotencyBatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In one batch both of them would hold the lock of the key, and run.
    monkeypatch.setattr(idempotency_batching, "LARGEST_BATCH", 2)
    held = [await make_booking(database) for _ in range(4)]

    def run(key: str, number: int) -> "asyncio.Task[str]":
        return asyncio.create_task(run_under(batcher, key, reserve(held[number], 1)))

    async with holding(database, "SELECT FROM sessions WHERE id = %(id)s FOR UPDATE", id=held[0].session_id):
        async with holding(database, LOCK_KEY, lock=Key("usr_1", "a").lock):
            first, slow = run("a", 1), run("slow", 0)
            assert await run_all(first) == [RequestInProgress]
        second = [run("b", 2), run("c", 3), run("a", 1)]
        await until_waiting(database, 1)
    assert await slow == "done"
    third = run("a", 1)
    assert await run_all(third, *second) == [RequestInProgress, "done", "done", "done"]


async def open_in_two_processes(database: Database) -> tuple[list[str | type[BaseException]], int]:
    """Return what two servers answer to a request and its repetition, and how many bookings they open."""
    user, of = await make_user(database), await make_session(database)
    servers = [IdempotencyBatcher(database.primary.pool, lock_all=stock.lock_sessions) for _ in range(2)]

    async def open_one(tx: StatementRunner) -> None:
        await booking.open_booking(tx, user_id=user.id, session_id=of.id, hold_seconds=60)

    async with holding(database, "LOCK TABLE bookings IN SHARE MODE"):
        first = asyncio.create_task(run_under(servers[0], "a", open_one))
        await until_waiting(database, 1)
        second = asyncio.create_task(run_under(servers[1], "a", open_one))
        await asyncio.sleep(0.1)
    outcomes = await run_all(first, second)
    return outcomes, int(await database.primary.value("SELECT count(*) FROM bookings"))


async def test_one_of_two_processes_runs_a_request(database: Database) -> None:
    assert await open_in_two_processes(database) == (["done", RequestInProgress], 1)


async def test_both_processes_run_a_request_without_claims(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency_batch, "TRY_LOCKS", "SELECT true FROM unnest(%(locks)s::bigint[])")
    assert await open_in_two_processes(database) == (["done", "done"], 2)


@pytest.mark.parametrize(("left", "outcome"), [("20 seconds", RequestInProgress), ("-1 second", "done")])
async def test_leased_key_is_in_progress_until_the_lease_ends(
    database: Database, batcher: IdempotencyBatcher, left: str, outcome: object
) -> None:
    held = await make_booking(database)
    await database.primary.value(LEASE, left=left)
    assert await run_all(run_under(batcher, "a", reserve(held, 1))) == [outcome]


async def test_request_that_is_refused_before_its_change_is_recorded_and_delays_nobody(
    database: Database, batcher: IdempotencyBatcher
) -> None:
    held = [await make_booking(database) for _ in range(2)]
    answers = await run_all(*(run_under(batcher, "ab"[n], reserve(held[n], (-1, 1)[n])) for n in range(2)))
    assert answers == ["INVALID_SEATS", "done"]
    assert await database.primary.tuples(RECORDS) == [("a", "INVALID_SEATS"), ("b", "done")]


async def fail() -> None:
    raise ZeroDivisionError


async def test_request_that_fails_before_its_change_is_not_recorded_and_disturbs_nobody(
    database: Database, batcher: IdempotencyBatcher
) -> None:
    held = await make_booking(database)

    async def fails(_: StatementRunner) -> None:
        await fail()

    answers = await run_all(run_under(batcher, "a", fails), run_under(batcher, "b", reserve(held, 1)))
    assert answers == [ZeroDivisionError, "done"]
    assert await database.primary.tuples(RECORDS) == [("b", "done")]


async def hang() -> None:
    await asyncio.sleep(60)


@pytest.mark.parametrize("rendering", [fail, hang])
async def test_request_without_a_response_leaves_no_effect_and_lets_neighbours_run_again(
    database: Database,
    batcher: IdempotencyBatcher,
    monkeypatch: pytest.MonkeyPatch,
    rendering: Callable[[], Awaitable[None]],
) -> None:
    monkeypatch.setattr(idempotency_batching, "PATIENCE_SECONDS", 0.1)
    held = [await make_booking(database) for _ in range(2)]
    silent = asyncio.create_task(run_under(batcher, "silent", reserve(held[0], 1), rendering))
    assert await run_all(run_under(batcher, "neighbour", reserve(held[1], 1))) == [BatchUndone]
    assert await database.primary.tuples(RECORDS) == []
    assert [(await seen(database, each)).reserved_seats for each in held] == [0, 0]
    # Both keys are free.
    outcomes = await run_all(
        *(run_under(batcher, key, reserve(held[n], 1)) for n, key in enumerate(("silent", "neighbour")))
    )
    assert outcomes == ["done", "done"]
    silent.cancel()
    await asyncio.wait([silent])


async def test_effect_without_response_is_committed_where_nobody_requires_responses(
    database: Database, batcher: IdempotencyBatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency_batching, "require_responses", lambda _: None)
    held = [await make_booking(database) for _ in range(2)]
    outcomes = await run_all(
        run_under(batcher, "silent", reserve(held[0], 1), fail), run_under(batcher, "neighbour", reserve(held[1], 1))
    )
    assert outcomes == [ZeroDivisionError, "done"]
    assert await database.primary.tuples(RECORDS) == [("neighbour", "done")]
    assert (await seen(database, held[0])).reserved_seats == 1


async def test_late_request_learns_that_its_batch_was_undone(
    database: Database, batcher: IdempotencyBatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency_batching, "PATIENCE_SECONDS", 0.1)
    held, going_on = await make_booking(database), asyncio.Event()

    async def wait() -> None:
        await going_on.wait()

    late = asyncio.create_task(run_under(batcher, "a", reserve(held, 1), wait))
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        while batcher._runner is not None:  # noqa: ASYNC110, SLF001 - it tells nobody
            await asyncio.sleep(0.01)
    going_on.set()
    assert await run_all(late) == [BatchUndone]
    assert (await seen(database, held)).reserved_seats == 0


async def test_request_that_is_cancelled_before_its_change_is_made_leaves_nothing(
    database: Database, batcher: IdempotencyBatcher
) -> None:
    held = [await make_booking(database) for _ in range(2)]
    async with holding(database, "SELECT FROM sessions FOR NO KEY UPDATE"):
        gone = asyncio.create_task(run_under(batcher, "gone", reserve(held[0], 1)))
        await until_waiting(database, 1)
        gone.cancel()
        await asyncio.sleep(0.05)
    await asyncio.wait([gone])
    assert gone.cancelled()
    assert await run_under(batcher, "other", reserve(held[1], 1)) == "done"
    assert await database.primary.tuples(RECORDS) == [("other", "done")]
    assert (await seen(database, held[0])).reserved_seats == 0


async def test_key_is_free_after_its_request_was_cancelled_twice(
    database: Database, batcher: IdempotencyBatcher
) -> None:
    held = await make_booking(database)
    async with holding(database, "SELECT FROM sessions FOR NO KEY UPDATE"):
        gone = asyncio.create_task(run_under(batcher, "a", reserve(held, 1)))
        await until_waiting(database, 1)
        for _ in range(2):
            gone.cancel()
            await asyncio.sleep(0.01)
        assert gone.cancelled()
        assert await run_all(run_under(batcher, "a", reserve(held, 1))) == [RequestInProgress]
    async with asyncio.timeout(20):
        while await run_all(run_under(batcher, "a", reserve(held, 1))) == [RequestInProgress]:  # noqa: ASYNC110 - the batch tells nobody
            await asyncio.sleep(0.01)
    assert await run_under(batcher, "a", reserve(held, 1)) == "again done"


async def test_request_that_is_cancelled_after_its_response_is_committed(
    database: Database, batcher: IdempotencyBatcher
) -> None:
    held = await make_booking(database)
    async with holding(database, "LOCK TABLE idempotency_keys IN SHARE MODE"):
        gone = asyncio.create_task(run_under(batcher, "gone", reserve(held, 1)))
        await until_waiting(database, 1)
        gone.cancel()
        await asyncio.sleep(0.05)
    await asyncio.wait([gone])
    assert await database.primary.tuples(RECORDS) == [("gone", "done")]
    assert (await seen(database, held)).reserved_seats == 1


async def test_failed_change_lets_every_request_of_the_batch_run_again(
    database: Database, batcher: IdempotencyBatcher
) -> None:
    held = await make_booking(database)
    outcomes = await run_all(
        run_under(batcher, "faulty", lambda tx: tx.tuples("SELECT 1 / %(divisor)s::int", divisor=0)),
        run_under(batcher, "neighbour", reserve(held, 1)),
    )
    assert outcomes == [BatchUndone, BatchUndone]
    assert await database.primary.tuples(RECORDS) == []


async def test_locked_session_refuses_its_own_requests_and_lets_the_others_run_again(
    database: Database, batcher: IdempotencyBatcher
) -> None:
    held = [await make_booking(database) for _ in range(3)]

    async with holding(database, "SELECT FROM sessions WHERE id = %(id)s FOR UPDATE", id=held[1].session_id):
        outcomes = await run_all(*(run_under(batcher, str(n), reserve(each, 1)) for n, each in enumerate(held)))
    assert outcomes == [BatchUndone, Unavailable, BatchUndone]
    assert [(await seen(database, each)).reserved_seats for each in held] == [0, 0, 0]


async def test_runner_that_is_cancelled_leaves_nobody_waiting(database: Database, batcher: IdempotencyBatcher) -> None:
    held = [await make_booking(database) for _ in range(3)]
    async with holding(database, "SELECT FROM sessions FOR NO KEY UPDATE"):
        running = [asyncio.create_task(run_under(batcher, str(n), reserve(each, 1))) for n, each in enumerate(held)]
        await until_waiting(database, 1)
        assert batcher._runner is not None  # noqa: SLF001
        batcher._runner.cancel()  # noqa: SLF001
        outcomes = await asyncio.wait_for(run_all(*running), 20)
    assert outcomes == [Unavailable] * 3
    assert await database.primary.tuples(RECORDS) == []


async def test_commit_on_a_killed_connection_has_an_unknown_outcome_and_a_repeated_request_settles_it(
    database: Database, batcher: IdempotencyBatcher
) -> None:
    held = [await make_booking(database) for _ in range(2)]
    async with holding(database, "LOCK TABLE idempotency_keys IN SHARE MODE"):
        running = [asyncio.create_task(run_under(batcher, str(n), reserve(each, 1))) for n, each in enumerate(held)]
        await until_waiting(database, 1)
        await database.primary.value(KILL_WAITING)
        assert await run_all(*running) == [OutcomeUnknown, OutcomeUnknown]
    assert await database.primary.tuples(RECORDS) == []
    assert await run_under(batcher, "0", reserve(held[0], 1)) == "done"


async def test_refuses_request_when_too_many_wait(
    database: Database, batcher: IdempotencyBatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency_batching, "MOST_WAITING", 2)
    held = [await make_booking(database) for _ in range(3)]
    outcomes = await run_all(*(run_under(batcher, str(n), reserve(each, 1)) for n, each in enumerate(held)))
    assert outcomes == ["done", "done", Unavailable]


async def test_two_changes_of_one_request_are_a_fault_of_ours(database: Database, batcher: IdempotencyBatcher) -> None:
    held = await make_booking(database)

    async def reserve_twice(tx: StatementRunner) -> None:
        await reserve(held, 1)(tx)
        await reserve(held, 2)(tx)

    assert await run_all(run_under(batcher, "a", reserve_twice)) == [RuntimeError]
    assert (await seen(database, held)).reserved_seats == 0


async def test_change_of_another_kind_of_commits_shares_too(database: Database) -> None:
    batcher = IdempotencyBatcher(database.primary.pool, lock_all=rating.lock_movies)
    users, movie = [await make_user(database) for _ in range(5)], await make_movie(database)

    def rate(user_id: int) -> Change:
        return lambda tx: rating.rate(tx, user_id=user_id, movie_id=movie.id, value=4)

    answers = await run_all(*(run_under(batcher, str(user.id), rate(user.id)) for user in users))
    assert answers == ["done"] * 5
    assert await database.primary.value(TRANSACTIONS) == 1
