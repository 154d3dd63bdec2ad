"""Runs the chosen scenarios, inside the namespaces that the command made for it."""

import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.failover import network
from tests.failover.cluster import Cluster, cluster
from tests.failover.failovers import run_failover
from tests.failover.machine_faults import run_single
from tests.failover.measuring import HEAD, Result, print_result
from tests.failover.programs import FaultError
from tests.failover.proxies import haproxy, pgbouncer
from tests.failover.scenarios import CLUSTERED
from tests.failover.server import migrate


def main(folder: Path, chosen: list[str]) -> int:
    """Return 0 where every scenario was survived."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    network.raise_loopback()
    print(HEAD)
    results = [run_one(name, partial(run_single, folder / name, name=name)) for name in chosen if name not in CLUSTERED]
    results += run_clustered(folder, [name for name in chosen if name in CLUSTERED])
    failed = sum(bool(result.faults) for result in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


def run_clustered(folder: Path, chosen: list[str]) -> list[Result]:
    """Return the results of the scenarios that need a cluster, which is made once for all."""
    if not chosen:
        return []
    with ExitStack() as stack:
        made = stack.enter_context(cluster(folder))
        stack.enter_context(haproxy(folder))
        stack.enter_context(pgbouncer(folder))
        migrate(made.url(made.require_primary()), folder)
        return [run_one(name, partial(run_on, made, folder / name, name)) for name in chosen]


def run_on(made: Cluster, folder: Path, name: str) -> Result:
    """Return the result of a scenario of the cluster, whose name ends with the way to the database."""
    fault, _, way = name.rpartition("-")
    return run_failover(made, folder, name=fault, way=way)


def run_one(name: str, run: Callable[[], Result]) -> Result:
    """Return the result of one scenario, printed; what it cannot be brought to is a fault of its own."""
    try:
        result = run()
    except FaultError as error:
        result = Result(name, faults=[str(error)])
    print_result(result)
    return result


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
