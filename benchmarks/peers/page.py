"""The page of figures: its measured part is written from results, all else by hand."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.peers.report import Result, overview, read_result, render
from benchmarks.peers.scenarios import NAMED

BEGIN: Final = "<!-- Written by python -m benchmarks.peers --write: do not edit up to its end. -->"
END: Final = "<!-- End of what is measured. -->"


def write(page: Path, results: Sequence[Result]) -> None:
    """Put results into a page and the JSON file beside it, in place of earlier ones of the same setting.

    Raises ValueError where the page has no place for them.
    """
    merged = merge(read_store(page), results)
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} must hold the two lines\n{BEGIN}\n{END}")
    page.write_text(f"{before}{BEGIN}\n\n{render_all(merged)}\n\n{END}{after}")
    store = page.with_suffix(".json")
    store.write_text(json.dumps([each.as_json() for each in merged], indent=1) + "\n")


def read_store(page: Path) -> list[Result]:
    """Return the results that a page was written from."""
    store = page.with_suffix(".json")
    return [read_result(each) for each in json.loads(store.read_text())] if store.exists() else []


def merge(earlier: Sequence[Result], later: Sequence[Result]) -> list[Result]:
    """Return all results, the later one where two are of the same setting, in the order of the scenarios."""
    found = {each.key: each for each in (*earlier, *later)}
    order = list(NAMED)
    return sorted(found.values(), key=lambda each: (each.workers, each.scale, order.index(each.scenario)))


def render_all(results: Sequence[Result]) -> str:
    """Return the measured part of the page."""
    parts = [overview(results)]
    for result in results:
        workers = "one worker" if result.workers == 1 else f"{result.workers} workers"
        parts += [
            f"### {NAMED[result.scenario].title} ({workers}, data × {result.scale})",
            render(result),
            describe(result),
        ]
    return "\n\n".join(parts)


def describe(result: Result) -> str:
    """Return the sentence below a table that says how to measure it again."""
    scenario = NAMED[result.scenario]
    command = (
        f"python -m benchmarks.peers --scenarios {result.scenario} --workers {result.workers} --scale {result.scale}"
        f" --rounds {result.rounds} --seconds {result.seconds:g}"
    )
    return (
        f"`{command}` on {result.measured_on}, commit {result.commit}, {scenario.connections} connections. {result.machine};"
        f" load average before the scenario {result.load_average:.1f}."
    )
