"""Series in /metrics for queries that are answered by one statement."""

from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter

CheckOutcome = Literal["equal", "different"]
OUTCOMES: Final[tuple[CheckOutcome, ...]] = ("equal", "different")


class PlannerMetrics:
    """Counts what came of planned queries that the executor answered as well, in the registry of the process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        checks = Counter(
            "matinee_planner_checks",
            "Planned queries that were run on the executor as well, by whether both gave the same answer.",
            ("outcome",),
            registry=registry,
        )
        # Shown with 0 from the beginning: that nothing differs is what one wants to know.
        self._checks = {outcome: checks.labels(outcome) for outcome in OUTCOMES}

    def count(self, outcome: CheckOutcome) -> None:
        """Count one check."""
        self._checks[outcome].inc()
