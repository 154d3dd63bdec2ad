"""Series in /metrics for reads over pipelined connections."""

from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter

PipelineEvent = Literal["statement sent", "statement moved", "connection lost"]
EVENTS: Final[tuple[PipelineEvent, ...]] = ("statement sent", "statement moved", "connection lost")


class PipelineMetrics:
    """Counts what happens on pipelined connections, in the registry of the process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        events = Counter(
            "matinee_pipeline_events",
            "Statements sent over pipelined connections, moved from behind a slow one, and connections lost.",
            ("event",),
            registry=registry,
        )
        self._events = {event: events.labels(event) for event in EVENTS}

    def count(self, event: PipelineEvent, number: int) -> None:
        """Count what has happened so many times."""
        self._events[event].inc(number)
