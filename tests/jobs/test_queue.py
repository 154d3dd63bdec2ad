"""Jobs on a real queue: they run, are gone afterwards, and start over when the database was away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, Final

import pytest
from procrastinate.exceptions import AlreadyEnqueued

from app import open_services
from config.settings import Settings
from db.engine import Database
from db.pool import make_pool
from domain import page_view
from edge.services import Services
from jobs import expiries, queue
from tests.support.factories import make_booking, make_expired_booking, make_page_view, make_session, soon
from tests.support.lived import lived
from tests.support.rivals import holding
from tests.support.seats import record, seen, taken
from tests.support.ticketing import make_show, make_ticket

PATIENCE_SECONDS: Final = 10.0
JOBS: Final = "SELECT count(*) FROM queue.procrastinate_jobs"
# All connections to the queue but ours, whoever listens included.
KILL: Final = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND query ILIKE '%%procrastinate%%' AND query NOT ILIKE 'truncate%%'
"""


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[Services]:
    async with open_services(settings) as made:
        yield made


@pytest.fixture
def database(services: Services) -> Database:
    return services.database


@asynccontextmanager
async def working(services: Services) -> AsyncIterator[None]:
    task = asyncio.create_task(queue.run_jobs(services))
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def defer(services: Services, *, name: str = expiries.NAME) -> None:
    """Put a job into the queue, as its timer does."""
    bounds: dict[str, Any] = {"statement_seconds": 5, "lock_seconds": 2}
    async with make_pool(services.settings.database_url or "", size=2, autocommit=False, **bounds) as pool:
        app = queue.make_queue()
        async with app.open_async(pool):
            # The timer of a worker that is about may have been faster.
            with suppress(AlreadyEnqueued):
                await app.tasks[name].defer_async(timestamp=0)


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await is_so():  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.02)


async def test_gives_back_expired_seats_and_leaves_no_job_behind(services: Services, database: Database) -> None:
    session = await make_session(database)
    lost = await make_expired_booking(database, session=session, seats=3)
    kept = await make_booking(database, session=session, seats=2)

    async def is_given_back() -> bool:
        return await taken(database, session) == 2 and await database.primary.value(JOBS) == 0

    async with working(services):
        await defer(services)
        await until(is_given_back)
    assert (await seen(database, lost)).status == "expired"
    assert (await seen(database, kept)).status == "open"
    assert await record(database, lost) == [0]


async def test_closes_all_expired_bookings_in_batches(
    services: Services, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiries, "BATCH", 3)
    for _ in range(3):
        session = await make_session(database)
        for _ in range(3):
            await make_expired_booking(database, session=session, seats=2)

    async def is_closed() -> bool:
        return not await database.primary.value("SELECT count(*) FROM bookings WHERE status = 'open'")

    async with working(services):
        await defer(services)
        await until(is_closed)
    assert await database.primary.value("SELECT count(DISTINCT xmin::text) FROM bookings") == 3
    assert await database.primary.value("SELECT sum(taken) FROM sessions") == 0
    assert await database.primary.value("SELECT count(*) FROM seat_reservations WHERE seats = 0") == 9


async def test_restarts_after_connections_were_cut(
    services: Services, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "RESTART_SECONDS", 0.1)
    session = await make_session(database)

    async def is_free() -> bool:
        return await taken(database, session) == 0

    async def are_cut() -> bool:
        return bool(await database.primary.value(KILL))

    async with working(services):
        for _ in range(2):
            await make_expired_booking(database, session=session, seats=3)
            # The timer may have come first.
            with suppress(AlreadyEnqueued):
                await defer(services)
            await until(is_free)
            # A new one may have done it and not be connected for good yet.
            await until(are_cut)


async def test_restarted_worker_registers_its_jobs(services: Services, database: Database) -> None:
    session = await make_session(database)

    async def is_free() -> bool:
        return await taken(database, session) == 0

    for _ in range(3):
        await make_expired_booking(database, session=session, seats=3)
        await defer(services)
        async with working(services):
            await until(is_free)


@pytest.mark.alone
async def test_stops_at_once_when_no_job_runs(services: Services) -> None:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(working(services))
        await asyncio.sleep(0.3)
        with lived() as spent:
            await stack.aclose()
    assert spent.seconds < 2


async def test_does_not_queue_waiting_job_again(services: Services, database: Database) -> None:
    for _ in range(2):
        await defer(services)
    assert await database.primary.value(JOBS) == 1


async def test_deletes_shows_eight_hours_after_their_start_with_their_tickets(
    services: Services, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiries, "BATCH", 2)
    for hours in (-8, -9, -10, -100, -1000):
        await make_ticket(database, show=await make_show(database, hours=hours))
    kept = await make_ticket(database, show=await make_show(database, hours=-7.9))

    async def is_tidy() -> bool:
        return not await database.primary.value("SELECT count(*) - 1 FROM shows")

    async with working(services):
        await defer(services, name=expiries.DELETE_SHOWS)
        await until(is_tidy)
    assert await database.primary.tuples("SELECT id FROM tickets") == [(kept.id,)]


async def test_deletes_idempotency_keys_after_a_day(
    services: Services, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiries, "BATCH", 2)
    statement = """
        INSERT INTO idempotency_keys (caller, key, fingerprint, answer, created_at)
        VALUES ('usr_1', %(hours)s::text, '', '', clock_timestamp() - %(hours)s * interval '1 hour') RETURNING 1
    """
    for hours in (0, 23, 24, 25, 26, 27, 1000):
        await database.primary.value(statement, hours=hours)

    async def is_tidy() -> bool:
        return bool(await database.primary.value("SELECT count(*) = 2 FROM idempotency_keys"))

    async with working(services):
        await defer(services, name=expiries.DELETE_KEYS)
        await until(is_tidy)
    assert await database.primary.tuples("SELECT key FROM idempotency_keys ORDER BY key") == [("0",), ("23",)]


AGES: Final = "SELECT tracking_id FROM page_views ORDER BY tracking_id"


async def make_page_views_of_ages(database: Database, *days: int) -> None:
    """Make page views that are so many days old, and a minute; their names say how many."""
    for age in days:
        await make_page_view(database, tracking_id=f"{age:03}", occurred_at=soon(-24 * age - 1 / 60))


async def test_deletes_page_views_after_the_days_of_the_setting(
    services: Services, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiries, "BATCH", 2)
    await make_page_views_of_ages(database, 0, 30, 399, 400, 401, 402, 500, 900)

    async def is_tidy() -> bool:
        return len(await database.primary.tuples(AGES)) == 3

    async with working(services):
        await defer(services, name=expiries.DELETE_VIEWS)
        await until(is_tidy)
    assert await database.primary.tuples(AGES) == [("000",), ("030",), ("399",)]


async def test_keeps_page_views_for_ever_where_the_setting_is_off(services: Services, database: Database) -> None:
    keeping = replace(services, settings=replace(services.settings, page_view_days=None))
    await make_page_views_of_ages(database, 0, 401, 36_000)

    async def is_done() -> bool:
        return bool(await database.primary.value(JOBS) == 0)

    async with working(keeping):
        await defer(keeping, name=expiries.DELETE_VIEWS)
        await until(is_done)
    assert len(await database.primary.tuples(AGES)) == 3


async def test_deleting_page_views_skips_those_that_somebody_holds(database: Database) -> None:
    await make_page_views_of_ages(database, 401, 402)
    held = "SELECT FROM page_views WHERE tracking_id = '402' FOR UPDATE"
    async with holding(database, held), database.transaction() as tx:
        assert await page_view.delete_old_page_views(tx, days=400, batch=500) == 1
    assert await database.primary.tuples(AGES) == [("402",)]


@pytest.mark.parametrize(
    ("name", "cron"),
    [
        (expiries.NAME, "* * * * * */10"),
        (expiries.DELETE_SHOWS, "* * * * *"),
        (expiries.DELETE_KEYS, "* * * * *"),
        (expiries.DELETE_VIEWS, "20 3 * * *"),
    ],
)
def test_runs_each_job_on_schedule(name: str, cron: str) -> None:
    tasks = queue.make_queue().periodic_registry.periodic_tasks.values()
    assert [task.cron for task in tasks if task.task.name == name] == [cron]


def test_closes_expired_bookings_every_ten_seconds() -> None:
    tasks = queue.make_queue().periodic_registry.periodic_tasks.values()
    (periodic,) = [each for each in tasks if each.task.name == expiries.NAME]
    assert periodic.task.name == expiries.NAME
    assert periodic.cron == "* * * * * */10"
