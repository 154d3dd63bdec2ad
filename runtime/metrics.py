"""Counts for Prometheus: requests by route, added up over the worker processes of one server."""

from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from runtime.live_metrics import Streaming
from runtime.usage_metrics import Usage

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """What one process counts. With PROMETHEUS_MULTIPROC_DIR set, `text` tells the sum over all processes."""

    def __init__(self) -> None:
        self.registry = own = CollectorRegistry()
        ProcessCollector(registry=own)
        self._requests = Counter(
            "matinee_http_requests",
            "HTTP requests answered.",
            ("method", "route", "status"),
            registry=own,
        )
        self._seconds = Histogram(
            "matinee_http_request_seconds",
            "Seconds from a request's headers to the end of its answer.",
            ("method", "route"),
            buckets=BUCKETS,
            registry=own,
        )
        # Looking a series up by its labels costs more than counting in it.
        self._series: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.usage = Usage(own)
        self.streaming = Streaming(own)
        self._shown = _sum_of_workers() or own

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request. `route` is the template of its path, so that ids make no new series."""
        series = self._series.get((method, route, status))
        if series is None:
            known = method if method in METHODS else "OTHER"
            counter = self._requests.labels(known, route, str(status))
            series = self._series[method, route, status] = (
                counter,
                self._seconds.labels(known, route),
            )
        series[0].inc()
        series[1].observe(seconds)

    def text(self) -> bytes:
        """Return everything counted so far in Prometheus's text format."""
        self.usage.tell()
        return generate_latest(self._shown)


def _sum_of_workers() -> CollectorRegistry | None:
    registry = CollectorRegistry()
    try:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    except ValueError:
        return None
    return registry
