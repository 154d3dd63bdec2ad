"""What planned reads are sent through: answers stay apart, whatever happens to a neighbour or to the connection."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import psycopg
import pytest
from psycopg.errors import DivisionByZero, UndefinedTable

from db.pipeline import PipelinedReads, Statement, open_pipeline
from errors import InvalidInput, Unavailable

ONE: Final = Statement(b"SELECT 1")
ECHO: Final = Statement(b"SELECT $1::bigint")
TEXT: Final = Statement(b"SELECT $1::text")
SLEEP: Final = Statement(b"SELECT pg_sleep($1::float8)::text")
BROKEN: Final = Statement(b"SELECT 1 / $1::integer")
NOWHERE: Final = Statement(b"SELECT * FROM nowhere")
BACKEND: Final = Statement(b"SELECT pg_backend_pid()")


def opened(url: str, **options: Any) -> AbstractAsyncContextManager[PipelinedReads]:
    return open_pipeline(url, **{"connections": 1, "statement_seconds": 5, "lock_seconds": 2} | options)


@pytest.fixture
async def reads(empty_database_url: str) -> AsyncIterator[PipelinedReads]:
    """Reads by one connection, so that each is the neighbour of all others."""
    async with opened(empty_database_url) as made:
        yield made


@pytest.fixture
async def admin(empty_database_url: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """A session of somebody else's."""
    async with await psycopg.AsyncConnection.connect(empty_database_url, autocommit=True) as connection:
        yield connection


async def echo(reads: PipelinedReads, numbers: Sequence[int]) -> list[bytes | None]:
    return list(await asyncio.gather(*(reads.fetch_value(ECHO, [b"%d" % number]) for number in numbers)))


async def test_returns_bytes_of_a_value_and_of_rows(reads: PipelinedReads) -> None:
    assert await reads.fetch_value(TEXT, ['é\\"'.encode()]) == 'é\\"'.encode()
    assert await reads.fetch_value(TEXT, [None]) is None
    assert await reads.fetch_value(Statement(b"SELECT 1 WHERE false"), []) is None
    rows = Statement(b"SELECT n, NULL FROM generate_series(1, $1::bigint) AS n", types=(20,))
    assert await reads.fetch_rows(rows, [b"2"]) == [(b"1", None), (b"2", None)]
    assert await reads.fetch_rows(rows, [b"0"]) == []


async def test_answers_each_caller_with_its_own_value(reads: PipelinedReads) -> None:
    assert await echo(reads, range(500)) == [b"%d" % number for number in range(500)]


async def test_one_bad_statement_harms_no_neighbour(reads: PipelinedReads) -> None:
    calls = [reads.fetch_value(*call) for _ in range(20) for call in ((ECHO, [b"7"]), (BROKEN, [b"0"]), (NOWHERE, []))]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert answers[::3] == [b"7"] * 20
    assert {type(answer) for answer in answers[1::3]} == {DivisionByZero}
    assert {type(answer) for answer in answers[2::3]} == {UndefinedTable}


@pytest.mark.parametrize(
    ("statement", "value"),
    [(TEXT, b"a\0b"), (TEXT, b"\xed\xa0\x80"), (ECHO, b"9223372036854775808"), (TEXT, b"\xff")],
)
async def test_refuses_a_value_that_postgresql_cannot_hold(
    reads: PipelinedReads, statement: Statement, value: bytes
) -> None:
    with pytest.raises(InvalidInput):
        await reads.fetch_value(statement, [value])


async def test_a_statement_is_bounded_by_the_server(empty_database_url: str) -> None:
    async with opened(empty_database_url, statement_seconds=0.2) as reads:
        with pytest.raises(Unavailable):
            await reads.fetch_value(SLEEP, [b"5"])
        assert await reads.fetch_value(ONE, []) == b"1"


async def test_a_slow_statement_lets_neighbours_pass(reads: PipelinedReads) -> None:
    slow = asyncio.create_task(reads.fetch_value(SLEEP, [b"2"]))
    await asyncio.sleep(0)
    assert await echo(reads, range(50)) == [b"%d" % number for number in range(50)]
    assert not slow.done()
    assert await slow == b""
