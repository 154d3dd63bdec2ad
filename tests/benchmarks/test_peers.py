"""What can be wrong with the comparison of servers without a server being asked."""

from dataclasses import replace
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from benchmarks.peers import equality, page
from benchmarks.peers.load import Run, percentile, read_wrk
from benchmarks.peers.report import Result, render, summarize
from benchmarks.peers.requests import HERE, run_for_each
from benchmarks.peers.scenarios import NAMED, SCENARIOS
from benchmarks.peers.servers import TITLES, PeerError, positional
from benchmarks.peers.usage import read_stat

ROOT = Path(__file__).parents[2]


def run(rate: float, *, server_cpu_ms: float | None = 0.5) -> Run:
    return Run(rate, 1.0, 2.0, server_cpu_ms, 0.1, None if server_cpu_ms is None else 100.0)


def result(scenario: str = "flat-list", *, rate: float = 200.0) -> Result:
    rows = summarize({"mercurius": [run(100)], "matinee": [run(rate)]}, reference="mercurius")
    return Result(scenario, 1, 10, 3, 4.0, "2026-11-29", "abc1234", "2 processors", 0.1, rows)


def test_percentile_is_the_smallest_value_that_enough_others_do_not_exceed() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert [percentile(values, share) for share in (0.5, 0.99, 1.0)] == [50.0, 99.0, 100.0]
    assert percentile([7.0], 0.5) == 7.0


def test_ratio_compares_runs_of_the_same_round() -> None:
    # The machine is ten times slower in the second round.
    runs = {"mercurius": [run(1000), run(100), run(500)], "matinee": [run(2000), run(300), run(500)]}
    reference, own = summarize(runs, reference="mercurius")
    assert (reference.ratio, reference.lowest_ratio, reference.highest_ratio) == (1, 1, 1)
    assert (own.ratio, own.lowest_ratio, own.highest_ratio) == (2, 1, 3)


def test_cpu_ratio_is_above_one_for_the_cheaper_server() -> None:
    runs = {"mercurius": [run(100, server_cpu_ms=0.8)], "matinee": [run(100, server_cpu_ms=0.2)]}
    assert summarize(runs, reference="mercurius")[1].cpu_ratio == pytest.approx(4)


def test_pgbench_has_neither_server_cpu_nor_memory() -> None:
    runs = {"mercurius": [run(100)], "pgbench": [run(400, server_cpu_ms=None)]}
    limit = summarize(runs, reference="mercurius")[1]
    assert (limit.ratio, limit.cpu_ratio, limit.server_cpu_ms, limit.memory_mb) == (4, None, None, None)


def test_every_scenario_is_measured_on_matinee_and_against_a_known_peer() -> None:
    assert len(NAMED) == len(SCENARIOS)
    for scenario in SCENARIOS:
        assert set(scenario.peers) <= TITLES.keys()
        assert "matinee" in scenario.peers
        assert scenario.peers[0] != "matinee"


@pytest.mark.parametrize("file", sorted((HERE / "documents").glob("*.graphql")), ids=lambda file: file.stem)
@pytest.mark.parametrize("schema", [ROOT / "schema.graphql", HERE / "node" / "schema.graphql"], ids=["own", "peers"])
def test_documents_are_valid_for_this_server_and_for_its_peers(file: Path, schema: Path) -> None:
    assert validate(build_schema(schema.read_text()), parse(file.read_text())) == []


def test_failed_answers_end_the_run() -> None:
    figures = '{"requests": 10, "seconds": 1.5, "p50_ms": 2.5, "p99_ms": 9.0, "failed": %d}\n'
    assert read_wrk("apollo", "Running 1s test\n" + figures % 0).requests == 10
    with pytest.raises(PeerError, match="apollo: 3 of 10 answers"):
        read_wrk("apollo", "Running 1s test\n" + figures % 3 + '{"errors": []}')


def test_normalized_answers_differ_in_neither_spelling_nor_signature() -> None:
    one = {"startsAt": "2026-11-29T19:00:00.000Z", "token": "a.b.c", "ids": ["bok_1"], "rating": 4.5}
    other = {"startsAt": "2026-11-29T20:00:00+01:00", "token": "d.e.f", "ids": ["bok_2"], "rating": 4.5}
    assert equality.normalize(one, new_bookings=True) == equality.normalize(other, new_bookings=True)
    assert equality.normalize(one) != equality.normalize(other)
    assert equality.normalize(one | {"token": None}) != equality.normalize(one)


def test_answers_of_postgraphile_are_spelled_as_those_of_matinee() -> None:
    node = {
        "id": "7",
        "from": None,
        "to": None,
        "places": {"nodes": [{"id": "8", "sessions": {"nodes": [{"id": "9"}]}}]},
    }
    translated = equality.translate({"movies": {"nodes": [node]}})["movies"]["nodes"][0]
    assert (translated["id"], translated["airingDates"]) == ("mov_7", None)
    place = translated["places"]["nodes"][0]
    assert (place["id"], place["sessions"]["nodes"][0]["id"]) == ("plc_8", "ses_9")


def test_difference_is_named_by_its_path() -> None:
    with pytest.raises(
        PeerError, match=r"yoga does not answer request 1 as mercurius does, at \$\.a\[1\]: 3 against 2"
    ):
        equality.require_same("yoga", [{}, {"a": [1, 3]}], [{}, {"a": [1, 2]}], reference="mercurius")


def test_named_parameters_become_numbered_ones() -> None:
    made = positional("SELECT %(b)s, %(a)s, %(b)s WHERE name LIKE 'x%%'")
    assert made == {"text": "SELECT $1, $2, $1 WHERE name LIKE 'x%'", "names": ["b", "a"]}


def test_pgbench_prepares_one_statement_for_all_ids() -> None:
    load = run_for_each("node", "movie_id", [7, 8])
    assert "\\set movie_id case when :place = 1 then 7 when :place = 2 then 8 end\n" in load.script
    assert load.script.rstrip().endswith("FROM movies WHERE id = :movie_id::bigint;")
    assert [each.rstrip().rpartition(" ")[2] for each in load.statements] == ["7;", "8;"]


def test_process_whose_name_has_blanks_and_parentheses_is_read() -> None:
    process = read_stat("42 (a (b) c) S 7 1 1 0 -1 4194304 0 0 0 0 30 12 5 6 20 0 1 0 100 1000 25 0")
    assert (process.pid, process.parent, process.ticks, process.ended_ticks) == (42, 7, 42, 11)


def test_later_result_takes_the_place_of_an_earlier_one_of_the_same_setting(tmp_path: Path) -> None:
    file = tmp_path / "performance.md"
    file.write_text(f"Above.\n\n{page.BEGIN}\n{page.END}\n\nBelow.\n")
    page.write(file, [result(), result("node")])
    page.write(file, [result(rate=300.0), replace(result(), workers=2)])
    text = file.read_text()
    assert text.startswith("Above.\n\n")
    assert text.endswith("\n\nBelow.\n")
    assert text.count("### Flat list") == 2
    assert render(result(rate=300.0)) in text
    assert text.index("### Flat list") < text.index("### `node(id:)`") < text.index("2 workers, data × 10")


def test_page_without_a_place_for_figures_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "performance.md"
    file.write_text("Nothing here.\n")
    with pytest.raises(ValueError, match="must hold the two lines"):
        page.write(file, [result()])
    assert file.read_text() == "Nothing here.\n"
    assert not file.with_suffix(".json").exists()


def test_page_of_the_repository_shows_what_was_stored() -> None:
    file = ROOT / "docs" / "performance.md"
    _, _, rest = file.read_text().partition(page.BEGIN)
    shown, _, _ = rest.partition(page.END)
    assert shown.strip() == page.render_all(page.read_store(file)).strip()
