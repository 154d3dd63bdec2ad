"""Counts for Prometheus: requests by route, GraphQL fields and documents; added up over the worker processes of one server."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakKeyDictionary

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from runtime.live_metrics import LiveMetrics

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# How long counts stay in a worker's own memory before they are published in its series.
PUBLISH_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Coordinate:
    """A field of the schema."""

    type: str
    field: str
    deprecated: bool


@dataclass(slots=True)
class OperationCount:
    """The runs of an operation that are not published yet, and the series of its fields."""

    series: list[Counter]
    runs: int = field(default=0)


class UsageMetrics:
    """Counts runs of operations, and once a second adds them to the series of their fields."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._fields = Counter(
            "matinee_graphql_field_requests",
            "Operations executed that ask for a field of the schema.",
            ("type", "field", "deprecated"),
            registry=registry,
        )
        self._documents = Counter(
            "matinee_graphql_documents",
            "Documents that the registry was asked for.",
            ("outcome",),
            registry=registry,
        )
        # For as long as the document is remembered somewhere.
        self._counts: WeakKeyDictionary[frozenset[Coordinate], OperationCount] = WeakKeyDictionary()
        self._unpublished: list[OperationCount] = []
        self._publishing: asyncio.TimerHandle | None = None

    def add_series(self, fields: Iterable[Coordinate]) -> None:
        """Export these fields with 0 until they are requested, so that a field that nobody uses can be found."""
        for each in fields:
            self._series(each)

    def count(self, fields: frozenset[Coordinate]) -> None:
        """Count one run of an operation that asks for these fields. It costs least with the same object each time."""
        counted = self._counts.get(fields)
        if counted is None:
            counted = self._counts[fields] = OperationCount([self._series(each) for each in fields])
        if not counted.runs:
            self._unpublished.append(counted)
            if self._publishing is None:
                self._publishing = asyncio.get_running_loop().call_later(PUBLISH_SECONDS, self.publish)
        counted.runs += 1

    def publish(self) -> None:
        """Add all unpublished counts to their series."""
        unpublished, self._unpublished = self._unpublished, []
        if self._publishing is not None:
            self._publishing.cancel()
            self._publishing = None
        for counted in unpublished:
            runs, counted.runs = counted.runs, 0
            for series in counted.series:
                series.inc(runs)

    def count_document(self, outcome: str) -> None:
        """Count a document: `registered`, `unregistered` and run all the same, or `refused`."""
        self._documents.labels(outcome).inc()

    def _series(self, asked: Coordinate) -> Counter:
        return self._fields.labels(asked.type, asked.field, str(asked.deprecated).lower())


class Metrics:
    """The counts of one process. With PROMETHEUS_MULTIPROC_DIR set, `text` has the sums over all processes."""

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
        self.usage = UsageMetrics(own)
        self.streaming = LiveMetrics(own)
        self._exported = _sum_of_workers() or own

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
        self.usage.publish()
        return generate_latest(self._exported)


def _sum_of_workers() -> CollectorRegistry | None:
    registry = CollectorRegistry()
    try:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    except ValueError:
        return None
    return registry
