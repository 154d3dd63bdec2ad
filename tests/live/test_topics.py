"""What subscribers look at: read once for all of them, the newest only, and heard of even where notices are lost."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app import open_services
from config.settings import Settings
from db import ids
from db.engine import Database
from db.models import Session
from domain import export, stock
from edge.services import Services
from graphql_server.operation_streams import Result, stream_results
from graphql_server.request import GraphQLRequest
from identity.tokens import Actor
from live import topics
from live.broadcast import Broadcasts
from live.shared_loaders import Tick
from live.topics import Follower, News
from resolvers import subscriptions
from resolvers.context import Context
from runtime.rate_limits import Visitor
from tests.support.factories import make_booking, make_session, make_user
from tests.support.live import SEATS, cut
from tests.support.prices import make_export
from tests.support.statements import Statements

PATIENCE = 10.0
DETAILS = """
    subscription ($id: ID!) {
        sessionChanged(id: $id) {
            seatsAvailable movie { title sessions(first: 2) { nodes { id seatsAvailable } } } place { name }
        }
    }
"""


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[Services]:
    async with open_services(settings) as made:
        yield made


@pytest.fixture
def database(services: Services) -> Database:
    return services.database


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read again by itself."""
    monkeypatch.setattr(topics, "AGAIN_SECONDS", 3600.0)


def context(services: Services, **given: Any) -> Context:
    return Context(services, None, "https://cinema.test", Visitor("192.0.2.1"), **given)


@asynccontextmanager
async def followed(services: Services, session: Session) -> AsyncIterator[AsyncIterator[int]]:
    """Yield the free seats of a session, each time they are told."""

    async def seats() -> AsyncIterator[int]:
        one = context(services)
        async with aclosing(subscriptions.follow_session(one, ids.encode("ses", session.id))) as rows:
            async for row in rows:
                yield await one.loaders.seats_available_by_session.load(row.id)

    async with aclosing(seats()) as found:  # type: ignore[type-var]  # it is a generator
        yield found


async def following(found: AsyncIterator[int]) -> int:
    return await asyncio.wait_for(anext(found), PATIENCE)


async def hold(database: Database, session: Session, seats: int, **given: Any) -> None:
    booking = await make_booking(database, session=session, **given)
    async with database.transaction() as tx:
        await stock.hold(tx, user_id=booking.user_id, booking_id=booking.id, seats=seats)


@pytest.mark.alone
@pytest.mark.usefixtures("seldom")
async def test_expiry_of_booking_is_sent_within_two_seconds_without_job(services: Services, database: Database) -> None:
    session = await make_session(database, capacity=10)
    async with followed(services, session) as found:
        assert await following(found) == 10
        closes_at = datetime.now(UTC) + timedelta(seconds=1.5)
        await hold(database, session, 4, closes_at=closes_at)
        assert await following(found) == 6
        assert await following(found) == 10
        late = datetime.now(UTC) - closes_at
    assert timedelta(0) <= late < timedelta(seconds=2)


@pytest.mark.usefixtures("seldom")
async def test_slow_subscriber_gets_newest_state_only(services: Services, database: Database) -> None:
    session = await make_session(database, capacity=50)
    async with followed(services, session) as slow, followed(services, session) as quick:
        assert await following(slow) == await following(quick) == 50
        for left in range(49, 44, -1):
            await hold(database, session, 1)
            assert await following(quick) == left
        # Later than what was read at the last change may be told.
        await asyncio.sleep(1.1)
        assert await following(slow) == 45
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(slow), 0.3)


@pytest.mark.usefixtures("seldom")
async def test_cut_listener_reads_everything_again(services: Services, database: Database, database_url: str) -> None:
    session = await make_session(database, capacity=10)
    async with followed(services, session) as found:
        assert await following(found) == 10
        await cut(database_url, "LISTEN")
        # By nobody who tells: only a listener that reads everything once it is back finds it out.
        await make_booking(database, session=session, seats=3)
        assert await following(found) == 7
        await hold(database, session, 2)
        assert await following(found) == 5


async def test_change_without_notice_is_found_after_a_while(
    services: Services, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topics, "AGAIN_SECONDS", 0.5)
    session = await make_session(database, capacity=10)
    async with followed(services, session) as found:
        assert await following(found) == 10
        await asyncio.sleep(0.3)
        await make_booking(database, session=session, seats=3)
        assert await following(found) == 7


@pytest.mark.usefixtures("seldom")
async def test_change_of_other_columns_is_not_sent(services: Services, database: Database) -> None:
    session = await make_session(database, capacity=10)
    async with followed(services, session) as found:
        assert await following(found) == 10
        database.primary.touch("session", session.id)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(found), 0.5)


@pytest.mark.usefixtures("seldom")
async def test_export_is_sent_until_completed(services: Services, database: Database) -> None:
    user = await make_user(database)
    made = await make_export(database, user_id=user.id, status="queued")
    told: list[tuple[str, int | None]] = []

    async def follow() -> None:
        signed_in = Context(services, Actor(user.id), "", Visitor("192.0.2.1"))
        async for row in subscriptions.follow_movie_export(signed_in, ids.encode("exp", made.id)):
            told.append((row.status, row.row_count))  # noqa: PERF401 - they are looked at one by one

    following = asyncio.create_task(follow())
    for number, step in enumerate(("", "begin", "progress", "complete"), start=1):
        async with database.transaction() as tx:
            if step == "begin":
                await export.begin_attempt(tx, export_id=made.id)
            if step == "progress":
                await export.record_progress(tx, export_id=made.id, attempt=1, rows=1000)
            if step == "complete":
                await export.complete_export(tx, export_id=made.id, attempt=1, rows=1500)
        # A change that comes before the last one is told would stand for both.
        await until(lambda number=number: len(told) == number)  # type: ignore[misc]
    await asyncio.wait_for(following, PATIENCE)
    assert told == [("queued", None), ("running", 0), ("running", 1000), ("completed", 1500)]


async def heard(services: Services, document: str, session: Session, told: list[Result], **given: Any) -> None:
    asked = GraphQLRequest(document, {"id": ids.encode("ses", session.id)})
    async with aclosing(stream_results(asked, context(services, **given), reference="test")) as found:
        async for result in found:
            told.append(result)  # noqa: PERF401 - it is looked at meanwhile


@pytest.mark.usefixtures("seldom")
@pytest.mark.parametrize(("document", "most"), [(SEATS, 3), (DETAILS, 12)])
async def test_change_takes_as_many_statements_for_many_subscribers_as_for_one(
    services: Services, database: Database, statements: Statements, document: str, most: int
) -> None:
    session = await make_session(database, capacity=50)
    crowd = 60
    told: list[list[Result]] = [[] for _ in range(crowd)]
    tasks = [asyncio.create_task(heard(services, document, session, each)) for each in told]
    await until(lambda: all(len(each) == 1 for each in told))
    booking = await make_booking(database, session=session)
    await asyncio.sleep(0.3)
    statements.clear()
    await stock.hold(database.primary, user_id=booking.user_id, booking_id=booking.id, seats=5)
    await until(lambda: all(len(each) == 2 for each in told))
    assert len(statements) <= most, statements
    assert {each[1].body["data"]["sessionChanged"]["seatsAvailable"] for each in told} == {45}
    await end(tasks)


@pytest.mark.usefixtures("seldom")
async def test_subscriber_that_leaves_does_not_affect_others(services: Services, database: Database) -> None:
    session = await make_session(database, capacity=50)
    told: list[list[Result]] = [[] for _ in range(20)]
    tasks = [asyncio.create_task(heard(services, DETAILS, session, each)) for each in told]
    await until(lambda: all(len(each) == 1 for each in told))
    for task in tasks[::2]:
        task.cancel()
    await hold(database, session, 5)
    await until(lambda: all(len(each) == 2 for each in told[1::2]))
    await end(tasks)
    await until(lambda: not services.topics._topics)  # noqa: SLF001


async def test_cancelled_subscriber_does_not_cancel_shared_read(database: Database) -> None:
    tick, session = Tick(database), await make_session(database)
    first, second = (asyncio.ensure_future(tick["session_by_id"].load(session.id)) for _ in range(2))
    first.cancel()
    found = await second
    assert found is not None
    assert found.id == session.id


async def test_loaders_of_expired_tick_read_again(database: Database) -> None:
    tick, session = Tick(database), await make_session(database)
    tick.end()
    found = await tick["session_by_id"].load(session.id)
    assert found is not None
    assert found.id == session.id


async def test_late_subscriber_reads_again(services: Services, database: Database) -> None:
    session = await make_session(database, capacity=10)
    follower = Follower()
    async with aclosing(services.topics.follow("session", session.id, follower)) as found:
        news = await anext(found)
        assert await title(news, database, session) != "Renamed"
        await database.primary.tuples(
            "UPDATE movies SET title = 'Renamed' WHERE id = %(id)s RETURNING 1", id=session.movie_id
        )
        assert await title(news, database, session) != "Renamed"
        await asyncio.sleep(1.1)
        assert await title(news, database, session) == "Renamed"


async def title(news: News, database: Database, session: Session) -> str:
    found = await news.loaders(database).movie_by_id.load(session.movie_id)
    assert found is not None
    return found.title


async def test_broadcast_has_one_source_that_ends_with_last_follower() -> None:
    sources: list[Follower] = []
    broadcasts: Broadcasts[int] = Broadcasts()

    async def source(follower: Follower) -> AsyncIterator[int]:
        sources.append(follower)
        for number in range(3):
            yield number
            await asyncio.sleep(0.05)

    async def listen(follower: Follower) -> list[int]:
        with broadcasts.join("key", source, follower) as broadcast:  # type: ignore[arg-type]  # it is a generator
            return [number async for number in broadcast.follow(broadcast.version, follower)]

    assert await asyncio.gather(*(listen(Follower()) for _ in range(3))) == [[0, 1, 2]] * 3
    assert len(sources) == 1
    assert sources[0].is_ended


async def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
