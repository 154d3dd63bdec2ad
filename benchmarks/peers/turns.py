"""Servers of one scenario in turns: proven equal first, warmed up, then loaded round by round."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from benchmarks.peers import equality, load, usage
from benchmarks.peers.load import Run
from benchmarks.peers.requests import HERE
from benchmarks.peers.scenarios import PGBENCH, POSTGRAPHILE, Scenario
from benchmarks.peers.servers import Server, running
from benchmarks.peers.subjects import Subjects, make_subjects, settle

WARM_UP_SECONDS: Final = 2


@dataclass(frozen=True, slots=True)
class Stage:
    """What the turns of a scenario need."""

    scenario: Scenario
    servers: dict[str, Server]
    subjects: Subjects
    url: str
    workers: int
    postmaster: int

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The benchmark's own connection to the database."""
        return self.subjects.connection


def take(
    scenario: Scenario,
    peers: Sequence[str],
    connection: psycopg.Connection[Any],
    url: str,
    *,
    rounds: int,
    seconds: float,
    workers: int,
) -> dict[str, list[Run]]:
    """Return the runs of each server, as many as there are rounds; raise PeerError where answers differ."""
    with staged(scenario, peers, connection, url, workers=workers) as stage:
        prove_equal(stage)
        for peer in peers:
            run(stage, peer, seconds=WARM_UP_SECONDS)
        found: dict[str, list[Run]] = {peer: [] for peer in peers}
        for number in range(rounds):
            # Each is first in turn.
            for peer in (*peers[number % len(peers) :], *peers[: number % len(peers)]):
                found[peer].append(run(stage, peer, seconds=seconds))
                rate = found[peer][-1].requests_a_second
                print(f"  round {number + 1} of {rounds}: {peer} {rate:,.0f} a second", flush=True)
        prove_equal(stage)
        return found


@contextmanager
def staged(
    scenario: Scenario, peers: Sequence[str], connection: psycopg.Connection[Any], url: str, *, workers: int
) -> Iterator[Stage]:
    """Yield the scenario with its servers running and its subjects made."""
    if POSTGRAPHILE in peers:
        connection.execute((HERE / "statements" / "postgraphile.sql").read_bytes())
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="matinee-logs-")))
        servers = {
            peer: stack.enter_context(running(peer, database_url=url, workers=workers, folder=folder))
            for peer in peers
            if peer != PGBENCH
        }
        yield Stage(scenario, servers, make_subjects(connection), url, workers, usage.postmaster(connection))


def prove_equal(stage: Stage) -> None:
    """Raise PeerError unless all servers, and the statements of pgbench, answer as the reference does."""
    scenario, writes = stage.scenario, stage.scenario.writes
    answers = {
        name: equality.ask(server, scenario.load(stage.subjects, name), writes=writes)
        for name, server in stage.servers.items()
    }
    if not writes and PGBENCH in scenario.peers:
        loaded = scenario.load(stage.subjects, PGBENCH)
        answers[PGBENCH] = equality.ask_database(stage.connection, loaded)
    reference = scenario.peers[0]
    for name, found in answers.items():
        equality.require_same(name, found, answers[reference], reference=reference)


def run(stage: Stage, peer: str, *, seconds: float) -> Run:
    """Return one run of a server, or of pgbench."""
    scenario = stage.scenario
    made = scenario.load(stage.subjects, peer)
    if scenario.writes:
        settle(stage.connection)
    if peer == PGBENCH:
        return load.run_pgbench(
            stage.url,
            made,
            connections=scenario.pgbench_connections,
            seconds=seconds,
            threads=stage.workers,
            postmaster=stage.postmaster,
        )
    # An answer without a body has nothing to check but its status.
    checks = scenario.writes and made.requests[0].path == "/graphql"
    return load.run_wrk(
        stage.servers[peer],
        made,
        connections=scenario.connections,
        seconds=seconds,
        postmaster=stage.postmaster,
        checks=checks,
    )
