"""What the runs come to: medians and ratios, and the tables that show them."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from benchmarks.peers.load import Run
from benchmarks.peers.scenarios import NAMED
from benchmarks.peers.servers import TITLES

HEADINGS: Final = (
    "server",
    "ratio",
    "its range",
    "CPU ratio",
    "requests a second",
    "p50 ms",
    "p99 ms",
    "server CPU ms",
    "database CPU ms",
    "memory MB",
)
NOTHING: Final = "–"


@dataclass(frozen=True, slots=True)
class Row:
    """One server in one scenario: medians over all rounds, and ratios to the reference round by round."""

    peer: str
    ratio: float
    lowest_ratio: float
    highest_ratio: float
    cpu_ratio: float | None
    requests_a_second: float
    p50_ms: float
    p99_ms: float
    server_cpu_ms: float | None
    database_cpu_ms: float
    memory_mb: float | None


@dataclass(frozen=True, slots=True)
class Result:
    """One scenario as it was measured, with what a reader needs to measure it again."""

    scenario: str
    workers: int
    scale: int
    rounds: int
    seconds: float
    measured_on: str
    commit: str
    machine: str
    load_average: float
    rows: Sequence[Row]

    @property
    def key(self) -> tuple[str, int, int]:
        """What a later result takes the place of."""
        return self.scenario, self.workers, self.scale

    def as_json(self) -> dict[str, Any]:
        """Return what `read_result` reads."""
        return asdict(self)


def read_result(value: Mapping[str, Any]) -> Result:
    """Return a result that was written as JSON."""
    return Result(**{**value, "rows": [Row(**row) for row in value["rows"]]})


def summarize(runs: Mapping[str, Sequence[Run]], *, reference: str) -> list[Row]:
    """Return a row for each server; runs at the same place of two lists were made in the same round."""
    return [summarize_peer(peer, found, runs[reference]) for peer, found in runs.items()]


def summarize_peer(peer: str, runs: Sequence[Run], base: Sequence[Run]) -> Row:
    """Return the row of one server beside the runs of the reference."""
    ratios = [run.requests_a_second / other.requests_a_second for run, other in zip(runs, base, strict=True)]
    medians: dict[str, Any] = {name: median_of(runs, name) for name in Run.__dataclass_fields__}
    own, reference = medians["server_cpu_ms"], median_of(base, "server_cpu_ms")
    cpu_ratio = reference / own if own and reference else None
    return Row(peer, statistics.median(ratios), min(ratios), max(ratios), cpu_ratio, **medians)


def median_of(runs: Sequence[Run], name: str) -> float | None:
    """Return the median of one figure, None where no run has it."""
    found = [value for run in runs if (value := getattr(run, name)) is not None]
    return statistics.median(found) if found else None


def render(result: Result) -> str:
    """Return the table of a scenario, in Markdown."""
    lines = [cells(row) for row in result.rows]
    rule = ["---", *("---:" for _ in HEADINGS[1:])]
    return "\n".join(f"| {' | '.join(line)} |" for line in (HEADINGS, rule, *lines))


def cells(row: Row) -> list[str]:
    """Return a row's cells, with as many digits as mean something."""
    return [
        TITLES[row.peer],
        f"{row.ratio:.2f}",
        f"{row.lowest_ratio:.2f} to {row.highest_ratio:.2f}",
        spell(row.cpu_ratio, 2),
        f"{row.requests_a_second:,.0f}",
        f"{row.p50_ms:.1f}",
        f"{row.p99_ms:.1f}",
        spell(row.server_cpu_ms, 2),
        f"{row.database_cpu_ms:.2f}",
        spell(row.memory_mb, 0),
    ]


def spell(figure: float | None, digits: int) -> str:
    """Return a figure with so many digits behind the point, a dash where there is none."""
    return NOTHING if figure is None else f"{figure:.{digits}f}"


def overview(results: Sequence[Result]) -> str:
    """Return one line for each scenario: what Matinee comes to beside the reference and the limit."""
    headings = ("scenario", "workers", "data", "reference", "Matinee", "by CPU", "pgbench", "CPU ms, server + database")
    lines = [overview_line(result) for result in results]
    rule = ["---" for _ in headings]
    return "\n".join(f"| {' | '.join(line)} |" for line in (headings, rule, *lines))


def overview_line(result: Result) -> list[str]:
    """Return the cells of one scenario in the overview."""
    found = {row.peer: row for row in result.rows}
    own, limit = found.get("matinee"), found.get("pgbench")
    reference = NAMED[result.scenario].peers[0]
    cost = NOTHING if own is None else f"{spell(own.server_cpu_ms, 2)} + {own.database_cpu_ms:.2f}"
    ratios = (own.ratio, own.cpu_ratio) if own else (None, None)
    shown = [spell(ratio, 2) for ratio in (*ratios, limit.ratio if limit else None)]
    return [result.scenario, str(result.workers), f"× {result.scale}", TITLES[reference], *shown, cost]
