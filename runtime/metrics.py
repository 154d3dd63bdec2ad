"""Counts for Prometheus: requests by route, GraphQL fields and documents; added up over the worker processes of one server."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
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

from runtime.batched_counts import Publisher
from runtime.live_metrics import LiveMetrics

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


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

    def publish(self) -> None:
        """Add the runs to the series."""
        runs, self.runs = self.runs, 0
        for each in self.series:
            each.inc(runs)


class UsageMetrics:
    """Counts runs of operations, and once a second adds them to the series of their fields."""

    def __init__(self, registry: CollectorRegistry, publisher: Publisher) -> None:
        self._publisher = publisher
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
            self._publisher.publish_soon(counted.publish)
        counted.runs += 1

    def count_document(self, outcome: str) -> None:
        """Count a document: `registered`, `unregistered` and run all the same, or `refused`."""
        self._documents.labels(outcome).inc()

    def _series(self, asked: Coordinate) -> Counter:
        return self._fields.labels(asked.type, asked.field, str(asked.deprecated).lower())


class Durations(Histogram):
    """A histogram that takes many durations at once."""

    def add(self, counts: Sequence[int], seconds: float) -> None:
        """Add durations: how many of them are in each bucket, and how long they are altogether."""
        self._sum.inc(seconds)
        for bucket, count in zip(self._buckets, counts, strict=True):
            if count:
                bucket.inc(count)


class RequestCount:
    """The requests of a method, route and status that are not published yet, and their series."""

    __slots__ = ("_counter", "_durations", "buckets", "requests", "seconds")

    def __init__(self, counter: Counter, durations: Durations) -> None:
        self._counter = counter
        self._durations = durations
        self._begin()

    def _begin(self) -> None:
        self.requests, self.seconds = 0, 0.0
        self.buckets = [0] * (len(BUCKETS) + 1)

    def publish(self) -> None:
        """Add the requests to the series."""
        self._counter.inc(self.requests)
        self._durations.add(self.buckets, self.seconds)
        self._begin()


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
        self._seconds = Durations(
            "matinee_http_request_seconds",
            "Seconds from a request's headers to the end of its answer.",
            ("method", "route"),
            buckets=BUCKETS,
            registry=own,
        )
        self._counts: dict[tuple[str, str, int], RequestCount] = {}
        self.publisher = Publisher()
        self.usage = UsageMetrics(own, self.publisher)
        self.streaming = LiveMetrics(own)
        self._exported = _sum_of_workers() or own

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request. `route` is the template of its path, so that ids make no new series."""
        counted = self._counts.get((method, route, status))
        if counted is None:
            # By the label: clients make up methods, and each would stay here.
            known = method if method in METHODS else "OTHER"
            counted = self._counts.get((known, route, status))
            if counted is None:
                counter, durations = (
                    self._requests.labels(known, route, str(status)),
                    self._seconds.labels(known, route),
                )
                counted = self._counts[known, route, status] = RequestCount(counter, durations)
        if not counted.requests:
            self.publisher.publish_soon(counted.publish)
        counted.requests += 1
        counted.seconds += seconds
        # A duration is in the first bucket whose bound is not smaller.
        counted.buckets[bisect_left(BUCKETS, seconds)] += 1

    def text(self) -> bytes:
        """Return everything counted so far in Prometheus's text format."""
        self.publisher.publish_all()
        return generate_latest(self._exported)


def _sum_of_workers() -> CollectorRegistry | None:
    registry = CollectorRegistry()
    try:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    except ValueError:
        return None
    return registry
