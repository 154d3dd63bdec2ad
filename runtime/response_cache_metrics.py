"""Series in /metrics for the response cache."""

from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge

from runtime.batched_counts import BatchedCounter, Publisher

LookUp = Literal["hit", "miss", "joined", "unsure"]
LOOK_UPS: Final[tuple[LookUp, ...]] = ("hit", "miss", "joined", "unsure")


class ResponseCacheMetrics:
    """Counts look-ups, changes and memory, in the registry of the process."""

    def __init__(self, registry: CollectorRegistry, publisher: Publisher) -> None:
        look_ups = Counter(
            "matinee_response_cache_lookups",
            "Look-ups of cacheable answers: in memory, not in memory, waiting for the same read of another caller, "
            "or read anew because changes were not heard at the time.",
            ("outcome",),
            registry=registry,
        )
        self._look_ups = {outcome: BatchedCounter(look_ups.labels(outcome), publisher) for outcome in LOOK_UPS}
        self._changes = Counter(
            "matinee_response_cache_changes", "Changes of the programme that were announced.", registry=registry
        )
        self._bytes = Gauge(
            "matinee_response_cache_bytes",
            "Memory of cached responses.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._entries = Gauge(
            "matinee_response_cache_entries", "Cached responses.", registry=registry, multiprocess_mode="livesum"
        )

    def count(self, outcome: LookUp) -> None:
        """Count one look-up."""
        self._look_ups[outcome].add_one()

    def count_change(self) -> None:
        """Count one change that was announced."""
        self._changes.inc()

    def note_size(self, size: int, entries: int) -> None:
        """Note how much is kept."""
        self._bytes.set(size)
        self._entries.set(entries)
