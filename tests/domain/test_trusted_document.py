"""The registry holds documents by their hash, each once, and whatever callers invent costs it little."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence

import psycopg
import pytest
from psycopg.rows import AsyncRowFactory

from db.engine import Database, StatementRunner, T
from db.notices import Kind
from domain import trusted_document, trusted_document_cache
from domain.trusted_document import compute_digest
from domain.trusted_document_cache import TrustedDocumentCache
from errors import InvalidInput, Unavailable
from tests.support.statements import Statements

TEXT = "query A { movies { totalCount } }\n"


async def add(database: Database, *texts: str) -> int:
    async with database.transaction() as tx:
        return await trusted_document.add_documents(tx, texts)


async def remove(database: Database, text: str) -> bool:
    async with database.transaction() as tx:
        return await trusted_document.remove_document(tx, digest=compute_digest(text))


def asked(statements: Statements) -> int:
    """Return how often the database was asked for documents."""
    return len([each for each in statements if each == trusted_document.FIND])


class Time:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_digest_is_sha256_of_text() -> None:
    assert compute_digest("é\n") == hashlib.sha256(b"\xc3\xa9\n").hexdigest()


async def test_document_is_added_once(database: Database) -> None:
    assert await add(database, TEXT, "{ a }", TEXT) == 2
    assert await add(database, TEXT, "{ b }") == 1
    listed = await trusted_document.list_documents(database.primary)
    assert {each.text: each.hash for each in listed} == {
        text: compute_digest(text) for text in (TEXT, "{ a }", "{ b }")
    }


async def test_database_refuses_hash_of_other_text(database: Database) -> None:
    statement = "INSERT INTO trusted_documents (hash, text) VALUES (%(hash)s, %(text)s) RETURNING 1"
    assert await database.primary.value(statement, hash=compute_digest("{ a }"), text="{ a }") == 1
    with pytest.raises(psycopg.errors.CheckViolation):
        await database.primary.value(statement, hash=compute_digest("{ b }"), text="{ c }")


async def test_refuses_document_with_nul(database: Database) -> None:
    with pytest.raises(InvalidInput):
        await add(database, "{ a }\0")


async def test_remove_returns_whether_document_was_registered(database: Database) -> None:
    await add(database, TEXT)
    assert await remove(database, TEXT)
    assert not await remove(database, TEXT)
    assert await trusted_document.list_documents(database.primary) == []


async def test_cache_reads_registered_document_once(database: Database, statements: Statements) -> None:
    await add(database, TEXT)
    known = TrustedDocumentCache(database.primary)
    assert [await known.text(compute_digest(TEXT)) for _ in range(3)] == [TEXT] * 3
    assert asked(statements) == 1


async def test_cache_reads_unknown_document_once_a_second(database: Database, statements: Statements) -> None:
    now = Time()
    known = TrustedDocumentCache(database.primary, now=now)
    assert [await known.text(compute_digest(TEXT)) for _ in range(3)] == [None] * 3
    assert asked(statements) == 1
    await add(database, TEXT)
    assert await known.text(compute_digest(TEXT)) is None
    now.now = trusted_document_cache.UNKNOWN_SECONDS + 0.01
    assert await known.text(compute_digest(TEXT)) == TEXT


async def test_cache_forgets_removed_document_after_a_minute(database: Database) -> None:
    now = Time()
    known = TrustedDocumentCache(database.primary, now=now)
    await add(database, TEXT)
    assert await known.text(compute_digest(TEXT)) == TEXT
    await remove(database, TEXT)
    assert await known.text(compute_digest(TEXT)) == TEXT
    now.now = trusted_document_cache.KNOWN_SECONDS + 0.01
    assert await known.text(compute_digest(TEXT)) is None


async def test_cache_reads_many_unknown_hashes_by_few_statements(database: Database, statements: Statements) -> None:
    await add(database, TEXT)
    known = TrustedDocumentCache(database.primary)
    invented = [compute_digest(str(number)) for number in range(600)]
    found = await asyncio.gather(*(known.text(each) for each in [*invented, compute_digest(TEXT)]))
    assert found == [None] * 600 + [TEXT]
    # The first 500 together, then the rest.
    assert asked(statements) == 2


async def test_cache_is_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trusted_document_cache, "MOST_CHARACTERS", 3 * len(TEXT))
    monkeypatch.setattr(trusted_document_cache, "MOST_UNKNOWN", 3)
    texts = [TEXT.replace("A", name) for name in "BCDEF"]
    await add(database, *texts)
    known = TrustedDocumentCache(database.primary)
    for text in texts:
        assert await known.text(compute_digest(text)) == text
        await known.text(compute_digest(f"no {text}"))
    assert list(known._known) == [compute_digest(text) for text in texts[-3:]]  # noqa: SLF001 - it has no other face
    assert list(known._unknown) == [compute_digest(f"no {text}") for text in texts[-3:]]  # noqa: SLF001


class Broken(StatementRunner):
    """A database that does not answer the first time."""

    def __init__(self, runner: StatementRunner) -> None:
        self.runner = runner
        self.works = False

    async def fetch(self, factory: AsyncRowFactory[T], statement: str, parameters: Mapping[str, object]) -> list[T]:
        if not self.works:
            self.works = True
            raise Unavailable
        return await self.runner.fetch(factory, statement, parameters)

    def touch(self, kind: Kind, identity: int) -> None:
        self.runner.touch(kind, identity)


async def test_cache_raises_failure_and_does_not_remember_it(database: Database) -> None:
    await add(database, TEXT)
    known = TrustedDocumentCache(Broken(database.primary))
    first: Sequence[object] = await asyncio.gather(
        known.text(compute_digest(TEXT)), known.text(compute_digest("no")), return_exceptions=True
    )
    assert [type(each) for each in first] == [Unavailable, Unavailable]
    assert await known.text(compute_digest(TEXT)) == TEXT


async def test_cancelled_caller_does_not_cancel_read_of_others(database: Database) -> None:
    await add(database, TEXT)
    known = TrustedDocumentCache(database.primary)
    leaving, staying = (asyncio.create_task(known.text(compute_digest(TEXT))) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == TEXT
    assert leaving.cancelled()
