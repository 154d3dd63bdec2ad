"""Answers in memory: true ones only, one read for all who ask at once, and no more than fit."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from db.programme_changes import ProgrammeChanges
from edge.response_cache import Parts, ResponseCache
from errors import Unavailable
from runtime.metrics import Metrics
from runtime.response_cache_metrics import LookUp, ResponseCacheMetrics
from runtime.sized_store import LARGEST_SHARE, OVERHEAD

MOVIES: Final[Parts] = frozenset({"movies"})
# Of answers; a quarter is for requests.
SIZE: Final = 100_000


class Heard(ProgrammeChanges):
    """Changes that a test tells of."""

    is_current = True

    def __init__(self) -> None:
        super().__init__("")

    def start(self) -> None:
        """Listen to nobody."""


class Reads:
    """Reads that answer when they may, and how many have begun."""

    def __init__(self, *answers: bytes | BaseException | None) -> None:
        self.answers = list(answers)
        self.begun = 0
        self.may_end = asyncio.Event()

    async def read(self) -> bytes | None:
        """Return the next answer."""
        self.begun += 1
        answer = self.answers.pop(0)
        await self.may_end.wait()
        if isinstance(answer, BaseException):
            raise answer
        return answer


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def cache(metrics: Metrics) -> ResponseCache:
    return ResponseCache(SIZE * 4 // 3 + 1, Heard(), ResponseCacheMetrics(metrics.registry, metrics.publisher))


def answering(answer: bytes) -> Callable[[], Awaitable[bytes]]:
    async def read() -> bytes:
        return answer

    return read


async def test_cancelled_caller_takes_nobody_down(cache: ResponseCache, metrics: Metrics) -> None:
    reads = Reads(b"answer")
    callers = [asyncio.create_task(cache.fetch("key", MOVIES, reads.read)) for _ in range(100)]
    await asyncio.sleep(0)
    callers[0].cancel()
    await asyncio.sleep(0)
    reads.may_end.set()
    found = await asyncio.gather(*callers, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1:] == [b"answer"] * 99
    assert reads.begun == 1
    assert cache.find("key") == b"answer"
    assert counted(metrics, "miss") == 1
    assert counted(metrics, "joined") == 99


async def test_change_during_read_keeps_its_answer_from_being_kept(cache: ResponseCache) -> None:
    reads = Reads(b"old", b"new")
    early = asyncio.create_task(cache.fetch("key", MOVIES, reads.read))
    await asyncio.sleep(0)
    cache.changes.hear("movies")
    # It came after the change, and must not get what was read before.
    late = asyncio.create_task(cache.fetch("key", MOVIES, reads.read))
    await asyncio.sleep(0)
    reads.may_end.set()
    assert (await early, await late) == (b"old", b"new")
    assert cache.find("key") == b"new"


async def test_change_of_another_part_changes_nothing(cache: ResponseCache) -> None:
    await cache.fetch("key", MOVIES, answering(b"answer"))
    cache.changes.hear("places")
    assert cache.find("key") == b"answer"
    cache.changes.hear("movies")
    assert cache.find("key") is None


async def test_keeps_no_error_and_nothing_that_the_executor_answers(cache: ResponseCache) -> None:
    reads = Reads(Unavailable(), None, b"answer")
    callers = [asyncio.create_task(cache.fetch("key", MOVIES, reads.read)) for _ in range(2)]
    await asyncio.sleep(0)
    reads.may_end.set()
    assert [type(each) for each in await asyncio.gather(*callers, return_exceptions=True)] == [Unavailable] * 2
    assert await cache.fetch("key", MOVIES, reads.read) is None
    assert await cache.fetch("key", MOVIES, reads.read) == b"answer"
    assert reads.begun == 3


async def test_serves_nothing_from_memory_while_changes_are_not_heard(cache: ResponseCache, metrics: Metrics) -> None:
    await cache.fetch("key", MOVIES, answering(b"old"))
    cache.changes.is_current = False  # type: ignore[misc]
    assert cache.find("key") is None
    assert await cache.fetch("key", MOVIES, answering(b"new")) == b"new"
    assert counted(metrics, "unsure") == 1
    cache.changes.is_current = True  # type: ignore[misc]
    # The connection was slow, and nothing was lost.
    assert cache.find("key") == b"old"


async def test_keeps_within_its_memory_what_was_asked_for_last(cache: ResponseCache, metrics: Metrics) -> None:
    answer = bytes(SIZE // LARGEST_SHARE - OVERHEAD - 1)
    for key in "abcdefgh":
        await cache.fetch(key, MOVIES, answering(answer))
    assert cache.find("a") == answer
    await cache.fetch("i", MOVIES, answering(answer))
    assert [key for key in "abcdefghi" if cache.find(key) is None] == ["b"]
    await cache.fetch("large", MOVIES, answering(bytes(SIZE // LARGEST_SHARE)))
    assert cache.find("large") is None
    assert metrics.registry.get_sample_value("matinee_response_cache_entries") == 8
    assert metrics.registry.get_sample_value("matinee_response_cache_bytes") == SIZE


def counted(metrics: Metrics, outcome: LookUp) -> float | None:
    metrics.publisher.publish_all()
    return metrics.registry.get_sample_value("matinee_response_cache_lookups_total", {"outcome": outcome})
