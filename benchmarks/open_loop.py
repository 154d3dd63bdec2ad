"""Sends requests at a fixed rate, whatever becomes of earlier ones, and notes what each was answered and when."""

import asyncio
import re
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3})")
LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
HEAD_END: Final = b"\r\n\r\n"
# Longer than a server works on anything.
PATIENCE_SECONDS: Final = 30.0
TICK_SECONDS: Final = 0.005


@dataclass(frozen=True, slots=True)
class Sample:
    """One answer: its status, 0 for a lost connection, and how long it took from the moment when it was due."""

    kind: str
    status: int
    seconds: float


@dataclass(slots=True)
class Samples:
    """All answers of a load."""

    all: list[Sample] = field(default_factory=list)

    def of(self, kind: str, statuses: range) -> list[float]:
        """Return the seconds that the answers of a kind with these statuses took."""
        return [each.seconds for each in self.all if each.kind == kind and each.status in statuses]


class Connection(asyncio.Protocol):
    """A connection with one request at a time; the only answers that it reads have a `Content-Length`."""

    def __init__(self) -> None:
        self._data = b""
        self._answer: asyncio.Future[int] | None = None
        self._transport: asyncio.Transport | None = None
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type
        self._transport, self.is_open = transport, True

    def connection_lost(self, _: Exception | None) -> None:
        """Answer 0."""
        self.is_open = False
        self._settle(0)

    def data_received(self, data: bytes) -> None:
        """Answer the status once the whole answer is here."""
        self._data += data
        end = self._data.find(HEAD_END)
        if end < 0:
            return
        head = self._data[: end + 2]
        length, status = LENGTH.search(head), STATUS.match(head)
        if status and len(self._data) >= end + len(HEAD_END) + (int(length[1]) if length else 0):
            self._settle(int(status[1]))

    def _settle(self, status: int) -> None:
        self._data = b""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(status)

    async def send(self, request: bytes) -> int:
        """Return the status of the answer, 0 where the connection is lost first."""
        if self._transport is None or not self.is_open:
            return 0
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer


class Callers:
    """Connections to one server: a request takes one that is idle, or opens another."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._idle: list[Connection] = []

    async def send(self, request: bytes) -> int:
        """Return the status of the answer, 0 where there is none."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                connection = await self._connect()
                status = await connection.send(request)
        except (OSError, TimeoutError):
            return 0
        if connection.is_open:
            self._idle.append(connection)
        return status

    async def _connect(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        _, made = await asyncio.get_running_loop().create_connection(Connection, self._host, self._port)
        return made


Choose = Callable[[int], tuple[str, bytes]]


async def send_steadily(callers: Callers, choose: Choose, *, rate: float, seconds: float) -> Samples:
    """Send `rate` requests a second, and return what became of them; `choose` returns the kind and bytes of each."""
    samples, tasks, sent = Samples(), set(), 0
    began = time.perf_counter()

    async def send_one(kind: str, request: bytes, due: float) -> None:
        status = await callers.send(request)
        samples.all.append(Sample(kind, status, time.perf_counter() - due))

    while (now := time.perf_counter() - began) < seconds:
        # What this process is late with counts as the server's time: no omission flatters it.
        for number in range(sent, int(now * rate)):
            task = asyncio.create_task(send_one(*choose(number), began + number / rate))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        sent = int(now * rate)
        await asyncio.sleep(TICK_SECONDS)
    await asyncio.gather(*tasks)
    return samples


async def send_in_turns(callers: Callers, choose: Choose, *, crowd: int, seconds: float) -> Samples:
    """Let `crowd` callers send one request after the other, and return what became of them."""
    samples, numbers, end = Samples(), iter(range(1_000_000_000)), time.perf_counter() + seconds

    async def call() -> None:
        while (began := time.perf_counter()) < end:
            kind, request = choose(next(numbers))
            samples.all.append(Sample(kind, await callers.send(request), time.perf_counter() - began))

    await asyncio.gather(*(call() for _ in range(crowd)))
    return samples


def describe(seconds: Sequence[float]) -> str:
    """Return the median, the 99th percentile and the most."""
    if len(seconds) < 2:
        return "too few"
    p50, p99 = statistics.median(seconds), statistics.quantiles(seconds, n=100)[98]
    return f"p50 {p50 * 1000:6.1f} ms   p99 {p99 * 1000:6.1f} ms   most {max(seconds) * 1000:6.1f} ms"
