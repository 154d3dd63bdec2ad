"""Series in /metrics for live data: open streams, and notices of changes between servers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge

Way = Literal["websocket", "sse"]
WAYS: Final[tuple[Way, ...]] = ("websocket", "sse")


class LiveMetrics:
    """Counts open streams by transport, and notices, in the registry of the process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._open = Gauge(
            "matinee_graphql_streams",
            "Operations under way by WebSocket and by server-sent events: almost all of them subscriptions.",
            ("transport",),
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._sent = Counter("matinee_notices_sent", "Changes that this server announced to others.", registry=registry)
        self._heard = Counter(
            "matinee_notices_heard", "Changes that other servers announced to this one.", registry=registry
        )
        for way in WAYS:
            self._open.labels(way)

    @contextmanager
    def count_stream(self, way: Way) -> Iterator[None]:
        """Count an operation as open for the length of a block."""
        gauge = self._open.labels(way)
        gauge.inc()
        try:
            yield
        finally:
            gauge.dec()

    def count_sent(self, changes: int) -> None:
        """Count changes that this server announced."""
        self._sent.inc(changes)

    def count_heard(self) -> None:
        """Count a change that another server announced."""
        self._heard.inc()
