"""What /metrics tells of live data: who listens at present, and the notices of change between servers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge

Way = Literal["websocket", "sse"]
WAYS: Final[tuple[Way, ...]] = ("websocket", "sse")


class Streaming:
    """Series by the way in which results are sent, in the registry of the process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._open = Gauge(
            "matinee_graphql_streams",
            "Operations under way by WebSocket and by server-sent events: almost all of them subscriptions.",
            ("transport",),
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._sent = Counter("matinee_notices_sent", "Changes that other servers were told of.", registry=registry)
        self._heard = Counter("matinee_notices_heard", "Changes that this server was told of.", registry=registry)
        for way in WAYS:
            self._open.labels(way)

    @contextmanager
    def under_way(self, way: Way) -> Iterator[None]:
        """Count an operation for as long as it goes on."""
        gauge = self._open.labels(way)
        gauge.inc()
        try:
            yield
        finally:
            gauge.dec()

    def sent(self, changes: int) -> None:
        """Count changes that were told."""
        self._sent.inc(changes)

    def heard(self) -> None:
        """Count a change that was heard of."""
        self._heard.inc()
