"""A transaction that a whole request goes through: use cases are undone one by one, and become durable together."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from psycopg.errors import DivisionByZero

from db.engine import Database
from db.models import User
from db.pipeline import Statement
from db.request_transaction import RequestCommits, RequestDatabase, RequestTransaction, bind_database
from domain import user
from errors import EmailTaken, InvalidInput, OutcomeUnknown, Unavailable
from tests.support.factories import make_user
from tests.support.rivals import holding

NAMES = "SELECT email FROM users ORDER BY email"
KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %(pid)s"


@pytest.fixture
async def request_tx(database: Database) -> AsyncIterator[RequestTransaction]:
    opened = RequestTransaction(database.primary.pool)
    await opened.begin()
    yield opened
    await opened.roll_back()


@pytest.fixture
def within(database: Database, request_tx: RequestTransaction) -> RequestDatabase:
    return bind_database(request_tx, database)


async def sign_up(database: Database, name: str) -> None:
    async with database.transaction() as tx:
        await user.sign_up(tx, email=f"{name}@example.org", username=None, password_hash="-")


async def names(database: Database) -> list[str]:
    return [email.removesuffix("@example.org") for (email,) in await database.primary.tuples(NAMES)]


async def test_use_cases_become_durable_together(
    database: Database, request_tx: RequestTransaction, within: RequestDatabase
) -> None:
    await sign_up(within, "ada")
    await sign_up(within, "bob")
    assert await names(within) == ["ada", "bob"]
    assert await names(database) == []
    await request_tx.commit()
    assert await names(database) == ["ada", "bob"]
    assert not request_tx.is_open


async def test_rolled_back_request_changes_nothing(
    database: Database, request_tx: RequestTransaction, within: RequestDatabase
) -> None:
    await sign_up(within, "ada")
    await request_tx.roll_back()
    await request_tx.roll_back()
    assert await names(database) == []


async def test_refusal_undoes_its_own_use_case_only(
    database: Database, request_tx: RequestTransaction, within: RequestDatabase
) -> None:
    await sign_up(within, "ada")
    with pytest.raises(InvalidInput):  # noqa: PT012 - the refusal comes after a change
        async with within.transaction() as tx:
            await user.sign_up(tx, email="bob@example.org", username=None, password_hash="-")
            raise InvalidInput(field="x", problem="y")
    await sign_up(within, "eve")
    await request_tx.commit()
    assert await names(database) == ["ada", "eve"]


async def test_violated_constraint_raises_refusal_and_later_use_cases_work(
    database: Database, request_tx: RequestTransaction, within: RequestDatabase
) -> None:
    await make_user(database, email="ada@example.org")
    await sign_up(within, "bob")
    with pytest.raises(EmailTaken):
        await sign_up(within, "ada")
    await sign_up(within, "eve")
    await request_tx.commit()
    assert await names(database) == ["ada", "bob", "eve"]


async def test_failed_statement_without_rows_undoes_its_own_use_case(
    database: Database, request_tx: RequestTransaction, within: RequestDatabase
) -> None:
    await make_user(database, email="ada@example.org")
    with pytest.raises(EmailTaken):
        async with within.transaction() as tx:
            await tx.execute("INSERT INTO users (email, password_hash) VALUES ('ADA@example.org', '-')")
    await sign_up(within, "bob")
    await request_tx.commit()
    assert await names(database) == ["ada", "bob"]


async def test_failed_read_undoes_nothing_else(
    database: Database, request_tx: RequestTransaction, within: RequestDatabase
) -> None:
    await sign_up(within, "ada")
    with pytest.raises(InvalidInput):
        await within.primary.value("SELECT %(number)s::integer", number=2**40)
    assert await names(within) == ["ada"]
    await request_tx.commit()
    assert await names(database) == ["ada"]


async def test_failed_sibling_read_does_not_affect_others(within: RequestDatabase) -> None:
    async def number(value: int) -> int:
        return int(await within.primary.value("SELECT %(number)s::integer", number=value))

    asked = [number(2**40 if place == 7 else place) for place in range(20)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(each) for each in found if isinstance(each, Exception)] == [InvalidInput]
    assert [each for each in found if isinstance(each, int)] == [place for place in range(20) if place != 7]


async def test_batched_change_runs_in_request_transaction(database: Database, request_tx: RequestTransaction) -> None:
    made = await RequestCommits(request_tx).row(
        User, "INSERT INTO users (email, password_hash) VALUES ('ada@example.org', '-') RETURNING id, email"
    )
    assert made is not None
    assert request_tx.is_changed
    assert await names(database) == []
    await request_tx.commit()
    assert await names(database) == ["ada"]


async def test_read_does_not_mark_request_as_changed(request_tx: RequestTransaction, within: RequestDatabase) -> None:
    await names(within)
    assert not request_tx.is_changed


async def test_cut_connection_undoes_everything_and_is_not_used_again(
    database: Database, request_tx: RequestTransaction, within: RequestDatabase
) -> None:
    await sign_up(within, "ada")
    pid = await within.primary.value("SELECT pg_backend_pid()")
    await database.primary.value(KILL, pid=pid)
    with pytest.raises(Unavailable):
        await names(within)
    await request_tx.roll_back()
    assert await names(database) == []
    await request_tx.begin()
    await sign_up(within, "bob")
    await request_tx.commit()
    assert await names(database) == ["bob"]


async def test_commit_on_a_killed_connection_has_an_unknown_outcome(
    database: Database, request_tx: RequestTransaction, within: RequestDatabase
) -> None:
    await sign_up(within, "ada")
    await database.primary.value(KILL, pid=await within.primary.value("SELECT pg_backend_pid()"))
    with pytest.raises(OutcomeUnknown):
        await request_tx.commit()
    assert await names(database) == []


async def test_a_wait_that_is_too_long_is_unavailable_and_leaves_the_rest(
    database: Database, request_tx: RequestTransaction, within: RequestDatabase
) -> None:
    await sign_up(within, "ada")
    async with holding(database, "LOCK TABLE collections"):
        with pytest.raises(Unavailable):
            await within.primary.value("SELECT count(*) FROM collections")
    await request_tx.commit()
    assert await names(database) == ["ada"]


async def test_released_transaction_runs_no_statement(request_tx: RequestTransaction, within: RequestDatabase) -> None:
    await request_tx.commit()
    with pytest.raises(RuntimeError):
        await names(within)


async def test_planned_reads_see_changes_of_request(
    database: Database, request_tx: RequestTransaction, within: RequestDatabase
) -> None:
    count = Statement(b"SELECT count(*) FROM users WHERE id > $1::bigint")
    await sign_up(within, "ada")
    assert await within.primary.pipeline.fetch_value(count, [b"0"]) == b"1"
    assert await within.standby.pipeline.fetch_rows(count, [b"0"]) == [(b"1",)]
    assert await database.primary.pipeline.fetch_value(count, [b"0"]) == b"0"
    with pytest.raises(DivisionByZero):
        await within.primary.pipeline.fetch_value(Statement(b"SELECT 1 / $1::integer"), [b"0"])
    await request_tx.commit()
    assert await database.primary.pipeline.fetch_value(count, [b"0"]) == b"1"
