"""Notices of change: after the commit and never before it, together, and whatever becomes of their connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from psycopg import AsyncConnection, Notify

from db import notices
from db.commit_batching import CommitBatcher
from db.engine import Database
from db.notices import CHANNEL, Changed, Notices, listen, read_changes, write_payloads
from db.server_watch import ServerWatch
from domain import event_reservation, stock
from errors import SeatsUnavailable
from tests.support.factories import make_booking, make_session
from tests.support.live import cut
from tests.support.ticketing import make_event

PATIENCE = 5.0
QUIET_SECONDS = 0.5


@asynccontextmanager
async def heard(url: str, *, expected: int = 1) -> AsyncIterator[list[Notify]]:
    """Yield what is told meanwhile, once all that is expected is there, with a little time at the end for what is not."""
    told: list[Notify] = []
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(f"LISTEN {CHANNEL}")
        yield told
        if expected:
            told += [notice async for notice in connection.notifies(timeout=PATIENCE, stop_after=expected)]
        told += [notice async for notice in connection.notifies(timeout=QUIET_SECONDS)]


def changed(told: list[Notify]) -> list[Changed]:
    return [change for notice in told for change in read_changes(notice.payload)]


async def test_transaction_sends_notice_after_commit_over_other_connection(
    database: Database, database_url: str
) -> None:
    async with heard(database_url) as told, database.transaction() as tx:
        pid = await tx.value("SELECT pg_backend_pid()")
        tx.touch("session", 7)
        await asyncio.sleep(QUIET_SECONDS)
        async with heard(database_url, expected=0) as early:
            pass
    assert changed(early) == []
    assert changed(told) == [Changed("session", 7)]
    assert told[0].pid != pid


async def test_rolled_back_transaction_sends_no_notice(database: Database, database_url: str) -> None:
    async with heard(database_url, expected=0) as told:
        with pytest.raises(ZeroDivisionError):
            await touched_and_failed(database)
    assert told == []


async def touched_and_failed(database: Database) -> None:
    async with database.transaction() as tx:
        tx.touch("session", 7)
        raise ZeroDivisionError


async def test_every_change_of_seats_sends_notice(database: Database, database_url: str) -> None:
    shared = CommitBatcher(database.primary.pool, lock_all=stock.lock_sessions, note=database.primary.note)
    booking = await make_booking(database)
    given: dict[str, Any] = {"user_id": booking.user_id, "booking_id": booking.id}
    async with heard(database_url) as by_shared:
        await stock.hold(shared, seats=2, **given)
    async with heard(database_url) as by_transaction, database.transaction() as tx:
        await stock.hold(tx, seats=3, **given)
    async with heard(database_url) as cancelled:
        await stock.hold(shared, seats=0, cancel=True, **given)
    assert (
        changed(by_shared) == changed(by_transaction) == changed(cancelled) == [Changed("session", booking.session_id)]
    )


async def test_refused_change_sends_no_notice(database: Database, database_url: str) -> None:
    booking, event = (
        await make_booking(database, session=await make_session(database, capacity=1)),
        await make_event(database),
    )
    async with heard(database_url, expected=0) as told:
        refused = await stock.hold(database.primary, user_id=booking.user_id, booking_id=booking.id, seats=2)
        with pytest.raises(SeatsUnavailable):
            await event_reservation.reserve_tickets(database.primary, user_id=None, event_id=event.id, tickets=101)
    assert refused is not None
    assert refused.booking is None
    assert told == []


async def test_every_change_of_tickets_sends_notice(database: Database, database_url: str) -> None:
    event, anybody = await make_event(database), event_reservation.Viewer(None, in_the_open=True)
    runner = database.primary
    async with heard(database_url) as reserved:
        made = await event_reservation.reserve_tickets(runner, user_id=None, event_id=event.id, tickets=2)
    async with heard(database_url) as more:
        await event_reservation.change_tickets(runner, viewer=anybody, reservation_id=made.id, tickets=3)
    async with heard(database_url) as cancelled:
        await event_reservation.cancel_reservation(runner, viewer=anybody, reservation_id=made.id)
    async with heard(database_url, expected=0) as once_more:
        await event_reservation.cancel_reservation(runner, viewer=anybody, reservation_id=made.id)
    assert changed(reserved) == changed(more) == changed(cancelled) == [Changed("event", event.id)]
    assert once_more == []


async def test_concurrent_changes_share_notice(empty_database_url: str) -> None:
    many = Notices(ServerWatch(empty_database_url, statement_seconds=5))
    async with heard(empty_database_url, expected=2) as told:
        for number in range(500):
            many.note(Changed("session", number % 250))
        await many.close()
    assert sorted(changed(told)) == [Changed("session", number) for number in range(250)]
    assert len(told) == 2


async def test_drops_changes_above_its_bound(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "MOST_WAITING", 3)
    many = Notices(ServerWatch(empty_database_url, statement_seconds=5))
    async with heard(empty_database_url) as told:
        for number in range(10):
            many.note(Changed("event", number))
        await many.close()
    assert len(changed(told)) == 3


async def test_cut_connection_loses_one_notice(empty_database_url: str) -> None:
    some = Notices(ServerWatch(empty_database_url, statement_seconds=5))
    async with heard(empty_database_url, expected=2) as told:
        for number in range(3):
            some.note(Changed("session", number))
            await asyncio.sleep(QUIET_SECONDS)
            if number == 0:
                await cut(empty_database_url, "pg_notify")
        await some.close()
    assert [change.id for change in changed(told)] == [0, 2]


async def test_cut_listener_reconnects_and_reports_it(database: Database, database_url: str) -> None:
    told: asyncio.Queue[Changed] = asyncio.Queue()
    connected: asyncio.Queue[None] = asyncio.Queue()
    listening = asyncio.create_task(
        listen(database_url, hear=told.put_nowait, connected=lambda: connected.put_nowait(None))
    )
    try:
        for number in range(2):
            await asyncio.wait_for(connected.get(), PATIENCE)
            database.primary.touch("export", number)
            assert await asyncio.wait_for(told.get(), PATIENCE) == Changed("export", number)
            await cut(database_url, "LISTEN")
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_listener_notices_that_server_is_gone(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "SILENCE_SECONDS", 0.05)
    connected = asyncio.Event()
    listening = asyncio.create_task(listen(database_url, hear=notices.ignore_change, connected=connected.set))
    await asyncio.wait_for(connected.wait(), PATIENCE)
    connected.clear()
    await asyncio.sleep(QUIET_SECONDS)
    # Asked several times meanwhile, the connection has answered, and is still the same.
    assert not connected.is_set()
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


def test_ignores_unknown_parts_of_notice() -> None:
    assert list(read_changes("session:1,movie:2,event,event:x,,export:3")) == [
        Changed("session", 1),
        Changed("export", 3),
    ]
    assert list(write_payloads([])) == []
