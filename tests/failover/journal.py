"""What the server has acknowledged, written down outside of it, and what that says about the time of a fault."""

import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A booking whose confirmation was acknowledged, at an instant of this machine's monotonic clock."""

    booking: int
    seats: int
    at: float


@dataclass(slots=True)
class Journal:
    """Acknowledged confirmations in a file, and a count of the answers that were none."""

    file: Path
    confirmed: list[Confirmed] = field(default_factory=list)
    # By status and code, or the kind of failure where there was no answer.
    refused: Counter[str] = field(default_factory=Counter)
    # Purchases whose last answer was still a failure when the run ended.
    unsettled: int = 0
    slowest: float = 0.0

    def acknowledge(self, booking: int, *, seats: int) -> None:
        """Write down that a confirmation was acknowledged."""
        entry = Confirmed(booking, seats, time.monotonic())
        with self.file.open("a") as file:
            file.write(json.dumps([entry.booking, entry.seats, entry.at]) + "\n")
        self.confirmed.append(entry)

    def longest_gap(self, *, since: float) -> float:
        """Return the longest time in seconds without an acknowledged confirmation since an instant."""
        return longest_gap([entry.at for entry in self.confirmed], since=since)

    def first_after(self, instant: float) -> float | None:
        """Return how many seconds after an instant the first confirmation was acknowledged."""
        return next((entry.at - instant for entry in self.confirmed if entry.at > instant), None)

    def rate(self, *, start: float, end: float) -> float:
        """Return the acknowledged confirmations per second between two instants."""
        return sum(start <= entry.at < end for entry in self.confirmed) / max(end - start, 0.001)


def longest_gap(instants: Iterable[float], *, since: float) -> float:
    """Return the longest time between two instants in order, from `since` on."""
    later = [since, *(instant for instant in instants if instant > since)]
    return max((after - before for before, after in pairwise(later)), default=0.0)
