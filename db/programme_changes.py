"""Listens for changes of the programme, so that a cached response is never older than LEASE_SECONDS (docs/response-cache.md)."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, Literal, get_args

import psycopg
import structlog
from psycopg import AsyncConnection

from db.server_watch import ServerWatch
from runtime.logs import describe_error

ProgrammePart = Literal["movies", "ratings", "places", "sessions", "airings", "clock"]
# `ratings` are the columns of movies that ratings derive; `clock` is which airings have ended, which no writer announces.
PARTS: Final[tuple[ProgrammePart, ...]] = get_args(ProgrammePart)
PLACES: Final[dict[str, int]] = {part: place for place, part in enumerate(PARTS)}
Versions = tuple[int, ...]

# Migration 0012 made the channel, the function and the triggers when the programme was called the catalogue.
CHANNEL: Final = "matinee_catalogue"
# Triggers of migration 0012 that have to be there.
TRIGGERS: Final = 9
COUNT_TRIGGERS: Final = """
    SELECT count(*) FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
    WHERE proname = 'announce_catalogue_change' AND tgenabled = 'A'
"""
# The next end of an airing, with the seconds until then by the database's clock. now() and not clock_timestamp(), which no
# index is searched by.
BEAT: Final = """
    SELECT last_ends_at, extract(epoch FROM last_ends_at - now())::float8
    FROM airings WHERE last_ends_at > now() ORDER BY last_ends_at LIMIT 1
"""
BEAT_SECONDS: Final = 0.25
# What was sent before a beat has arrived before its answer. So nothing is older than the last answered beat's beginning.
LEASE_SECONDS: Final = 0.7
# A beat that takes longer has lost its lease anyway.
STATEMENT_SECONDS: Final = 1.0
PAUSES: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

log = structlog.get_logger("matinee.programme_changes")


def read_clock() -> float:
    """Return seconds that go on while the machine is suspended, where the system counts them."""
    return time.clock_gettime(BOOT_CLOCK)


BOOT_CLOCK: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class ProgrammeChanges:
    """The versions of the programme's parts, and whether changes are heard at present."""

    def __init__(self, conninfo: str, *, on_change: Callable[[], object] = int) -> None:
        """Listen to the database at this address once `start` is called; `on_change` is called for each notice."""
        self._conninfo = conninfo
        self._on_change = on_change
        self._versions = [0] * len(PARTS)
        # When the last beat that was answered had been sent; nothing is known before the first.
        self._confirmed_at = float("-inf")
        self._next_end: Any = None
        self._end_timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_current(self) -> bool:
        """Whether every change that was acknowledged LEASE_SECONDS ago has been heard."""
        return read_clock() - self._confirmed_at <= LEASE_SECONDS

    def start(self) -> None:
        """Begin to listen, if it has not begun."""
        if self._task is None:
            self._task = asyncio.create_task(self._listen())

    async def close(self) -> None:
        """Stop listening."""
        self._lose()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def versions(self) -> Versions:
        """Return the versions of all parts; take them before a read begins."""
        return tuple(self._versions)

    def are_unchanged(self, versions: Versions, parts: Iterable[ProgrammePart]) -> bool:
        """Return whether these parts are still of these versions."""
        current = self._versions
        return all(current[PLACES[part]] == versions[PLACES[part]] for part in parts)

    def hear(self, part: str) -> None:
        """Note a change of a part. A part that this release does not know counts as a change of all parts."""
        self._on_change()
        for place in (PLACES[part],) if part in PLACES else range(len(PARTS)):
            self._versions[place] += 1
        # A new airing may end before the next end that is known.
        self._next_end = None

    def count_own_change(self) -> None:
        """Count all parts as changed after a change by this process: its caller may read before the notice arrives."""
        self._versions = [version + 1 for version in self._versions]

    def _lose(self) -> None:
        """Count all parts as changed and not current: notices may have been missed."""
        self._confirmed_at = float("-inf")
        self.count_own_change()
        self._next_end = None

    async def _listen(self) -> None:
        failures = 0
        while True:
            try:
                async with await ServerWatch(
                    self._conninfo, statement_seconds=STATEMENT_SECONDS
                ).connect() as connection:
                    await self._begin(connection)
                    failures = 0
                    while True:
                        await self._beat(connection)
            except (psycopg.Error, OSError, TimeoutError) as error:
                self._lose()
                pause = PAUSES[min(failures, len(PAUSES) - 1)]
                log.warning(
                    "responses are not cached: not listening for changes", reason=describe_error(error), seconds=pause
                )
                failures += 1
                await asyncio.sleep(pause)

    async def _begin(self, connection: AsyncConnection[Any]) -> None:
        await connection.execute(f"LISTEN {CHANNEL}")
        row = await (await connection.execute(COUNT_TRIGGERS)).fetchone()
        if row is None or row[0] < TRIGGERS:
            raise psycopg.OperationalError("the triggers that announce changes are missing; run `matinee migrate`")
        # What was read before LISTEN took effect may have changed unheard.
        self._lose()

    async def _beat(self, connection: AsyncConnection[Any]) -> None:
        """Confirm that all changes until now have been heard, and hear those that come until the next beat."""
        sent, before = read_clock(), self.versions()
        found = await (await connection.execute(BEAT, prepare=True)).fetchone()
        # First the notices that arrived together with the answer.
        await self._hear_for(connection, 0)
        self._note_end(*(found or (None, None)), is_sure=self.versions() == before)
        self._confirmed_at = sent
        await self._hear_for(connection, BEAT_SECONDS)

    async def _hear_for(self, connection: AsyncConnection[Any], seconds: float) -> None:
        async for notice in connection.notifies(timeout=seconds):
            self.hear(notice.payload)

    def _note_end(self, next_end: Any, seconds: float | None, *, is_sure: bool) -> None:
        """Note when the next airing ends. Where it is another than before, one has ended meanwhile."""
        if self._next_end is None or next_end != self._next_end:
            self._versions[PLACES["clock"]] += 1
        self._next_end = next_end if is_sure else None
        if self._end_timer is not None:
            self._end_timer.cancel()
        # The timer notes the end when it happens; the next beat would be late.
        self._end_timer = None
        if seconds is not None and seconds <= LEASE_SECONDS:
            self._end_timer = asyncio.get_running_loop().call_later(seconds, self._end)

    def _end(self) -> None:
        self._versions[PLACES["clock"]] += 1
