import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import psycopg
import pytest
from psycopg.errors import DivisionByZero, UndefinedTable

from db.cursors import make_codec
from db.engine import Database
from db.models import Movie, User
from db.opening import connect_database
from errors import EmailTaken, InvalidInput, MovieNotFound, OutcomeUnknown, Refusal, SessionStarted, Unavailable
from tests.support.database_wire import Wire
from tests.support.factories import make_user
from tests.support.lived import lived
from tests.support.rivals import holding, started, until_no_transaction_waits

COUNT: Final = "SELECT count(*) FROM users"
ADD: Final = "INSERT INTO users (username, password_hash) VALUES (%(name)s, 'x') RETURNING id"
ADD_SILENTLY: Final = "INSERT INTO users (username, password_hash) VALUES (%(name)s, 'x')"
SLEEP: Final = "SELECT pg_sleep(%(seconds)s)"


def opened(url: str, **given: Any) -> AbstractAsyncContextManager[Database]:
    settings: dict[str, Any] = {"size": 1, "statement_seconds": 5, "lock_seconds": 2, "read_conninfo": None}
    return connect_database(url, cursors=make_codec([b"x" * 32]), **settings | given)


@pytest.fixture
async def single(empty_database_url: str) -> AsyncIterator[Database]:
    """The database by one connection, so that what one statement leaves behind the next one finds."""
    async with opened(empty_database_url) as made:
        yield made


@pytest.fixture
async def impatient(empty_database_url: str) -> AsyncIterator[Database]:
    async with opened(empty_database_url, statement_seconds=0.2, lock_seconds=0.1) as made:
        yield made


async def works(database: Database) -> bool:
    """Return whether the pool's one connection reads and writes as if nothing had happened."""
    before = await database.primary.value(COUNT)
    async with database.transaction() as tx:
        await tx.value(ADD, name=f"works{before}")
    return bool(await database.primary.value(COUNT) == before + 1)


async def change(database: Database, *statements: str, then: BaseException | None = None) -> None:
    """Run statements in one transaction, and raise what is to be raised then."""
    async with database.transaction() as tx:
        for statement in statements:
            await tx.value(statement, name=statement[:8], seconds=5)
        if then:
            raise then


async def kill(database: Database, pid: int) -> None:
    """End a connection from the other side."""
    async with await psycopg.AsyncConnection.connect(str(database.primary.pool.conninfo), autocommit=True) as rival:
        await rival.execute("SELECT pg_terminate_backend(%s, 1000)", (pid,))


async def test_reader_reads_rows_row_tuples_and_value(single: Database) -> None:
    user = await make_user(single, username="ada")
    statement = "SELECT id, username FROM users WHERE username = %(name)s"
    (row,) = await single.primary.rows(User, statement, name="ada")
    assert (row.id, row.username) == (user.id, "ada")
    assert await single.primary.row(User, statement, name="ada") == row
    assert await single.primary.tuples(statement, name="ada") == [(user.id, "ada")]
    assert await single.primary.value(statement, name="ada") == user.id
    assert await single.primary.row(User, statement, name="bob") is None
    assert await single.primary.value(statement, name="bob") is None
    assert await single.primary.rows(User, statement, name="bob") == []


@pytest.mark.alone
async def test_reads_run_concurrently(database: Database) -> None:
    with lived() as spent:
        await asyncio.gather(*(database.primary.value(SLEEP, seconds=0.3) for _ in range(4)))
    assert spent.seconds < 0.9


async def test_connection_uses_utc_and_has_time_limits(impatient: Database) -> None:
    asked = "SELECT current_setting('timezone'), current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('search_path')"
    assert await impatient.primary.tuples(asked) == [("UTC", "200ms", "100ms", "public, queue")]


async def test_transaction_commits_at_its_end(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.value(ADD, name="ada")
        assert await tx.value(COUNT) == 1
        assert await database.primary.value(COUNT) == 0
    assert await database.primary.value(COUNT) == 1


async def test_statement_without_rows_is_committed(single: Database) -> None:
    async with single.transaction() as tx:
        await tx.execute(ADD_SILENTLY, name="ada")
    assert await single.primary.value(COUNT) == 1


async def test_empty_transaction_leaves_connection_usable(single: Database) -> None:
    async with single.transaction():
        pass
    assert await works(single)


@pytest.mark.parametrize(
    "error", [SessionStarted(), MovieNotFound(), ValueError("x"), KeyboardInterrupt(), asyncio.CancelledError()]
)
async def test_exception_rolls_transaction_back(single: Database, error: BaseException) -> None:
    with pytest.raises(type(error)):
        await change(single, ADD, then=error)
    assert await single.primary.value(COUNT) == 0
    assert await works(single)


async def test_error_of_database_rolls_transaction_back(single: Database) -> None:
    with pytest.raises(UndefinedTable):
        await change(single, ADD, "SELECT * FROM nowhere")
    assert await single.primary.value(COUNT) == 0
    assert await works(single)


async def test_violated_constraint_raises_refusal_and_rolls_back(single: Database) -> None:
    await make_user(single, email="ada@example.org")
    with pytest.raises(EmailTaken):
        await change(single, ADD, "UPDATE users SET email = 'ADA@example.org' WHERE email IS NULL RETURNING 1")
    assert await single.primary.value(COUNT) == 1
    assert await works(single)


async def test_statement_without_rows_fails_at_next_statement_or_at_end(single: Database) -> None:
    await make_user(single, email="ada@example.org")
    wrong = "INSERT INTO users (email, password_hash) VALUES ('ada@example.org', 'x')"

    async def fail(*then: str) -> None:
        async with single.transaction() as tx:
            await tx.execute(wrong)
            for statement in then:
                await tx.value(statement)
                raise AssertionError("not reached")

    for then in ((), (COUNT,)):
        with pytest.raises(EmailTaken):
            await fail(*then)
    assert await works(single)


async def test_transaction_cannot_continue_after_suppressed_error(single: Database) -> None:

    async def fail() -> None:
        async with single.transaction() as tx:
            await tx.value(ADD, name="ada")
            with contextlib.suppress(UndefinedTable):
                await tx.value("SELECT * FROM nowhere")
            await tx.value(ADD, name="bob")

    with pytest.raises(Unavailable):
        await fail()
    assert await single.primary.value(COUNT) == 0
    assert await works(single)


async def test_connection_is_usable_after_failed_read(single: Database) -> None:
    with pytest.raises(UndefinedTable):
        await single.primary.value("SELECT * FROM nowhere")
    assert await works(single)


@pytest.mark.parametrize("value", ["a\0b", 2**64, 10**100])
async def test_value_that_cannot_be_stored_raises_invalid_input(single: Database, value: object) -> None:
    statement = (
        "SELECT id FROM movies WHERE title = %(value)s" if isinstance(value, str) else "SELECT %(value)s::bigint"
    )
    with pytest.raises(InvalidInput):
        await single.primary.value(statement, value=value)
    with pytest.raises(InvalidInput):
        async with single.transaction() as tx:
            await tx.value(statement, value=value)
    assert await works(single)


async def test_wrong_statement_raises_error_of_psycopg(single: Database) -> None:
    with pytest.raises(DivisionByZero):
        await single.primary.value("SELECT 1 / 0")
    assert await works(single)


async def test_raises_unavailable_within_two_seconds_without_free_connection(single: Database) -> None:
    async with single.transaction():
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            await single.primary.value("SELECT 1")
        with pytest.raises(Unavailable):
            await change(single)
        assert time.monotonic() - begun < 4
    assert await works(single)


@pytest.mark.alone
async def test_raises_unavailable_after_limit_of_lock_wait(impatient: Database) -> None:
    await make_user(impatient)
    async with holding(impatient, "SELECT FROM users FOR UPDATE"):
        for _ in range(2):
            with lived() as spent, pytest.raises(Unavailable):
                await change(impatient, "UPDATE users SET is_staff = true RETURNING 1")
            assert spent.seconds < 1
    assert await works(impatient)


async def test_raises_unavailable_after_limit_of_statement(impatient: Database) -> None:
    with pytest.raises(Unavailable):
        await impatient.primary.value(SLEEP, seconds=5)
    with pytest.raises(Unavailable):
        await change(impatient, ADD, SLEEP)
    assert await impatient.primary.value(COUNT) == 0
    assert await works(impatient)


async def test_deadlock_raises_unavailable_in_one_transaction(database: Database) -> None:
    users = [await make_user(database) for _ in range(2)]

    met = asyncio.Barrier(2)

    async def lock(first: User, second: User) -> None:
        async with database.transaction() as tx:
            await tx.value("UPDATE users SET is_staff = true WHERE id = %(id)s RETURNING 1", id=first.id)
            await met.wait()
            await tx.value("UPDATE users SET is_staff = true WHERE id = %(id)s RETURNING 1", id=second.id)

    outcomes = await asyncio.gather(lock(*users), lock(*reversed(users)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {type(None), Unavailable}
    assert await works(database)


async def test_cancelled_waiter_leaves_no_lock_and_no_broken_connection(database: Database) -> None:
    user = await make_user(database)
    change = "UPDATE users SET is_staff = true WHERE id = %(id)s RETURNING 1"

    async def wait() -> None:
        async with database.transaction() as tx:
            await tx.value(ADD, name="ada")
            await tx.value(change, id=user.id)

    async with holding(database, "SELECT FROM users WHERE id = %(id)s FOR UPDATE", id=user.id):
        for _ in range(6):
            waiting = await started(database, wait())
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
    assert await database.primary.value(change, id=user.id)
    assert await database.primary.value(COUNT) == 1
    await until_no_transaction_waits(database)
    assert await works(database)


async def test_killed_connection_raises_unavailable_once(single: Database) -> None:
    pid = await single.primary.value("SELECT pg_backend_pid()")
    await kill(single, pid)
    with pytest.raises(Unavailable):
        await single.primary.value("SELECT 1")
    assert await works(single)


async def test_pool_is_renewed_after_one_write_refused_by_former_primary(empty_database_url: str) -> None:
    async with opened(empty_database_url, size=2) as database:
        # What a standby answers to a write; reads go on.
        async with database.primary.pool.connection() as one, database.primary.pool.connection() as other:
            for connection in (one, other):
                await connection.execute("SET default_transaction_read_only = on")
        assert await database.primary.value(COUNT) == 0
        with pytest.raises(Unavailable):
            await change(database, ADD)
        for _ in range(3):
            assert await works(database)


@pytest.mark.parametrize(("then", "refusal"), [((), OutcomeUnknown), ((COUNT,), Unavailable)])
async def test_connection_killed_before_the_commit_changes_nothing(
    single: Database, then: tuple[str, ...], refusal: type[Refusal]
) -> None:
    async def fail() -> None:
        async with single.transaction() as tx:
            pid = await tx.value("SELECT pg_backend_pid()")
            await tx.execute(ADD_SILENTLY, name="ada")
            await kill(single, pid)
            for statement in then:
                await tx.value(statement)

    # Once COMMIT is sent, the end of a connection does not tell whether it came first.
    with pytest.raises(refusal):
        await fail()
    assert await single.primary.value(COUNT) == 0
    assert await works(single)


@pytest.mark.alone
async def test_raises_unavailable_within_two_seconds_without_database() -> None:
    async with opened("postgresql://nobody@127.0.0.1:1/nowhere") as database:
        for attempt in (database.primary.value("SELECT 1"), works(database)):
            with lived() as spent, pytest.raises(Unavailable):
                await attempt
            assert spent.seconds < 2


@pytest.mark.alone
async def test_reconnects_soon_after_database_is_back(wire: Wire) -> None:
    async with opened(wire.url, size=3) as database:
        assert await works(database)
        wire.cut()
        gone = time.monotonic()
        while time.monotonic() - gone < 4:
            with lived() as spent, pytest.raises(Unavailable):
                await database.primary.value("SELECT 1")
            assert spent.seconds < 2
        wire.mend()
        back = time.monotonic()
        with lived() as spent:
            while time.monotonic() - back < 10:
                with contextlib.suppress(Unavailable):
                    await database.primary.value("SELECT 1")
                    break
        assert spent.seconds < 1.5


async def test_standby_reads_use_read_address(empty_database_url: str, wire: Wire) -> None:
    async with opened(empty_database_url) as database:
        assert database.standby is database.primary or database.standby.pool is database.primary.pool
    async with opened(empty_database_url, read_conninfo=wire.url) as database:
        before = wire.round_trips
        assert await database.standby.value(COUNT) == 0
        assert wire.round_trips > before
        wire.cut()
        with pytest.raises(Unavailable):
            await database.standby.value(COUNT)
        assert await works(database)


async def test_rows_have_values_of_database_without_validation(single: Database) -> None:
    (movie,) = await single.primary.rows(Movie, "SELECT 1::bigint AS id, 'x' AS title, 2.5::float8 AS rating")
    assert (movie.id, movie.title, movie.rating) == (1, "x", 2.5)
