"""What a scenario returns, and the line that reports it."""

import os
from collections import Counter
from dataclasses import dataclass, field

from tests.failover.journal import Journal


@dataclass(slots=True)
class Result:
    """Times in seconds; `faults` is empty where the scenario was survived."""

    scenario: str
    acknowledged: int = 0
    # The longest time without an acknowledged confirmation, from the fault on.
    gap: float | None = None
    # From the fault to the new primary, and from there to the first acknowledged confirmation.
    promoted: float | None = None
    first_write: float | None = None
    rate: float | None = None
    # The longest time without an answer to readers, who are not asked in every scenario, and what else they were answered.
    read_gap: float | None = None
    unread: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    refused: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def note_journal(result: Result, journal: Journal, unexpected: list[str]) -> None:
    """Note what the buyers were answered, and what the server logged; add what should not have been as faults."""
    result.acknowledged, result.slowest, result.refused = len(journal.confirmed), journal.slowest, journal.refused
    if journal.unsettled:
        result.faults.append(f"{journal.unsettled} purchases got no final answer in time")
    if unexpected:
        result.faults.append(f"{len(unexpected)} unexpected errors, first: {unexpected[0][:300]}")


HEAD = (
    f"{'scenario':<28}{'':<8}{'confirmed':>10}{'per s':>8}{'gap s':>8}{'promoted':>10}{'write after':>13}{'read gap':>10}{'slowest':>9}"
    f"{'load':>7}  other answers"
)


def print_result(result: Result) -> None:
    """Print one line, and one more for each fault."""
    verdict = "FAILED" if result.faults else "ok"
    numbers = (
        f"{result.acknowledged:>10}{spell(result.rate):>8}{spell(result.gap):>8}{spell(result.promoted):>10}"
        f"{spell(result.first_write):>13}{spell(result.read_gap):>10}{spell(result.slowest):>9}"
        # Of the whole machine, in the last minute: what a time has to be judged by.
        f"{os.getloadavg()[0]:>7.1f}"
    )
    answers = ", ".join(f"{count} {name}" for name, count in result.refused.most_common())
    if result.unread:
        answers += "; readers: " + ", ".join(f"{count} {name}" for name, count in result.unread.most_common())
    print(f"{result.scenario:<28}{verdict:<8}{numbers}  {answers}")
    for fault in result.faults:
        print(f"    {fault}")


def spell(seconds: float | None) -> str:
    """Return a number as a cell of the table."""
    return "-" if seconds is None else f"{seconds:.1f}"
