"""A transaction in steps: nothing of it lasts before its commit, and its outcome is known unless the commit was lost."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final, Literal

import pytest
from psycopg.errors import DivisionByZero, FeatureNotSupported, LockNotAvailable
from psycopg_pool import PoolTimeout

from app import open_database
from config.settings import Settings
from db.commits import Bound
from db.engine import Database
from db.pipeline.statement import bind_text, load_rows
from db.pool import Pool
from db.stepwise_transaction import open_stepwise
from errors import OutcomeUnknown, Unavailable
from tests.support.database_wire import Wire, wire_to
from tests.support.factories import make_movie
from tests.support.rivals import holding

NAMES: Final = "SELECT title FROM movies ORDER BY title"
RENAME: Final = "UPDATE movies SET title = %(title)s RETURNING title"
PID: Final = "SELECT pg_backend_pid()"
KILL: Final = "SELECT pg_terminate_backend(%(pid)s, 10000)"


def bound(statement: str, **parameters: object) -> Bound:
    return bind_text(statement, parameters)


async def change(pool: Pool, *steps: list[Bound], commit: list[Bound] | None = None) -> None:
    """Run steps in a transaction, and commit it with these statements."""
    async with open_stepwise(pool) as transaction:
        for step in steps:
            await transaction.run(step)
        if commit is not None:
            await transaction.commit(commit)


FAULTY: Final = bound("SELECT 1 / %(divisor)s::int", divisor=0)


@pytest.fixture
async def wire(empty_database_url: str) -> AsyncIterator[Wire]:
    async with wire_to(empty_database_url) as opened:
        yield opened


async def test_steps_see_each_other_and_last_with_the_commit(database: Database) -> None:
    await make_movie(database, title="a")
    async with open_stepwise(database.primary.pool) as transaction:
        (renamed,) = await transaction.run([bound(RENAME, title="b")])
        assert load_rows(renamed) == [("b",)]
        (seen, one) = await transaction.run([bound(NAMES), bound("SELECT 1")])
        assert (load_rows(seen), load_rows(one)) == ([("b",)], [(1,)])
        assert await database.primary.tuples(NAMES) == [("a",)]
        await transaction.commit([bound("UPDATE movies SET title = title || 'c'")])
    assert await database.primary.tuples(NAMES) == [("bc",)]


async def test_block_without_a_commit_changes_nothing_and_gives_a_clean_connection_back(database: Database) -> None:
    await make_movie(database, title="a")
    for _ in range(10):
        async with open_stepwise(database.primary.pool) as transaction:
            await transaction.run([bound(RENAME, title="b")])
    assert await database.primary.tuples(NAMES) == [("a",)]


async def test_failed_step_undoes_the_steps_before(database: Database) -> None:
    await make_movie(database, title="a")
    with pytest.raises(DivisionByZero):
        await change(database.primary.pool, [bound(RENAME, title="b")], [FAULTY], commit=[])
    assert await database.primary.tuples(NAMES) == [("a",)]


async def test_failed_statement_of_the_commit_undoes_everything(database: Database) -> None:
    await make_movie(database, title="a")
    with pytest.raises(DivisionByZero):
        await change(database.primary.pool, [bound(RENAME, title="b")], commit=[FAULTY])
    assert await database.primary.tuples(NAMES) == [("a",)]


async def test_wait_for_a_lock_has_the_bound_of_the_pool(settings: Settings) -> None:
    async with open_database(replace(settings, lock_seconds=0.2)) as database:
        await make_movie(database)
        async with holding(database, "SELECT FROM movies FOR UPDATE"):
            with pytest.raises(LockNotAvailable):
                await change(database.primary.pool, [bound(RENAME, title="b")], commit=[])


async def test_lost_connection_between_steps_has_done_nothing(database: Database) -> None:
    await make_movie(database, title="a")
    async with open_stepwise(database.primary.pool) as transaction:
        (found,) = await transaction.run([bound(PID)])
        await database.primary.value(KILL, pid=load_rows(found)[0][0])
        with pytest.raises(Unavailable):
            await transaction.commit([bound("UPDATE movies SET title = 'b'")])
    assert await database.primary.tuples(NAMES) == [("a",)]


@pytest.mark.parametrize(("fate", "title"), [("lost", "a"), ("unanswered", "b")])
async def test_commit_that_is_cut_has_an_unknown_outcome(
    database: Database, settings: Settings, wire: Wire, fate: Literal["lost", "unanswered"], title: str
) -> None:
    await make_movie(database, title="a")
    async with open_database(replace(settings, database_url=wire.url)) as far:
        wire.commit_fate = fate
        with pytest.raises(OutcomeUnknown):
            await change(far.primary.pool, [bound(RENAME, title="b")], commit=[])
    assert await database.primary.tuples(NAMES) == [(title,)]


async def test_takes_a_round_trip_for_each_step(database: Database, settings: Settings, wire: Wire) -> None:
    await make_movie(database, title="a")
    async with open_database(replace(settings, database_url=wire.url, pool_size=1)) as far:
        await far.primary.value("SELECT 1")
        before = wire.round_trips
        await change(far.primary.pool, [bound(NAMES)], [bound(RENAME, title="b"), bound(NAMES)], commit=[])
        assert wire.round_trips - before == 3


async def test_statement_that_is_out_of_date_is_prepared_anew_by_the_next_transaction(settings: Settings) -> None:
    async with open_database(replace(settings, pool_size=1)) as database:
        everything = bound("SELECT * FROM something")
        async with database.transaction() as tx:
            await tx.execute("CREATE TABLE something (one int)")
        try:
            await change(database.primary.pool, [everything], [everything])
            async with database.transaction() as tx:
                await tx.execute("ALTER TABLE something ADD COLUMN two int")
            with pytest.raises(FeatureNotSupported):
                await change(database.primary.pool, [everything])
            await change(database.primary.pool, [everything])
        finally:
            async with database.transaction() as tx:
                await tx.execute("DROP TABLE something")


async def test_no_connection_in_time_is_said_before_anything_is_done(settings: Settings) -> None:
    async with open_database(replace(settings, pool_size=1)) as database, database.transaction() as tx:
        await tx.value("SELECT 1")
        with pytest.raises(PoolTimeout):
            await change(database.primary.pool, [bound(NAMES)])


async def test_behind_a_pooler_each_transaction_begins_with_its_settings(
    settings: Settings, empty_database_url: str
) -> None:
    pooled = replace(settings, lock_seconds=3, database_direct_url=empty_database_url)
    async with open_database(pooled) as database, open_stepwise(database.primary.pool) as transaction:
        (found,) = await transaction.run([bound("SELECT current_setting('lock_timeout')")])
        assert load_rows(found) == [("3s",)]
        (again,) = await transaction.run([bound("SELECT 1")])
        assert load_rows(again) == [(1,)]
