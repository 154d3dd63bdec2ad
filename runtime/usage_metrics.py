"""What GraphQL clients ask for: fields by name, and trusted documents, counted for /metrics."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry, Counter

# What is counted in a worker's own memory is told to the others after so long.
TELL_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Coordinate:
    """A field of the schema."""

    type: str
    field: str
    deprecated: bool


@dataclass(slots=True)
class OperationCount:
    """How often an operation ran since that was told last, and the series of the fields that it asks for."""

    series: list[Counter]
    runs: int = field(default=0)


class Usage:
    """Counts an operation by adding one; its fields are counted in the series once a second, for all of its runs."""

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
        self._tallies: WeakKeyDictionary[frozenset[Coordinate], OperationCount] = WeakKeyDictionary()
        self._untold: list[OperationCount] = []
        self._telling: asyncio.TimerHandle | None = None

    def expect(self, fields: Iterable[Coordinate]) -> None:
        """Show these fields with 0 until somebody asks for them: that nobody does is what one wants to know."""
        for each in fields:
            self._series(each)

    def count(self, fields: frozenset[Coordinate]) -> None:
        """Count one run of an operation that asks for these fields; to give the same object each time is cheapest."""
        tally = self._tallies.get(fields)
        if tally is None:
            tally = self._tallies[fields] = OperationCount([self._series(each) for each in fields])
        if not tally.runs:
            self._untold.append(tally)
            if self._telling is None:
                self._telling = asyncio.get_running_loop().call_later(TELL_SECONDS, self.tell)
        tally.runs += 1

    def tell(self) -> None:
        """Bring the series up to date."""
        untold, self._untold = self._untold, []
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        for tally in untold:
            runs, tally.runs = tally.runs, 0
            for series in tally.series:
                series.inc(runs)

    def document(self, outcome: str) -> None:
        """Count a document: `registered`, `unregistered` and run all the same, or `refused`."""
        self._documents.labels(outcome).inc()

    def _series(self, asked: Coordinate) -> Counter:
        return self._fields.labels(asked.type, asked.field, str(asked.deprecated).lower())
