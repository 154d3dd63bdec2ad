"""Metrics of third parties: calls, their attempts, and open circuit breakers."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0)


class UpstreamMetrics:
    """Metrics by third party and outcome, in the registry of the process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._attempts = Counter(
            "matinee_upstream_attempts",
            "Requests sent to a third party, by outcome.",
            ("upstream", "outcome"),
            registry=registry,
        )
        self._calls = Histogram(
            "matinee_upstream_call_seconds",
            "Seconds of a call to a third party with all its attempts.",
            ("upstream", "outcome"),
            buckets=BUCKETS,
            registry=registry,
        )
        self._skipped = Counter(
            "matinee_upstream_entries_skipped",
            "Entries of a third party's lists that could not be read.",
            ("upstream",),
            registry=registry,
        )
        self._open = Gauge(
            "matinee_upstream_breaker_open",
            "1 while the circuit breaker of a third party is open in any worker.",
            ("upstream",),
            registry=registry,
            multiprocess_mode="livemax",
        )

    def count_attempt(self, upstream: str, *, outcome: str) -> None:
        """Count one request: `ok`, `failed`, or `overtaken` by another that answered first."""
        self._attempts.labels(upstream, outcome).inc()

    def count_call(self, upstream: str, *, outcome: str, seconds: float) -> None:
        """Count one call, however many attempts it took."""
        self._calls.labels(upstream, outcome).observe(seconds)

    def count_skipped(self, upstream: str, entries: int) -> None:
        """Count entries that were skipped."""
        self._skipped.labels(upstream).inc(entries)

    def set_breaker(self, upstream: str, *, is_open: bool) -> None:
        """Set whether the circuit breaker of this third party is open."""
        self._open.labels(upstream).set(int(is_open))
