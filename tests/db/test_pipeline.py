"""What planned reads are sent through: answers stay apart, whatever happens to a neighbour or to the connection."""

import asyncio
import collections
import contextlib
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import DivisionByZero, IndeterminateDatatype, ReadOnlySqlTransaction, UndefinedTable

from db.cursors import make_codec
from db.embedded.postmaster import run_embedded
from db.engine import Database
from db.opening import connect_database
from db.pipeline import PipelinedReads, PooledReads, Statement, open_pipeline
from db.pipeline.connection import MOST_PREPARED
from errors import InvalidInput, Unavailable
from tests.support.database_wire import Pooler, Wire, wire_to
from tests.support.lived import lived

ONE: Final = Statement(b"SELECT 1")
ECHO: Final = Statement(b"SELECT $1::bigint")
TEXT: Final = Statement(b"SELECT $1::text")
SLEEP: Final = Statement(b"SELECT pg_sleep($1::float8)::text")
BROKEN: Final = Statement(b"SELECT 1 / $1::integer")
NOWHERE: Final = Statement(b"SELECT * FROM nowhere")
BACKEND: Final = Statement(b"SELECT pg_backend_pid()")
PREPARED: Final = Statement(
    b"SELECT count(*) FROM pg_prepared_statements WHERE statement NOT LIKE '%pg_prepared%'", is_planned_each_time=True
)
PATIENCE: Final = 10.0

Admin = psycopg.AsyncConnection[Any]


def opened(url: str, **options: Any) -> AbstractAsyncContextManager[PipelinedReads]:
    return open_pipeline(url, **{"connections": 1, "statement_seconds": 5, "lock_seconds": 2} | options)


@pytest.fixture
async def reads(empty_database_url: str) -> AsyncIterator[PipelinedReads]:
    """Reads by one connection, so that each is the neighbour of all others."""
    async with opened(empty_database_url) as made:
        yield made


@pytest.fixture
async def admin(empty_database_url: str) -> AsyncIterator[Admin]:
    """A session of somebody else's."""
    async with await psycopg.AsyncConnection.connect(empty_database_url, autocommit=True) as connection:
        yield connection


def connected_to(url: str, **options: Any) -> AbstractAsyncContextManager[Database]:
    cursors = make_codec([b"x" * 32])
    return connect_database(
        url, read_conninfo=None, cursors=cursors, size=2, statement_seconds=5, lock_seconds=2, **options
    )


async def echo(reads: PipelinedReads, numbers: Sequence[int]) -> list[bytes | None]:
    return list(await asyncio.gather(*(reads.fetch_value(ECHO, [b"%d" % number]) for number in numbers)))


def texts(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


async def until_busy(admin: Admin, backend: bytes | None) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await admin.execute(
                "SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = %s", [int(backend or 0)]
            )
            if await found.fetchone() == (True,):
                return
            await asyncio.sleep(0.01)


async def first_value(url: str, **options: Any) -> bytes | None:
    async with opened(url, **options) as reads:
        return await reads.fetch_value(ONE, [])


async def until_answered(reads: PipelinedReads) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(Unavailable):
                assert await reads.fetch_value(ONE, []) == b"1"
                return


async def hang_up(*tasks: "asyncio.Task[bytes | None]") -> None:
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(each) for each in ended} == {asyncio.CancelledError}


async def keep_reading(reads: PipelinedReads, statement: Statement) -> None:
    while True:
        await asyncio.gather(*(reads.fetch_rows(statement, []) for _ in range(10)))


async def test_pipeline_returns_bytes_of_value_and_rows(reads: PipelinedReads) -> None:
    assert await reads.fetch_value(TEXT, ['é\\"'.encode()]) == 'é\\"'.encode()
    assert await reads.fetch_value(TEXT, [None]) is None
    assert await reads.fetch_value(Statement(b"SELECT 1 WHERE false"), []) is None
    rows = Statement(b"SELECT n, NULL FROM generate_series(1, $1::bigint) AS n", types=(20,))
    assert await reads.fetch_rows(rows, [b"2"]) == [(b"1", None), (b"2", None)]
    assert await reads.fetch_rows(rows, [b"0"]) == []


async def test_pipeline_answers_each_caller_with_its_own_value(reads: PipelinedReads) -> None:
    assert await echo(reads, range(500)) == texts(500)


async def test_failing_statement_does_not_affect_others(reads: PipelinedReads) -> None:
    calls = [reads.fetch_value(*call) for _ in range(20) for call in ((ECHO, [b"7"]), (BROKEN, [b"0"]), (NOWHERE, []))]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert answers[::3] == [b"7"] * 20
    assert {type(answer) for answer in answers[1::3]} == {DivisionByZero}
    assert {type(answer) for answer in answers[2::3]} == {UndefinedTable}


@pytest.mark.parametrize(
    ("statement", "value"),
    [(TEXT, b"a\0b"), (TEXT, b"\xed\xa0\x80"), (ECHO, b"9223372036854775808"), (TEXT, b"\xff")],
)
async def test_refuses_value_that_postgresql_cannot_store(
    reads: PipelinedReads, statement: Statement, value: bytes
) -> None:
    with pytest.raises(InvalidInput):
        await reads.fetch_value(statement, [value])


async def test_server_ends_statement_after_its_limit(empty_database_url: str) -> None:
    async with opened(empty_database_url, statement_seconds=0.2) as reads:
        with pytest.raises(Unavailable):
            await reads.fetch_value(SLEEP, [b"5"])
        assert await reads.fetch_value(ONE, []) == b"1"


async def test_slow_statement_does_not_delay_others(reads: PipelinedReads) -> None:
    slow = asyncio.create_task(reads.fetch_value(SLEEP, [b"4.5"]))
    await asyncio.sleep(0)
    assert await echo(reads, range(50)) == texts(50)
    assert not slow.done()
    await hang_up(slow)


async def test_slow_statements_on_every_connection_do_not_delay_others(empty_database_url: str) -> None:
    async with opened(empty_database_url, connections=2) as reads:
        slow = [asyncio.create_task(reads.fetch_value(SLEEP, [b"4.5"])) for _ in range(2)]
        await asyncio.sleep(0)
        assert await echo(reads, range(50)) == texts(50)
        assert not any(task.done() for task in slow)
        await hang_up(*slow)


async def test_thousand_cancelled_callers_do_not_affect_others(reads: PipelinedReads) -> None:
    assert await reads.fetch_value(ONE, []) == b"1"
    # What is sent first holds up all others, so that they leave in the middle.
    first = asyncio.create_task(reads.fetch_value(SLEEP, [b"0.5"]))
    await asyncio.sleep(0)
    leaving, staying = [], []
    for number in range(1000):
        leaving.append(asyncio.create_task(reads.fetch_value(SLEEP, [b"0.0001"])))
        staying.append(asyncio.create_task(reads.fetch_value(ECHO, [b"%d" % number])))
    await asyncio.sleep(0)
    await hang_up(*leaving)
    assert await asyncio.gather(*staying) == texts(1000)
    assert await first == b""


async def test_cancel_request_would_hit_next_statement(reads: PipelinedReads, admin: Admin) -> None:
    # Why none is ever sent: the statement that it is meant for is over, and the server is at a neighbour's.
    backend = await reads.fetch_value(BACKEND, [])
    gone, neighbour = (asyncio.create_task(reads.fetch_value(*call)) for call in ((ONE, []), (SLEEP, [b"5"])))
    await gone
    await until_busy(admin, backend)
    await admin.execute("SELECT pg_cancel_backend(%s)", [int(backend or 0)])
    with pytest.raises(Unavailable):
        await neighbour


async def test_null_with_cast_shares_prepared_statement(reads: PipelinedReads) -> None:
    filtered = Statement(
        b"SELECT count(*) FROM generate_series(1, 9) AS n WHERE $1::integer IS NULL OR n < $1::integer"
    )
    assert [await reads.fetch_value(filtered, [value]) for value in (None, b"3", None)] == [b"9", b"2", b"9"]
    assert await reads.fetch_value(PREPARED, []) == b"1"
    with pytest.raises(IndeterminateDatatype):
        await reads.fetch_value(Statement(b"SELECT count(*) FROM generate_series(1, 9) AS n WHERE $1 IS NULL"), [None])


async def test_list_of_any_length_is_one_parameter(reads: PipelinedReads) -> None:
    listed = Statement(b"SELECT count(DISTINCT n) FROM unnest($1::bigint[]) AS n")
    numbers = ",".join(map(str, range(70_000))).encode()
    assert await reads.fetch_value(listed, [b"{%s}" % numbers]) == b"70000"


async def test_number_of_prepared_statements_is_bounded(reads: PipelinedReads) -> None:
    known = [Statement(b"SELECT $1::bigint + %d" % number) for number in range(MOST_PREPARED + 50)]
    for statement in known:
        assert await reads.fetch_value(statement, [b"1"]) is not None
        # Used all the time, it stays.
        assert await reads.fetch_value(ECHO, [b"1"]) == b"1"
    often = Statement(b"SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE statement = $1::text")
    assert await reads.fetch_value(often, [ECHO.sql]) == b"%d" % len(known)
    assert await asyncio.gather(*(reads.fetch_value(statement, [b"0"]) for statement in known)) == texts(len(known))
    assert int(await reads.fetch_value(PREPARED, []) or 0) <= MOST_PREPARED


async def test_statement_planned_each_time_gets_plan_for_its_value(reads: PipelinedReads) -> None:
    # EXPLAIN inside a function would plan anew by itself; which kind of plan was kept is what PostgreSQL counts.
    text = b"SELECT count(*) FROM pg_class WHERE relkind = $1::text"
    often, anew = Statement(text), Statement(text + b" -- anew", is_planned_each_time=True)
    kept = Statement(
        b"SELECT coalesce(sum(generic_plans + custom_plans), 0) FROM pg_prepared_statements WHERE statement = $1::text"
    )
    for statement in (often, anew):
        found = [await reads.fetch_value(statement, [b"rare"[number % 4 : number % 4 + 1]]) for number in range(20)]
        assert found == found[:4] * 5
    assert await reads.fetch_value(kept, [often.sql]) == b"20"
    assert await reads.fetch_value(kept, [anew.sql]) == b"0"


async def test_reads_survive_change_of_table_under_load(reads: PipelinedReads, admin: Admin) -> None:
    table = Statement(b"SELECT * FROM changing")
    await admin.execute("CREATE TABLE changing AS SELECT 1 AS first")
    try:
        assert await reads.fetch_rows(table, []) == [(b"1",)]
        busy = asyncio.create_task(keep_reading(reads, table))
        for number in range(8):
            await admin.execute(f"ALTER TABLE changing ADD column_{number} integer DEFAULT {number}")
        await admin.execute("ALTER TABLE changing ALTER first TYPE text")
        assert len((await reads.fetch_rows(table, []))[0]) == 9
        busy.cancel()
        with pytest.raises(asyncio.CancelledError):
            await busy
    finally:
        await admin.execute("DROP TABLE changing")


async def test_deallocated_statements_are_prepared_again(reads: PipelinedReads, admin: Admin) -> None:
    await admin.execute(
        "CREATE FUNCTION forget() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DEALLOCATE ALL'; RETURN 1; END $$"
    )
    try:
        forget = Statement(b"SELECT forget()")
        for _ in range(3):
            calls = [reads.fetch_value(*call) for call in ((ECHO, [b"1"]), (forget, []), *[(ECHO, [b"2"])] * 20)]
            assert await asyncio.gather(*calls) == [b"1", b"1", *[b"2"] * 20]
    finally:
        await admin.execute("DROP FUNCTION forget()")


@pytest.mark.parametrize("text", [b"BEGIN", b"SET timezone TO 'Asia/Tokyo'", b"COPY (SELECT 1) TO STDOUT"])
async def test_refuses_statement_that_is_no_read(reads: PipelinedReads, text: bytes) -> None:
    with pytest.raises(psycopg.ProgrammingError):
        await reads.fetch_value(Statement(text), [])
    assert await echo(reads, range(20)) == texts(20)
    assert await reads.fetch_value(Statement(b"SELECT current_setting('timezone')"), []) == b"UTC"
    now = Statement(b"SELECT now()::text")
    # Inside of one transaction it would stand still.
    assert await reads.fetch_value(now, []) != await reads.fetch_value(now, [])


async def test_read_session_cannot_write(reads: PipelinedReads) -> None:
    # A bug of ours; as Unavailable it would look like a failover.
    with pytest.raises(ReadOnlySqlTransaction):
        await reads.fetch_value(
            Statement(b"INSERT INTO users (username, password_hash) VALUES ('a', '') RETURNING id"), []
        )


@pytest.mark.alone
async def test_lost_connection_does_not_fail_callers(reads: PipelinedReads, admin: Admin) -> None:
    backend = await reads.fetch_value(BACKEND, [])
    calls = asyncio.create_task(echo(reads, range(200)))
    await asyncio.sleep(0)
    await admin.execute("SELECT pg_terminate_backend(%s, 1000)", [int(backend or 0)])
    assert await calls == texts(200)
    assert await reads.fetch_value(BACKEND, []) != backend


async def test_statement_that_breaks_two_connections_is_not_sent_again(reads: PipelinedReads) -> None:
    suicide = Statement(b"SELECT pg_terminate_backend(pg_backend_pid())::text")
    with pytest.raises(Unavailable):
        await reads.fetch_value(suicide, [])
    assert await echo(reads, range(5)) == texts(5)


@pytest.mark.alone
async def test_raises_unavailable_within_two_seconds_when_server_is_frozen(wire: Wire) -> None:
    async with opened(wire.url, connections=2) as reads:
        assert await echo(reads, range(5)) == texts(5)
        wire.freeze()
        with lived() as spent:
            for _ in range(2):
                answers = await asyncio.gather(*(reads.fetch_value(ONE, []) for _ in range(50)), return_exceptions=True)
                assert {type(answer) for answer in answers} == {Unavailable}
        assert spent.seconds < 4
        wire.mend()
        await until_answered(reads)


async def test_raises_unavailable_while_database_is_away_and_recovers(wire: Wire) -> None:
    async with opened(wire.url) as reads:
        wire.cut()
        with pytest.raises(Unavailable):
            await reads.fetch_value(ONE, [])
        wire.mend()
        await until_answered(reads)


@pytest.mark.alone
async def test_waits_for_slow_statement_of_live_server(reads: PipelinedReads) -> None:
    # Longer than the silence of a frozen server is borne.
    assert await asyncio.gather(*(reads.fetch_value(SLEEP, [b"1.8"]) for _ in range(2))) == [b"", b""]


def test_refuses_standby_as_primary() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # PostgreSQL does not run as root.
        folder.chmod(0o755)
        with run_embedded(folder):
            pass
        signal = (folder / "postgres").resolve() / "standby.signal"
        signal.touch()
        signal.chmod(0o644)
        with run_embedded(folder) as url:
            assert asyncio.run(first_value(url, needs_primary=False)) == b"1"
            with pytest.raises(Unavailable):
                asyncio.run(first_value(url, needs_primary=True))


async def test_tries_several_hosts_in_turn(empty_database_url: str, wire: Wire) -> None:
    wire.cut()
    there = conninfo_to_dict(empty_database_url)
    gone = conninfo_to_dict(wire.url)
    hosts = {"host": f"{gone['host']},{there['host']}", "port": f"{gone['port']},{there.get('port', 5432)}"}
    several = make_conninfo(empty_database_url, **hosts, target_session_attrs="read-write")
    async with opened(several) as reads:
        assert await reads.fetch_value(ONE, []) == b"1"


async def test_reads_go_over_the_pool_where_a_pooler_refuses_options(empty_database_url: str) -> None:
    async with wire_to(empty_database_url, kind=Pooler) as pooler, connected_to(pooler.url) as database:
        reads = database.primary.pipeline
        assert isinstance(reads, PipelinedReads)
        assert await asyncio.gather(*(reads.fetch_value(ECHO, [b"%d" % n]) for n in range(5))) == texts(5)
        assert await reads.fetch_rows(TEXT, ["é".encode()]) == [("é".encode(),)]


async def test_reads_go_over_the_pool_where_there_are_no_connections(empty_database_url: str) -> None:
    async with connected_to(empty_database_url, pipeline_connections=0) as database:
        reads = database.primary.pipeline
        assert isinstance(reads, PooledReads)
        assert await reads.fetch_value(ECHO, [b"7"]) == b"7"
        assert await reads.fetch_value(TEXT, [None]) is None
        with pytest.raises(InvalidInput):
            await reads.fetch_value(TEXT, [b"a\0b"])
        with pytest.raises(InvalidInput):
            await reads.fetch_value(TEXT, [b"\xff"])


async def test_close_answers_waiting_callers(empty_database_url: str) -> None:
    async with opened(empty_database_url) as reads:
        await reads.fetch_value(ONE, [])
        waiting = asyncio.create_task(reads.fetch_value(SLEEP, [b"5"]))
        await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await waiting
    with pytest.raises(Unavailable):
        await reads.fetch_value(ONE, [])


async def test_counts_statements_and_lost_connections(empty_database_url: str, admin: Admin) -> None:
    expected = {"statement sent": 21, "connection lost": 1}
    counted: collections.Counter[str] = collections.Counter()
    is_counted = asyncio.Event()

    def count(event: str, number: int) -> None:
        counted[event] += number
        if counted == expected:
            is_counted.set()

    async with opened(empty_database_url, count_event=count) as reads:
        assert await echo(reads, range(20)) == texts(20)
        backend = await reads.fetch_value(BACKEND, [])
        await admin.execute("SELECT pg_terminate_backend(%s, 1000)", [int(backend or 0)])
        async with asyncio.timeout(PATIENCE):
            await is_counted.wait()
