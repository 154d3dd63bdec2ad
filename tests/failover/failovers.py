"""Faults of the cluster: the primary is killed, frozen, cut off or replaced; the standby is lost and comes back."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.failover import network
from tests.failover.audit import audit, find_lost_seats
from tests.failover.browsers import Browsers, browsing
from tests.failover.buyers import Buyers, buying
from tests.failover.cluster import Cluster, has_role
from tests.failover.measuring import Result, note_journal
from tests.failover.postgres import kill_all
from tests.failover.programme import make_sessions
from tests.failover.programs import FaultError, wait_until
from tests.failover.proxies import OTHER_ADDRESSES, WAYS
from tests.failover.server import Server, serving
from tests.failover.subscriber import following, notices_heard

# The load before a fault, as acknowledged confirmations.
WARM: Final = 40
# What the project promises: writes again so many seconds after the promotion.
PROMISED_SECONDS: Final = 10.0
# How long a scenario waits for a promotion and for the first write after it, before it heals the fault.
PATIENCE_SECONDS: Final = 30.0
AFTERWARDS_SECONDS: Final = 2.0

Heal = Callable[[], None]
Fault = Callable[[Cluster, str], Heal]


def nothing() -> None:
    """Heal what heals by itself."""


def kill_primary(cluster: Cluster, primary: str) -> Heal:
    """Kill PostgreSQL with all its processes; Patroni starts it again as a standby."""
    kill_all(cluster.processes(primary))
    return nothing


def freeze_primary(cluster: Cluster, primary: str) -> Heal:
    """Stop all processes of PostgreSQL; its kernel goes on to acknowledge what is sent to it."""
    cluster.signal(primary, signal.SIGSTOP)
    return lambda: cluster.signal(primary, signal.SIGCONT)


def cut_primary(_: Cluster, primary: str) -> Heal:
    """Cut the primary off from standby, etcd and server."""
    network.cut(primary)
    return lambda: network.join(primary)


def switch_over(cluster: Cluster, _: str) -> Heal:
    """Change roles in order."""
    cluster.switch_over()
    return nothing


def lose_standby(cluster: Cluster, primary: str) -> Heal:
    """Cut the synchronous standby off: commits wait until Patroni does without it."""
    standby = cluster.standby_of(primary)
    network.cut(standby)
    return lambda: network.join(standby)


def cut_between(_: Cluster, __: str) -> Heal:
    """Cut the nodes off from each other alone: both still answer Patroni's checks, and commits wait for the standby."""
    network.separate()
    return network.reunite


FAULTS: Final[dict[str, Fault]] = {
    "kill-primary": kill_primary,
    "freeze-primary": freeze_primary,
    "cut-primary": cut_primary,
    "switchover": switch_over,
    "lose-standby": lose_standby,
    "cut-between": cut_between,
}
# The primary stays what it is.
STAYING: Final = (lose_standby, cut_between)


def run_failover(cluster: Cluster, folder: Path, *, name: str, way: str) -> Result:
    """Return what came of one fault under load, with the server on one way to the database."""
    cluster.wait_synchronous()
    primary = cluster.require_primary()
    sessions = make_sessions(cluster.url(primary))
    result = Result(f"{name}-{way}")
    folder.mkdir(mode=0o755)
    with serving(WAYS[way], folder, more=OTHER_ADDRESSES[way]) as server:
        with (
            following(server.address, sessions[0]),
            browsing(server.address) as browsers,
            buying(server.address, sessions, folder) as buyers,
        ):
            wait_until(lambda: len(buyers.journal.confirmed) >= WARM, seconds=30, what="the buyers buy")
            broken = time.monotonic()
            run_fault(cluster, FAULTS[name], buyers, result, expects_promotion=FAULTS[name] not in STAYING)
            require_notices(server, result)
            note_browsing(browsers, result, since=broken)
        finish(cluster, server, buyers, result, sessions)
    return result


def run_fault(cluster: Cluster, fault: Fault, buyers: Buyers, result: Result, *, expects_promotion: bool) -> None:
    """Break something, wait for writes, heal it, and wait until the cluster is whole; note the times."""
    primary = cluster.require_primary()
    broken = time.monotonic()
    result.rate = buyers.journal.rate(start=buyers.started_at, end=broken)
    with promotion_of(cluster.standby_of(primary)) as promotion:
        heal = fault(cluster, primary)
        try:
            if expects_promotion:
                wait_until(promotion.is_set, seconds=PATIENCE_SECONDS, what="the standby is promoted")
            wait_for_write(buyers, result, since=time.monotonic(), broken=broken, promoted=expects_promotion)
            time.sleep(AFTERWARDS_SECONDS)
        finally:
            heal()
    cluster.wait_synchronous()
    time.sleep(AFTERWARDS_SECONDS)
    result.gap = buyers.journal.longest_gap(since=broken)


def wait_for_write(buyers: Buyers, result: Result, *, since: float, broken: float, promoted: bool) -> None:
    """Note when a confirmation was acknowledged again."""
    if promoted:
        result.promoted = since - broken
    try:
        wait_until(
            lambda: buyers.journal.first_after(since) is not None, seconds=PATIENCE_SECONDS, what="writes work again"
        )
    except FaultError as error:
        result.faults.append(str(error))
        return
    result.first_write = buyers.journal.first_after(since)
    if result.first_write is not None and result.first_write > PROMISED_SECONDS:
        result.faults.append(f"writes worked only {result.first_write:.1f} s after the promotion")


def note_browsing(browsers: Browsers, result: Result, *, since: float) -> None:
    """Note the longest time without an answer to readers; add a fault where it was too long, or an answer was wrong."""
    result.read_gap, result.unread = browsers.longest_gap(since=since), browsers.refused
    if result.read_gap > (result.promoted or 0.0) + PROMISED_SECONDS:
        result.faults.append(f"no list was answered for {result.read_gap:.1f} s")
    if browsers.wrong:
        result.faults.append(f"{len(browsers.wrong)} wrong answers to readers, first: {browsers.wrong[0]}")


@contextmanager
def promotion_of(standby: str) -> Iterator[threading.Event]:
    """Yield an event that is set when the standby says that it is the primary."""
    promoted, over = threading.Event(), threading.Event()

    def watch() -> None:
        while not over.is_set() and not promoted.is_set():
            if has_role(standby, "primary"):
                promoted.set()
            time.sleep(0.02)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield promoted
    finally:
        over.set()
        thread.join(5)


def require_notices(server: Server, result: Result) -> None:
    """Add a fault where the server does not hear of changes again, while there are some."""
    before = notices_heard(server.address)
    try:
        wait_until(
            lambda: notices_heard(server.address) > before, seconds=20, what="the server listens for changes again"
        )
    except FaultError as error:
        result.faults.append(str(error))


def finish(cluster: Cluster, server: Server, buyers: Buyers, result: Result, sessions: list[int]) -> None:
    """Compare the journal with the new primary, and note what else the server said."""
    journal = buyers.journal
    url = cluster.url(cluster.require_primary())
    findings = audit(url, journal, sessions)
    result.faults += findings.faults + find_lost_seats(url, sessions)
    note_journal(result, journal, server.unexpected_errors())
