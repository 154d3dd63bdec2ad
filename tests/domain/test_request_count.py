"""Several servers add up what they have counted, each reset once for all of them."""

from db import tally
from db.engine import Database
from db.tally import Tally
from domain import request_count


async def reset(database: Database, counting: Tally) -> None:
    async with database.transaction() as tx:
        generation = await request_count.reset(tx)
    counting.learn(generation, 0)


def counted(number: int) -> Tally:
    counting = tally.private()
    for _ in range(number):
        counting.add()
    return counting


async def add_up(database: Database, *tallies: Tally) -> None:
    for each in [*tallies, *tallies]:
        await request_count.add_up(database, each, written=None)


async def test_servers_see_each_others_counts(database: Database) -> None:
    here, there = counted(3), counted(4)

    await add_up(database, here, there)

    assert (here.shown(), there.shown()) == (7, 7)
    here.add()
    assert (here.shown(), there.shown()) == (8, 7)


async def test_what_a_killed_server_had_told_still_counts(database: Database) -> None:
    await add_up(database, counted(5))
    after = counted(1)

    await add_up(database, after)

    assert after.shown() == 6


async def test_written_twice_it_counts_once(database: Database) -> None:
    here, there = counted(3), counted(0)
    old = here.counted()
    here.add()

    await add_up(database, here, here)
    await database.primary.tuples(f"{request_count.WRITE} RETURNING 1", run=old.run, generation=0, counted=old.number)
    await add_up(database, there)

    assert there.shown() == 4


async def test_a_reset_is_for_all_servers(database: Database) -> None:
    here, there = counted(3), counted(4)
    await add_up(database, here, there)

    await reset(database, here)
    assert here.shown() == 0
    here.add()
    await add_up(database, there, here)

    assert (here.shown(), there.shown()) == (1, 1)
    assert await database.primary.value("SELECT count(*) FROM request_counts WHERE generation = 0") == 0


async def test_a_server_that_is_behind_cannot_undo_a_reset(database: Database) -> None:
    here, there = counted(3), counted(4)
    await reset(database, here)

    # It still writes for the generation before, and learns of the new one by that.
    await request_count.add_up(database, there, written=None)
    await add_up(database, here)

    assert (here.shown(), there.shown()) == (0, 0)


async def test_resets_at_once_are_each_one_of_their_own(database: Database) -> None:
    async with database.transaction() as tx:
        first = await request_count.reset(tx)
    async with database.transaction() as tx:
        second = await request_count.reset(tx)

    assert (first, second) == (1, 2)


async def test_nothing_new_is_not_written(database: Database) -> None:
    here = counted(3)
    written = await request_count.add_up(database, here, written=None)
    await database.primary.tuples("DELETE FROM request_counts RETURNING 1")

    await request_count.add_up(database, here, written=written)

    assert await database.primary.value("SELECT count(*) FROM request_counts") == 0
