"""How often the statements of bookings and tickets cross the network, and how long their locks are held."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Final

import pytest

from db.cursors import make_codec
from db.engine import Database, Reader, Transaction
from db.models import Booking, Ticket
from db.opening import connect_database
from db.request_transaction import RequestCommits, RequestTransaction
from domain import booking, idempotency
from domain.idempotency import Key
from errors import NoSeatsReserved, Refusal, SeatsUnavailable
from tests.support.counter import book, delete, make_server, move, through_servers
from tests.support.database_wire import Wire
from tests.support.factories import make_booking, make_session, make_user, soon
from tests.support.seats import cancel, confirm, open_by, reserve
from tests.support.ticketing import make_show, make_ticket

ENOUGH_TO_BE_PREPARED: Final = 7


@pytest.fixture
async def wired(wire: Wire) -> AsyncIterator[Database]:
    """The database at the other end of the wire, by one connection."""
    made = connect_database(
        wire.url, read_conninfo=None, cursors=make_codec([b"x" * 32]), size=1, statement_seconds=5, lock_seconds=2
    )
    async with made as opened:
        await opened.primary.value("SELECT 1")
        # Notices of change travel by themselves, and for many changes at once.
        yield replace(opened, primary=Reader(opened.primary.pool))


async def reserve_in(tx: Transaction, request_tx: Booking, number: int) -> None:
    await booking.reserve(tx, user_id=request_tx.user_id, booking_id=request_tx.id, seats=1 + number % 3)


async def confirm_in(tx: Transaction, request_tx: Booking, _: int) -> None:
    await booking.confirm(tx, user_id=request_tx.user_id, booking_id=request_tx.id)


async def cancel_in(tx: Transaction, request_tx: Booking, _: int) -> None:
    await booking.cancel(tx, user_id=request_tx.user_id, booking_id=request_tx.id)


async def open_in(tx: Transaction, request_tx: Booking, _: int) -> None:
    await booking.open_booking(tx, user_id=request_tx.user_id, session_id=request_tx.session_id, hold_seconds=60)


@pytest.mark.parametrize("change", [open_in, reserve_in, confirm_in, cancel_in])
async def test_change_takes_one_round_trip_and_commit_another(
    wire: Wire, wired: Database, change: Callable[[Transaction, Booking, int], Awaitable[None]]
) -> None:
    for number in range(ENOUGH_TO_BE_PREPARED):
        request_tx = await make_booking(wired, seats=2)
        before = wire.round_trips
        async with wired.transaction() as tx:
            assert wire.round_trips == before
            await change(tx, request_tx, number)
            assert wire.round_trips == before + 1
        assert wire.round_trips == before + 2


@pytest.mark.parametrize("number", [1, 5])
async def test_changes_of_tickets_take_one_round_trip_with_their_commit(
    wire: Wire, wired: Database, number: int
) -> None:
    of = await make_show(wired)
    way, rows = through_servers(make_server(wired)), [await make_ticket(wired, show=of) for _ in range(number)]
    changes: list[Callable[[Ticket], Awaitable[object]]] = [
        lambda _: book(way, soon(24)),
        lambda row: move(way, row, soon(30)),
        lambda row: delete(way, row),
    ]
    for change in changes:
        before = wire.round_trips
        await asyncio.gather(*(change(row) for row in rows))
        assert wire.round_trips == before + 1


async def test_reserve_that_frees_expired_bookings_takes_one_round_trip(wire: Wire, wired: Database) -> None:
    session, user = await make_session(wired, capacity=2), await make_user(wired)
    lost = await reserve(wired, await open_by(wired, user, session), 2)
    request_tx = await open_by(wired, user, session)
    await wired.primary.value(
        "UPDATE bookings SET closes_at = clock_timestamp() WHERE id = %(id)s RETURNING 1", id=lost.id
    )
    before = wire.round_trips
    assert (await reserve(wired, request_tx, 2)).reserved_seats == 2
    assert wire.round_trips == before + 2


@pytest.mark.parametrize(
    ("change", "refusal"),
    [(lambda db, request_tx: reserve(db, request_tx, 101), SeatsUnavailable), (confirm, NoSeatsReserved)],
)
async def test_refusal_releases_locks_with_next_message(
    wire: Wire, wired: Database, change: Callable[[Database, Booking], Awaitable[Booking]], refusal: type[Refusal]
) -> None:
    request_tx = await make_booking(wired)
    before = wire.round_trips
    with pytest.raises(refusal):
        await change(wired, request_tx)
    assert wire.round_trips == before + 2


async def test_read_takes_one_round_trip(wire: Wire, wired: Database) -> None:
    before = wire.round_trips
    for _ in range(2 * ENOUGH_TO_BE_PREPARED):
        await wired.primary.value("SELECT %(number)s::integer", number=1)
    # And once for all the one that prepares it.
    assert wire.round_trips == before + 2 * ENOUGH_TO_BE_PREPARED + 1


async def test_counter_of_round_trips_counts_each(wire: Wire, wired: Database) -> None:
    request_tx = await make_booking(wired, seats=1)
    before = wire.round_trips
    async with wired.transaction() as tx:
        await tx.value("SELECT 1")
        await confirm_in(tx, request_tx, 0)
    assert wire.round_trips == before + 3


async def test_cancel_takes_as_many_round_trips_as_reserve(wired: Database) -> None:
    assert (await cancel(wired, await make_booking(wired, seats=1))).status == "cancelled"


async def test_change_with_idempotency_key_takes_three_round_trips(wire: Wire, wired: Database) -> None:
    for number in range(ENOUGH_TO_BE_PREPARED):
        booked, key = await make_booking(wired, seats=2), Key("usr_1", f"key {number}")
        request_tx = RequestTransaction(wired.primary.pool)
        before = wire.round_trips
        await request_tx.begin()
        assert wire.round_trips == before
        assert await idempotency.claim(request_tx, key) is None
        assert wire.round_trips == before + 1
        await booking.reserve(
            RequestCommits(request_tx), user_id=booked.user_id, booking_id=booked.id, seats=1 + number % 3
        )
        assert wire.round_trips == before + 2
        await idempotency.record(request_tx, key, fingerprint=b"f", answer=b"a")
        await request_tx.commit()
        assert wire.round_trips == before + 3
    assert await wired.primary.value("SELECT count(*) FROM idempotency_keys") == ENOUGH_TO_BE_PREPARED
