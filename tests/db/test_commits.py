"""A commit that was sent and not answered is said to be of unknown outcome, and is never run again by the server."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Literal

import psycopg
import pytest
from httpx import AsyncClient, Response
from psycopg import AsyncConnection
from psycopg.pq.abc import PGresult

from app import create_app, open_database
from config.settings import Settings
from db import commits, ids
from db.commit_batching import CommitBatcher
from db.engine import Database
from db.models import Booking, PageEventType, User
from db.request_transaction import RequestTransaction
from domain import booking, page_view, stock
from errors import OutcomeUnknown, Unavailable
from tests.conftest import running
from tests.support.database_wire import Wire
from tests.support.factories import bearer, make_booking, make_user
from tests.support.own_database import own_database
from tests.support.seats import seen

Fate = Literal["lost", "unanswered"]
FATES: tuple[Fate, ...] = ("lost", "unanswered")
VIEW = page_view.NewPageView("ada", PageEventType.PAGE_ENTER, "https", "/", ())
END = "SELECT pg_terminate_backend(%(pid)s, 10000)"
CONFIRM = "mutation ($id: ID!) { confirmBooking(input: {bookingId: $id}) { booking { id } errors { code } } }"


@pytest.fixture
async def far(wire: Wire, settings: Settings) -> AsyncIterator[Database]:
    """The database at the other end of the wire."""
    async with open_database(replace(settings, database_url=wire.url)) as opened:
        yield opened


async def confirmed(database: Database, request_tx: Booking) -> bool:
    return (await seen(database, request_tx)).status == "confirmed"


async def confirm_over(wire: Wire, database: Database, request_tx: Booking, *, fate: Fate | None) -> None:
    """Confirm a booking, and let the commit have this fate; without one, cut the wire before there is a commit."""
    async with database.transaction() as tx:
        await booking.confirm(tx, user_id=request_tx.user_id, booking_id=request_tx.id)
        wire.commit_fate = fate
        if fate is None:
            wire.cut()
            await tx.value("SELECT 1")


@pytest.mark.parametrize("fate", FATES)
async def test_transaction_whose_commit_is_cut_has_an_unknown_outcome(
    database: Database, far: Database, wire: Wire, fate: Fate
) -> None:
    request_tx = await make_booking(database, reserved_seats=1)
    with pytest.raises(OutcomeUnknown):
        await confirm_over(wire, far, request_tx, fate=fate)
    assert await confirmed(database, request_tx) is (fate == "unanswered")


@pytest.mark.parametrize("fate", FATES)
async def test_batch_whose_commit_is_cut_is_not_run_again(
    database: Database, far: Database, wire: Wire, fate: Fate
) -> None:
    batcher = CommitBatcher(far.primary.pool, lock_all=stock.lock_sessions)
    request_tx = [await make_booking(database, reserved_seats=1) for _ in range(3)]
    wire.commit_fate = fate
    outcomes = await asyncio.gather(
        *(booking.confirm(batcher, user_id=each.user_id, booking_id=each.id) for each in request_tx),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown] * 3
    assert {await confirmed(database, each) for each in request_tx} == {fate == "unanswered"}


@pytest.mark.parametrize("fate", FATES)
async def test_request_transaction_whose_commit_is_cut_has_an_unknown_outcome(
    database: Database, far: Database, wire: Wire, fate: Fate
) -> None:
    request_tx = await make_booking(database, reserved_seats=1)
    transaction = RequestTransaction(far.primary.pool)
    await transaction.begin()
    async with transaction.use_case() as tx:
        await booking.confirm(tx, user_id=request_tx.user_id, booking_id=request_tx.id)
    wire.commit_fate = fate
    with pytest.raises(OutcomeUnknown):
        await transaction.commit()
    await transaction.roll_back()
    assert await confirmed(database, request_tx) is (fate == "unanswered")


@pytest.mark.parametrize("fate", FATES)
async def test_page_view_whose_commit_is_cut_has_an_unknown_outcome(
    database: Database, far: Database, wire: Wire, fate: Fate
) -> None:
    wire.commit_fate = fate
    with pytest.raises(OutcomeUnknown):
        await page_view.make_batcher(far).add(VIEW)
    assert await database.primary.value("SELECT count(*) FROM page_views") == (fate == "unanswered")


async def test_connection_that_breaks_before_the_commit_has_changed_nothing(
    database: Database, far: Database, wire: Wire
) -> None:
    request_tx = await make_booking(database, reserved_seats=1)
    with pytest.raises(Unavailable):
        await confirm_over(wire, far, request_tx, fate=None)
    assert not await confirmed(database, request_tx)


async def test_connection_that_breaks_before_lost_statements_are_sent_again_has_changed_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = database.primary.pool
    begun = 0

    async def exchange(connection: AsyncConnection[Any], *given: Any) -> list[PGresult]:
        nonlocal begun
        begun += 1
        if begun == 2:
            await connection.execute("DEALLOCATE ALL")
        if begun == 3:
            # Returns once the process of the connection is gone.
            await database.primary.value(END, pid=connection.info.backend_pid)
        return await real(connection, *given)

    real = commits.exchange
    monkeypatch.setattr(commits, "exchange", exchange)
    async with type(ours)(str(ours.conninfo), min_size=1, max_size=1, open=False, kwargs={"autocommit": True}) as pool:
        batcher = CommitBatcher(pool, lock_all=stock.lock_sessions)
        assert await batcher.tuples("SELECT 1") == [(1,)]
        with pytest.raises(Unavailable):
            await batcher.tuples("SELECT 1")
    assert begun == 3


async def test_commit_that_no_standby_has_has_an_unknown_outcome(database_url: str, settings: Settings) -> None:
    with own_database(database_url) as url, psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {admin.info.dbname} SET synchronous_commit = on")
        admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        admin.execute("SELECT pg_reload_conf()")
        try:
            async with open_database(replace(settings, database_url=url)) as opened:
                changing = asyncio.create_task(change_repeatedly(opened))
                await asyncio.to_thread(cancel_waiting, url)
                with pytest.raises(OutcomeUnknown):
                    await changing
        finally:
            admin.execute("ALTER SYSTEM RESET synchronous_standby_names")
            admin.execute("SELECT pg_reload_conf()")


async def change_repeatedly(database: Database) -> None:
    """Commit again and again: PostgreSQL begins to wait for standbys some time after it was told to."""
    while True:
        async with database.transaction() as tx:
            await tx.execute("CREATE TABLE IF NOT EXISTS something ()")
            await tx.execute("DROP TABLE something")


def cancel_waiting(url: str) -> None:
    """Cancel the wait for a standby, once somebody waits for it."""
    with psycopg.connect(url, autocommit=True) as admin:
        for _ in range(600):
            found = admin.execute(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = current_database()"
            ).fetchall()
            if found:
                return
            admin.execute("SELECT pg_sleep(0.05)")
    raise AssertionError("nobody waits for a standby")


@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize("door", ["rest", "graphql"])
async def test_idempotency_key_settles_an_unknown_outcome(
    database: Database, settings: Settings, wire: Wire, fate: Fate, door: str
) -> None:
    user = await make_user(database)
    request_tx = await make_booking(database, user=user, reserved_seats=1)
    async with running(create_app(replace(settings, database_url=wire.url), with_jobs=False)) as client:
        request = confirm_by(door, request_tx, user)
        wire.commit_fate = fate
        first = await client.request("POST", **request)
        again = await repeat(client, request)
    assert first.status_code == 503
    assert "retry-after" not in first.headers
    assert "outcome_unknown" in first.text.lower()
    assert again.status_code == 200
    assert ("idempotent-replayed" in again.headers) is (fate == "unanswered")
    assert await confirmed(database, request_tx)


async def repeat(client: AsyncClient, request: dict[str, Any]) -> Response:
    """Return the answer to a repeated request, once PostgreSQL has noticed that the connection of the first one is gone."""
    async with asyncio.timeout(30):
        while True:
            answer = await client.request("POST", **request)
            if "request_in_progress" not in answer.text.lower():
                return answer
            await asyncio.sleep(0.05)


def confirm_by(door: str, request_tx: Booking, user: User) -> dict[str, Any]:
    """Return a request that confirms a booking under a key."""
    identity = ids.encode("bok", request_tx.id)
    headers = bearer(user) | {"Idempotency-Key": "k"}
    if door == "rest":
        return {"url": f"/v1/bookings/{identity}/confirm", "headers": headers}
    return {"url": "/graphql", "headers": headers, "json": {"query": CONFIRM, "variables": {"id": identity}}}
