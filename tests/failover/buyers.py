"""Buyers who purchase seats over REST until they are stopped, and journal every confirmation that is acknowledged."""

import asyncio
import random
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from tests.failover.journal import Journal

PASSWORD: Final = "correct horse battery"
# As a browser or a proxy gives up.
TIMEOUT_SECONDS: Final = 15.0
PAUSE_SECONDS: Final = 0.2
# How long a purchase may be tried again after the buyers were stopped.
SETTLING_SECONDS: Final = 90.0
ABANDONED_SHARE: Final = 0.1
KNOWN: Final = frozenset({400, 401, 403, 404, 409, 410, 422})


@dataclass(slots=True)
class Buyers:
    """Buyers at one address, and their journal."""

    address: str
    sessions: list[int]
    journal: Journal
    stopped: threading.Event = field(default_factory=threading.Event)
    started_at: float = field(default_factory=time.monotonic)
    settle_by: float = 0.0

    async def run(self, count: int) -> None:
        """Buy until stopped, `count` at a time."""
        limits = httpx.Limits(max_connections=count * 2)
        async with httpx.AsyncClient(base_url=self.address, timeout=TIMEOUT_SECONDS, limits=limits) as client:
            tokens = [await sign_up(client) for _ in range(count)]
            self.started_at = time.monotonic()
            await asyncio.gather(*(self.buy_repeatedly(client, token) for token in tokens))

    async def buy_repeatedly(self, client: httpx.AsyncClient, token: str) -> None:
        """Make one purchase after the other."""
        headers = {"Authorization": f"Bearer {token}"}
        while not self.stopped.is_set():
            await self.purchase(client, headers)

    async def purchase(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        """Book, reserve and confirm; a tenth leaves its seats to expire."""
        seats = random.randint(1, 3)  # noqa: S311
        opened = await self.settle(client, f"/v1/sessions/ses_{random.choice(self.sessions)}/book", headers)  # noqa: S311
        if opened is None:
            return
        booking = opened["booking"]["id"]
        reserved = await self.settle(client, f"/v1/bookings/{booking}/reserve", headers, seats=seats)
        if reserved is None or random.random() < ABANDONED_SHARE:  # noqa: S311
            return
        if await self.settle(client, f"/v1/bookings/{booking}/confirm", headers) is not None:
            self.journal.acknowledge(int(booking.partition("_")[2]), seats=seats)

    async def settle(
        self, client: httpx.AsyncClient, path: str, headers: dict[str, str], **body: object
    ) -> dict[str, Any] | None:
        """Return what a write was answered, None where it was refused; repeat it under its key until it is one of the two."""
        keyed = headers | {"Idempotency-Key": secrets.token_hex(12)}
        while True:
            started = time.monotonic()
            answer = await self.send(client, path, keyed, body)
            self.journal.slowest = max(self.journal.slowest, time.monotonic() - started)
            if answer is not None and answer.is_success:
                result: dict[str, Any] = answer.json()
                return result
            if answer is not None and answer.status_code in KNOWN and "request_in_progress" not in answer.text:
                return None
            if self.settle_by and time.monotonic() > self.settle_by:
                self.journal.unsettled += 1
                return None
            await asyncio.sleep(PAUSE_SECONDS)

    async def send(
        self, client: httpx.AsyncClient, path: str, headers: dict[str, str], body: dict[str, object]
    ) -> httpx.Response | None:
        """Return an answer, None where there was none; count what is not a success."""
        try:
            answer = await client.post(path, headers=headers, json=body or None)
        except httpx.TransportError as error:
            self.journal.refused[type(error).__name__] += 1
            return None
        if answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            self.journal.refused[f"{answer.status_code} {code_of(answer)}"] += 1
        return answer


def code_of(answer: httpx.Response) -> str:
    """Return the code of a refusal."""
    try:
        return str(answer.json()["errors"][0]["code"])
    except (ValueError, LookupError, TypeError):
        return "without a code"


async def sign_up(client: httpx.AsyncClient) -> str:
    """Return the token of a new user; a server that refuses for the moment is asked again."""
    body = {"email": f"{secrets.token_hex(8)}@example.org", "password": PASSWORD}
    async with asyncio.timeout(SETTLING_SECONDS):
        await post_until_done(client, "/v1/auth/signup", body)
        answer = await post_until_done(client, "/v1/auth/signin", body)
    return str(answer.json()["token"])


async def post_until_done(client: httpx.AsyncClient, path: str, body: dict[str, str]) -> httpx.Response:
    """Return the first answer that is no failure of the server; a conflict means that an earlier request was done."""
    while True:
        try:
            answer = await client.post(path, json=body)
        except httpx.TransportError:
            answer = None
        if answer is not None and not answer.is_server_error:
            return answer if answer.status_code == httpx.codes.CONFLICT else answer.raise_for_status()
        await asyncio.sleep(PAUSE_SECONDS)


@contextmanager
def buying(address: str, sessions: list[int], folder: Path, *, count: int = 8) -> Iterator[Buyers]:
    """Yield buyers at work, in a thread of their own; at the end let each settle its purchase."""
    buyers = Buyers(address, sessions, Journal(folder / "journal.jsonl"))
    failures: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(buyers.run(count))
        except BaseException as error:  # noqa: BLE001  # it is raised in the suite's own thread
            failures.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield buyers
    finally:
        buyers.settle_by = time.monotonic() + SETTLING_SECONDS
        buyers.stopped.set()
        thread.join(SETTLING_SECONDS + TIMEOUT_SECONDS + 5)
    if failures:
        raise failures[0]
