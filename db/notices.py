"""Notices of changes between servers, by LISTEN and NOTIFY. They say what to read again, so a lost one only causes a delay."""

import asyncio
from collections.abc import Callable, Collection, Iterator
from contextvars import Context
from typing import Any, Final, Literal, NamedTuple, get_args

import psycopg
import structlog
from psycopg import AsyncConnection

from db.own_writes import note_change
from db.server_watch import ServerWatch
from runtime.logs import describe_error
from runtime.shutdown import SERVICES_CLOSED, limit_to_deadline

# A change of the programme stays in this process: triggers notify the others (db/programme_changes.py).
Kind = Literal["session", "event", "export", "programme"]
KINDS: Final = frozenset(get_args(Kind))
CHANNEL: Final = "matinee_changes"
# Not in the transaction of the change: PostgreSQL holds one lock for all NOTIFYs until their commits. The commit does not
# wait for the disk, because a notice may be lost. That is set for this transaction only: a pooler would pass a setting of
# the session on to other transactions, whose acknowledged bookings could be lost.
TELL: Final = """
    SELECT set_config('synchronous_commit', 'off', true), pg_notify(%(channel)s, payload)
    FROM unnest(%(payloads)s::text[]) AS payload
"""

# Changes within this time are sent together, by one commit.
GATHER_SECONDS: Final = 0.02
MOST_WAITING: Final = 10_000
# A payload has less than 8000 bytes; `session:` and 19 digits are 27.
CHANGES_A_NOTICE: Final = 200
# After this time without a notice, a listener sends a statement to see whether the server answers.
SILENCE_SECONDS: Final = 5.0
HEARTBEAT_SECONDS: Final = 1.0
TELL_SECONDS: Final = 5.0
END_SECONDS: Final = 1.0
PAUSES: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

log = structlog.get_logger("matinee.notices")


class Changed(NamedTuple):
    """A change of an object that subscribers may follow."""

    kind: Kind
    id: int


Note = Callable[[Changed], None]


def ignore_change(_: Changed) -> None:
    """Do nothing with a change."""


class Notices:
    """Gathers changes and sends notices of them; noting a change takes no time, and never fails."""

    def __init__(self, watch: ServerWatch) -> None:
        """Send notices by a connection of its own, which is opened for the first change."""
        self._watch = watch
        # Called with the number of changes that were sent, for metrics.
        self.on_sent: Callable[[int], object] = int
        # Called for each change of the programme by this process, once it is durable.
        self.on_programme_change: Callable[[], object] = int
        self._waiting: set[Changed] = set()
        self._runner: asyncio.Task[None] | None = None
        self._connection: AsyncConnection[Any] | None = None

    def note(self, change: Changed) -> None:
        """Send a notice of a change to all servers soon; call it once the change is durable."""
        if change.kind == "programme":
            self.on_programme_change()
            note_change()
            return
        if len(self._waiting) >= MOST_WAITING:
            # Subscribers read again by themselves after a few seconds.
            return
        self._waiting.add(change)
        if self._runner is None:
            # In a context of its own: its log lines are not those of the request whose change came first.
            self._runner = asyncio.create_task(self._run(), context=Context())

    async def close(self) -> None:
        """Send what is gathered, and stop."""
        runner = self._runner
        if runner is not None:
            await asyncio.wait({runner}, timeout=limit_to_deadline(END_SECONDS, deadline=SERVICES_CLOSED))
            runner.cancel()
        await self._hang_up()

    async def _run(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(GATHER_SECONDS)
                gathered, self._waiting = self._waiting, set()
                await self._tell(gathered)
        finally:
            self._runner = None

    async def _tell(self, gathered: Collection[Changed]) -> None:
        try:
            async with asyncio.timeout(TELL_SECONDS):
                connection = await self._connect()
                await connection.execute(TELL, {"channel": CHANNEL, "payloads": list(write_payloads(gathered))})
            self.on_sent(len(gathered))
        except (psycopg.Error, OSError, TimeoutError) as error:
            log.warning("a notice of changes was not sent", reason=describe_error(error), changes=len(gathered))
            await self._hang_up()

    async def _connect(self) -> AsyncConnection[Any]:
        if self._connection is None:
            self._connection = await self._watch.connect()
        return self._connection

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def write_payloads(changes: Collection[Changed]) -> Iterator[str]:
    """Yield the payloads of the fewest notices that have all changes."""
    texts = [f"{change.kind}:{change.id}" for change in changes]
    for start in range(0, len(texts), CHANGES_A_NOTICE):
        yield ",".join(texts[start : start + CHANGES_A_NOTICE])


def read_changes(payload: str) -> Iterator[Changed]:
    """Yield the changes in a notice; ignore what another version of the server may have added."""
    for text in payload.split(","):
        kind, _, digits = text.partition(":")
        if kind in KINDS and digits.isascii() and digits.isdigit():
            yield Changed(kind, int(digits))  # type: ignore[arg-type]  # it is one of KINDS


async def listen(conninfo: str, *, hear: Note, connected: Callable[[], None]) -> None:
    """Call `hear` for each change in a notice, until cancelled; connect again whenever the connection is lost.

    `connected` is called each time that it begins to listen: changes before that were not heard.
    """
    failures = 0

    def begun() -> None:
        nonlocal failures
        failures = 0
        connected()

    while True:
        try:
            await listen_once(conninfo, hear=hear, connected=begun)
        except (psycopg.Error, OSError, TimeoutError) as error:
            pause = PAUSES[min(failures, len(PAUSES) - 1)]
            log.warning("not listening for changes; trying again", reason=describe_error(error), seconds=pause)
            failures += 1
            await asyncio.sleep(pause)


async def listen_once(conninfo: str, *, hear: Note, connected: Callable[[], None]) -> None:
    """Listen by one connection until it is lost; raise psycopg.Error or TimeoutError then."""
    # Waiting for notices does not show a server that has stopped answering; only statements do.
    watch = ServerWatch(conninfo, statement_seconds=HEARTBEAT_SECONDS)
    async with await watch.connect() as connection:
        await connection.execute(f"LISTEN {CHANNEL}")
        connected()
        while True:
            async for notice in connection.notifies(timeout=SILENCE_SECONDS):
                for change in read_changes(notice.payload):
                    hear(change)
            await connection.execute("SELECT 1")
