import asyncio
from collections.abc import Sequence

import pytest

from db.engine import Database
from db.models import PageEventType
from db.statement_batching import StatementBatcher
from domain import page_view
from domain.page_view import NewPageView
from errors import OutcomeUnknown, Unavailable


class Book:
    """Keeps what is written to it, a page a batch, once it is let."""

    def __init__(self) -> None:
        self.pages: list[list[int]] = []
        self.let = asyncio.Event()

    @property
    def items(self) -> list[int]:
        """All that was written, in its order."""
        return [item for page in self.pages for item in page]

    async def write(self, items: Sequence[int]) -> None:
        await self.let.wait()
        if 13 in items:
            raise ValueError("unlucky")
        self.pages.append(list(items))


@pytest.fixture
def book() -> Book:
    return Book()


def added(batches: StatementBatcher[int], *items: int) -> "list[asyncio.Task[None]]":
    return [asyncio.create_task(batches.add(item)) for item in items]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_single_item_is_written_at_once(book: Book) -> None:
    book.let.set()
    await StatementBatcher(book.write).add(1)
    assert book.pages == [[1]]


async def test_items_that_arrive_during_write_share_next_batch(book: Book) -> None:
    batches = StatementBatcher(book.write)
    first = added(batches, 1)
    await settle()
    rest = added(batches, *range(2, 10))
    await settle()
    book.let.set()
    await asyncio.gather(*first, *rest)
    assert book.pages == [[1], list(range(2, 10))]


async def test_item_is_acknowledged_after_write(book: Book) -> None:
    batches = StatementBatcher(book.write)
    tasks = added(batches, 1, 2)
    await settle()
    assert not any(task.done() for task in tasks)
    book.let.set()
    await asyncio.gather(*tasks)
    assert book.items == [1, 2]


async def test_batch_is_no_larger_than_its_bound(book: Book) -> None:
    batches = StatementBatcher(book.write, largest=3)
    tasks = added(batches, *range(8))
    book.let.set()
    await asyncio.gather(*tasks)
    assert [len(page) for page in book.pages] == [3, 3, 2]
    assert book.items == list(range(8))


async def test_refuses_item_when_too_many_wait_and_accepts_later_ones(book: Book) -> None:
    batches = StatementBatcher(book.write, largest=2, waiting=3)
    tasks = added(batches, 0)
    await settle()
    tasks += added(batches, 1, 2, 3)
    await settle()
    with pytest.raises(Unavailable):
        await batches.add(4)
    book.let.set()
    await asyncio.gather(*tasks)
    await batches.add(5)
    assert book.items == [0, 1, 2, 3, 5]


async def test_failure_is_raised_for_items_of_its_batch_only(book: Book) -> None:
    batches = StatementBatcher(book.write, largest=2)
    first = added(batches, 1)
    await settle()
    tasks = [*first, *added(batches, 12, 13, 14, 15)]
    book.let.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), ValueError, ValueError, type(None), type(None)]
    assert book.items == [1, 14, 15]


async def test_writer_continues_after_failure(book: Book) -> None:
    book.let.set()
    batches = StatementBatcher(book.write)
    with pytest.raises(ValueError, match="unlucky"):
        await batches.add(13)
    await batches.add(1)
    assert book.pages == [[1]]


async def test_cancelled_caller_does_not_cancel_other_items(book: Book) -> None:
    batches = StatementBatcher(book.write)
    tasks = added(batches, 1, 2, 3)
    await settle()
    tasks[1].cancel()
    book.let.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), asyncio.CancelledError, type(None)]
    assert book.items == [1, 2, 3]


async def test_future_of_item_is_done_after_write(book: Book) -> None:
    batches = StatementBatcher(book.write, largest=2, waiting=3)
    written = [batches.put(item) for item in (12, 1, 13)]
    await settle()
    assert not any(each.done() for each in written)
    book.let.set()
    await asyncio.wait(written)
    assert [type(each.exception()) for each in written] == [type(None), type(None), ValueError]
    assert book.pages == [[12, 1]]


async def test_put_refuses_item_when_too_many_wait(book: Book) -> None:
    batches = StatementBatcher(book.write, waiting=2)
    written = [batches.put(item) for item in (1, 2)]
    with pytest.raises(Unavailable):
        batches.put(3)
    book.let.set()
    await asyncio.gather(*written)
    assert book.items == [1, 2]


async def test_item_of_cancelled_future_is_written(book: Book) -> None:
    batches = StatementBatcher(book.write)
    left, kept = batches.put(1), batches.put(2)
    left.cancel()
    book.let.set()
    await kept
    assert book.items == [1, 2]


async def test_drain_writes_all_waiting_items(book: Book) -> None:
    batches = StatementBatcher(book.write, largest=2)
    await batches.drain()
    tasks = added(batches, *range(5))
    await settle()
    book.let.set()
    await batches.drain()
    assert book.items == list(range(5))
    await asyncio.gather(*tasks)


async def test_cancelled_writer_fails_waiting_items(book: Book) -> None:
    batches = StatementBatcher(book.write, largest=1)
    tasks = added(batches, 1, 2)
    await settle()
    (writer,) = [task for task in asyncio.all_tasks() if "_write_all" in repr(task)]
    writer.cancel()
    outcomes = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 1)
    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown, Unavailable]
    book.let.set()
    await batches.add(3)
    assert book.pages == [[3]]


async def test_burst_of_page_views_shares_commits_and_is_durable_when_acknowledged(database: Database) -> None:
    commits = 0

    async def keep(views: Sequence[NewPageView]) -> None:
        nonlocal commits
        await page_view.insert_page_views(database, views)
        commits += 1

    batches = StatementBatcher(keep)
    count = "SELECT count(*) FROM page_views WHERE path = %(path)s"

    async def see(number: int) -> None:
        await batches.add(NewPageView("abc", PageEventType.PAGE_ENTER, "https", f"/{number}", ()))
        assert await database.primary.value(count, path=f"/{number}") == 1

    await asyncio.gather(*(see(number) for number in range(300)))
    assert commits <= 5
    assert await database.primary.value("SELECT count(DISTINCT xmin::text) FROM page_views") == commits
