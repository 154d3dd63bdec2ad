"""A subscriber that follows a session during a fault, and comes back whenever its stream ends."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx

DOCUMENT: Final = "subscription ($id: ID!) { sessionChanged(id: $id) { seatsAvailable } }"
# The server sends a comment every ten seconds.
SILENCE_SECONDS: Final = 25.0
PAUSE_SECONDS: Final = 0.5


@contextmanager
def following(address: str, session: int) -> Iterator[None]:
    """Follow a session in a thread, by server-sent events."""
    over = threading.Event()

    def follow() -> None:
        while not over.is_set():
            try:
                follow_once(address, session, over)
            except httpx.TransportError:
                time.sleep(PAUSE_SECONDS)

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()


def follow_once(address: str, session: int, over: threading.Event) -> None:
    """Read one stream until it ends, or nobody needs it any more."""
    body = {"query": DOCUMENT, "variables": {"id": f"ses_{session}"}}
    headers = {"Accept": "text/event-stream"}
    with httpx.stream("POST", f"{address}/graphql", json=body, headers=headers, timeout=SILENCE_SECONDS) as answer:
        for _ in answer.iter_lines():
            if over.is_set():
                return
    time.sleep(PAUSE_SECONDS)


def notices_heard(address: str) -> float:
    """Return how many changes a server has been notified of."""
    text = httpx.get(f"{address}/metrics", timeout=5).text
    lines = [line for line in text.splitlines() if line.startswith("matinee_notices_heard_total")]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)
