"""Topics: the objects that subscribers follow, each read once for all of them when it may have changed."""

import asyncio
import math
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from db.engine import Database
from db.models import MovieExport
from db.notices import Changed, Kind, listen
from errors import Unavailable
from live.shared_loaders import Tick
from loaders.by_id import row_by_id
from loaders.request import Loaders

# Changes that arrive within this time are read together.
GATHER_SECONDS: Final = 0.02
# A topic is read at most once in this time; subscribers get its newest state.
PACE_SECONDS: Final = 0.1
# Notices may be lost, so every topic is read again after this time.
AGAIN_SECONDS: Final = 3.0
# A booking expires only after its deadline.
AFTER_SECONDS: Final = 0.01
PAUSE_SECONDS: Final = 1.0
FIRST_SECONDS: Final = 5.0
NEVER: Final = math.inf

# Free seats as in loaders/by_session.py, and the seconds until the next booking expires and frees more of them.
SEATS: Final = """
    WITH clock AS MATERIALIZED (SELECT clock_timestamp() AS moment)
    SELECT sessions.id, capacity - taken + (
        SELECT coalesce(sum(reserved_seats), 0) FROM bookings
        WHERE session_id = sessions.id AND status = 'open' AND closes_at <= moment
    ), (
        SELECT extract(epoch FROM closes_at - moment)::float FROM bookings
        WHERE session_id = sessions.id AND status = 'open' AND closes_at > moment AND reserved_seats > 0
        ORDER BY closes_at LIMIT 1
    )
    FROM clock CROSS JOIN sessions WHERE sessions.id = ANY (%(ids)s)
"""

log = structlog.get_logger("matinee.live")


class Follower:
    """One subscription. It has no queue: it only knows that there may be news, or that it has ended."""

    __slots__ = ("_wake", "is_ended")

    def __init__(self) -> None:
        self._wake = asyncio.Event()
        self.is_ended = False

    def end(self) -> None:
        """End the subscription after the result that it is sending."""
        self.is_ended = True
        self._wake.set()

    def wake(self) -> None:
        """Let it look for news."""
        self._wake.set()

    async def wait(self) -> None:
        """Return once there may be news, or the subscription has ended."""
        await self._wake.wait()
        self._wake.clear()


@dataclass(frozen=True, slots=True)
class News:
    """The state of a topic: its row, None where it is deleted, and `mark`, whose change is news."""

    kind: Kind
    row: Any
    mark: object
    tick: Tick

    def loaders(self, database: Database) -> Loaders:
        """Return the loaders for the fields that subscribers select."""
        tick = Tick(database) if self.tick.is_over else self.tick
        prime_loaders(tick, self)
        return tick.loaders()


@dataclass(eq=False, slots=True)
class Topic:
    """An object that subscribers follow."""

    kind: Kind
    id: int
    followers: set[Follower] = field(default_factory=set)
    news: News | None = None
    # Reads that have begun and that have ended: a new follower waits for one that begins after it came.
    begun: int = 0
    ended: int = 0
    newcomers: int = 0
    # When it was read last, and when it must be read again, by the event loop's clock.
    read_at: float = -NEVER
    due: float = NEVER

    def differs(self, mark: object) -> bool:
        """Return whether a follower needs this state."""
        return self.newcomers > 0 or self.news is None or self.news.mark != mark


class Topics:
    """The topics of this process."""

    def __init__(self, database: Database, conninfo: str, *, on_heard: Callable[[], object] = bool) -> None:
        """Listen to the notices of this database, from the first subscriber on; `on_heard` is called for each notice."""
        self._on_heard = on_heard
        self.database = database
        self._conninfo = conninfo
        self._topics: dict[Changed, Topic] = {}
        self._wake = asyncio.Event()
        self._running: list[asyncio.Task[None]] = []
        self._again = 0.0
        self.ending = asyncio.Event()

    async def follow(self, kind: Kind, identity: int, follower: Follower) -> AsyncGenerator[News]:
        """Yield the state of an object now and after each change; a slow follower gets the newest state only.

        Raise Unavailable where the first read fails or takes too long.
        """
        topic = self._join(kind, identity, follower)
        try:
            news = await wait_for_first(topic, follower)
            while not follower.is_ended and news is not None:
                yield news
                news = await wait_for_newer(topic, follower, than=news)
        finally:
            self._leave(topic, follower)

    def hear(self, change: Changed) -> None:
        """Read an object again, where a subscriber follows it."""
        self._on_heard()
        topic = self._topics.get(change)
        if topic is not None:
            topic.due = min(topic.due, topic.read_at + PACE_SECONDS)
            self._wake.set()

    def hear_all(self) -> None:
        """Read all topics again."""
        self._again = 0.0
        self._wake.set()

    async def close(self) -> None:
        """Stop listening."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _join(self, kind: Kind, identity: int, follower: Follower) -> Topic:
        if not self._running:
            listening = listen(self._conninfo, hear=self.hear, connected=self.hear_all)
            self._running = [asyncio.create_task(listening), asyncio.create_task(self._read_forever())]
        topic = self._topics.setdefault(Changed(kind, identity), Topic(kind, identity))
        topic.followers.add(follower)
        topic.due = 0.0
        self._wake.set()
        return topic

    def _leave(self, topic: Topic, follower: Follower) -> None:
        topic.followers.discard(follower)
        if not topic.followers:
            self._topics.pop(Changed(topic.kind, topic.id), None)

    async def _read_forever(self) -> None:
        while True:
            await self._wait_until_due()
            await asyncio.sleep(GATHER_SECONDS)
            try:
                await self._read_due()
            except Unavailable:
                log.warning("subscribers wait for the database", topics=len(self._topics))
                await asyncio.sleep(PAUSE_SECONDS)
            except Exception:
                # The loop must go on, or no subscriber would get news any more.
                log.exception("unexpected error")
                await asyncio.sleep(PAUSE_SECONDS)

    async def _wait_until_due(self) -> None:
        until = min([self._again, *(topic.due for topic in self._topics.values())]) if self._topics else None
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._wake.wait()
        self._wake.clear()

    async def _read_due(self) -> None:
        now = asyncio.get_running_loop().time()
        is_time = now >= self._again
        if is_time:
            self._again = now + AGAIN_SECONDS
        due = [topic for topic in self._topics.values() if is_time or topic.due <= now]
        if due:
            await read_topics(self.database, due)


async def wait_for_first(topic: Topic, follower: Follower) -> News | None:
    """Return the state of a topic, from a read that begins now; raise Unavailable where it takes too long."""
    enough = topic.begun + 1
    topic.newcomers += 1
    try:
        async with asyncio.timeout(FIRST_SECONDS):
            while topic.ended < enough and not follower.is_ended:
                await follower.wait()
    except TimeoutError:
        raise Unavailable from None
    finally:
        topic.newcomers -= 1
    return topic.news


async def wait_for_newer(topic: Topic, follower: Follower, *, than: News) -> News | None:
    """Return the state of a topic once it differs from `than`, None where the subscription has ended."""
    while not follower.is_ended:
        if topic.news is not None and topic.news.mark != than.mark:
            return topic.news
        await follower.wait()
    return None


async def read_topics(database: Database, topics: list[Topic]) -> None:
    """Read these topics, and wake the followers of those that have changed."""
    now = asyncio.get_running_loop().time()
    for topic in topics:
        topic.read_at, topic.due = now, NEVER
        topic.begun += 1
    begun = [(topic, topic.begun) for topic in topics]
    tick = Tick(database)
    try:
        by_kind = [(found, [topic for topic in topics if topic.kind == kind]) for kind, found in READERS.items()]
        read = await asyncio.gather(*(found(database, tick, some) for found, some in by_kind if some))
    except BaseException:
        for topic in topics:
            topic.due = 0.0
        raise
    for topic, news in (each for some in read for each in some):
        prime_loaders(tick, news)
        topic.news = news
    for topic, count in begun:
        topic.ended = count
    for topic, _ in (each for some in read for each in some):
        for follower in topic.followers:
            follower.wake()


Readings = list[tuple[Topic, News]]


async def read_sessions(database: Database, tick: Tick, topics: list[Topic]) -> Readings:
    """Return the sessions whose free seats have changed, and schedule the next read at the expiry of a booking."""
    found = {row[0]: row[1:] for row in await database.primary.tuples(SEATS, ids=[topic.id for topic in topics])}
    marks = {identity: int(seats) for identity, (seats, _) in found.items()}
    for topic in topics:
        seconds = found.get(topic.id, (0, None))[1]
        if seconds is not None:
            topic.due = min(topic.due, topic.read_at + max(seconds, PACE_SECONDS) + AFTER_SECONDS)
    changed = [topic for topic in topics if topic.differs(marks.get(topic.id))]
    rows = await tick["session_by_id"].load_many([topic.id for topic in changed])
    return [(topic, News(topic.kind, row, marks.get(topic.id), tick)) for topic, row in zip(changed, rows, strict=True)]


async def read_events(_: Database, tick: Tick, topics: list[Topic]) -> Readings:
    """Return the events whose free tickets have changed."""
    rows = await tick["event_by_id"].load_many([topic.id for topic in topics])
    marks = [None if row is None else row.availability for row in rows]
    return [
        (topic, News(topic.kind, row, mark, tick))
        for topic, row, mark in zip(topics, rows, marks, strict=True)
        if topic.differs(mark)
    ]


async def read_exports(database: Database, tick: Tick, topics: list[Topic]) -> Readings:
    """Return the exports whose progress has changed."""
    rows = await row_by_id(database.primary, MovieExport).load_many([topic.id for topic in topics])
    marks = [None if row is None else (row.status, row.row_count, row.attempts, row.error) for row in rows]
    return [
        (topic, News(topic.kind, row, mark, tick))
        for topic, row, mark in zip(topics, rows, marks, strict=True)
        if topic.differs(mark)
    ]


READERS: Final = {"session": read_sessions, "event": read_events, "export": read_exports}


def prime_loaders(tick: Tick, news: News) -> None:
    """Put what was read into the loaders, so that no field reads it again."""
    if news.row is not None and news.kind != "export":
        tick[f"{news.kind}_by_id"].prime(news.row.id, news.row)
    if news.row is not None and news.kind == "session":
        tick["seats_available_by_session"].prime(news.row.id, news.mark)
