"""Several servers add up what they have counted, each reset once for all of them."""

import asyncio

import pytest

from db.engine import Database
from domain import request_count
from domain.request_count import History
from runtime.request_count import RequestCounter, make_private_counter


async def reset(database: Database, counting: RequestCounter) -> None:
    async with database.transaction() as tx:
        generation = await request_count.begin_generation(tx, counting)
    counting.merge_others(generation, 0)


def counted(number: int) -> RequestCounter:
    counting = make_private_counter()
    for _ in range(number):
        counting.add()
    return counting


async def add_up(database: Database, *tallies: RequestCounter) -> None:
    for each in [*tallies, *tallies]:
        await request_count.add_up(database, each, History())


async def test_servers_see_each_others_counts(database: Database) -> None:
    here, there = counted(3), counted(4)

    await add_up(database, here, there)

    assert (here.count_since_reset(), there.count_since_reset()) == (7, 7)
    here.add()
    assert (here.count_since_reset(), there.count_since_reset()) == (8, 7)


async def test_count_written_by_killed_server_still_counts(database: Database) -> None:
    await add_up(database, counted(5))
    after = counted(1)

    await add_up(database, after)

    assert after.count_since_reset() == 6


async def test_count_written_twice_counts_once(database: Database) -> None:
    here, there = counted(3), counted(0)
    old = here.make_report()
    here.add()

    await add_up(database, here, here)
    await database.primary.tuples(f"{request_count.WRITE} RETURNING 1", run=old.run, generation=0, counted=old.number)
    await add_up(database, there)

    assert there.count_since_reset() == 4


async def test_reset_applies_to_all_servers(database: Database) -> None:
    here, there = counted(3), counted(4)
    await add_up(database, here, there)

    await reset(database, here)
    assert here.count_since_reset() == 0
    here.add()
    await add_up(database, there, here)

    assert (here.count_since_reset(), there.count_since_reset()) == (1, 1)
    assert await database.primary.value("SELECT count(*) FROM request_counts WHERE generation = 0") == 0


async def test_late_write_does_not_undo_reset(database: Database) -> None:
    here, there = counted(3), counted(4)
    await reset(database, here)

    # It still writes for the generation before, and learns of the new one by that.
    await request_count.add_up(database, there, History())
    await add_up(database, here)

    assert (here.count_since_reset(), there.count_since_reset()) == (0, 0)


async def test_each_reset_has_its_own_generation(database: Database) -> None:
    async with database.transaction() as tx:
        first = await request_count.begin_generation(tx, make_private_counter())
    async with database.transaction() as tx:
        second = await request_count.begin_generation(tx, make_private_counter())

    assert (first, second) == (1, 2)


async def test_unchanged_count_is_not_written(database: Database) -> None:
    here = counted(3)
    written = await request_count.add_up(database, here, History())
    await database.primary.tuples("DELETE FROM request_counts RETURNING 1")

    await request_count.add_up(database, here, History(), written=written)

    assert await database.primary.value("SELECT count(*) FROM request_counts") == 0


async def test_reset_takes_effect_on_other_servers_from_its_instant(database: Database) -> None:
    here, there, history = counted(3), counted(4), History()
    history.note(there.count_live())
    await reset(database, here)
    await asyncio.sleep(0.05)
    for _ in range(5):
        there.add()
        history.note(there.count_live())

    await request_count.add_up(database, there, history)

    assert there.count_since_reset() == 5


async def test_reset_takes_effect_in_its_own_process_when_learned(database: Database) -> None:
    here = counted(3)
    async with database.transaction() as tx:
        generation = await request_count.begin_generation(tx, here)
    # Between the commit and the answer somebody adds up.
    await request_count.add_up(database, here, History())
    assert here.count_since_reset() == 3

    here.merge_others(generation, 0)

    assert here.count_since_reset() == 0


async def test_reset_takes_effect_when_its_worker_is_killed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_count, "TOLD_BY_NOW_SECONDS", 0.0)
    here = counted(3)
    async with database.transaction() as tx:
        await request_count.begin_generation(tx, here)

    await request_count.add_up(database, here, History())

    assert here.count_since_reset() == 0


def test_history_forgets_old_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    history = History()
    for live in range(10):
        now = 100.0 + live
        history.note(live)

    assert len(history.moments) == 4
    assert (history.live_then(0), history.live_then(1.5), history.live_then(50)) == (9, 7, None)
