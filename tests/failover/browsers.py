"""Browsers who read a list until they are stopped, from the standby where it answers, and note when they were answered."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx

from tests.failover.buyers import TIMEOUT_SECONDS
from tests.failover.journal import longest_gap

# No two ask the same, so no answer is a stored one.
DOCUMENT: Final = "query ($from: DateTime) { movies(filter: {airingFrom: $from}, first: 1) { nodes { title } } }"
RANGE_SECONDS: Final = 3600.0
PAUSE_SECONDS: Final = 0.1
UNAVAILABLE: Final = "UNAVAILABLE"
TITLE: Final = "The Fault"


@dataclass(slots=True)
class Browsers:
    """Browsers at one address: when they were answered, how often refused, and answers that should not have been."""

    address: str
    answered: list[float] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def longest_gap(self, *, since: float) -> float:
        """Return the longest time in seconds without an answer since an instant, also the one that has not ended."""
        return longest_gap([*self.answered, time.monotonic()], since=since)

    def run(self) -> None:
        """Read until stopped."""
        with httpx.Client(base_url=self.address, timeout=TIMEOUT_SECONDS) as client:
            while not self.stopped.is_set():
                self.read(client)
                time.sleep(PAUSE_SECONDS)

    def read(self, client: httpx.Client) -> None:
        """Ask for movies from some instant on, and note what came of it."""
        instant = datetime.now(UTC) + timedelta(seconds=random.uniform(0, RANGE_SECONDS))  # noqa: S311
        try:
            answer = client.post("/graphql", json={"query": DOCUMENT, "variables": {"from": instant.isoformat()}})
        except httpx.TransportError as error:
            self.refused[type(error).__name__] += 1
            return
        if is_complete(answer):
            self.answered.append(time.monotonic())
        elif answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and UNAVAILABLE in answer.text:
            self.refused[f"503 {UNAVAILABLE}"] += 1
        else:
            self.wrong.append(answer.text[:300])


def is_complete(answer: httpx.Response) -> bool:
    """Return whether an answer has the movie that everybody sees."""
    return answer.status_code == httpx.codes.OK and TITLE in answer.text


@contextmanager
def browsing(address: str, *, count: int = 2) -> Iterator[Browsers]:
    """Yield browsers at work, each in a thread of its own; stop them afterwards."""
    browsers = Browsers(address)
    threads = [threading.Thread(target=browsers.run, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield browsers
    finally:
        browsers.stopped.set()
        for thread in threads:
            thread.join(TIMEOUT_SECONDS + 5)
