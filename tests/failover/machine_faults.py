"""Faults of disk and clock, and the runs of all faults that need one machine only."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from db.embedded.postmaster import EmbeddedError
from tests.failover.audit import audit, find_lost_seats
from tests.failover.backups import DRILL, run_drill
from tests.failover.buyers import Buyers, buying
from tests.failover.crashes import CRASHES, Crash, Stage, cut_power, lose_confirmations, stage, wait_for_load
from tests.failover.measuring import Result, note_journal
from tests.failover.postgres import Postgres
from tests.failover.programs import FaultError, wait_until

SMALL_DISK: Final = "size=220m,mode=755"
FAKETIME: Final = Path("/usr/lib/x86_64-linux-gnu/faketime")
# For programs with threads, and for those that read the clock in signal handlers: there the lock of the other one is a trap.
THREADED: Final = FAKETIME / "libfaketimeMT.so.1"
UNTHREADED: Final = FAKETIME / "libfaketime.so.1"
CLOCKS: Final = ("+2h", "-2h", "+0")
# A hold that was made while the clock was ahead ends when it has come there again.
DATABASE_CLOCKS: Final = ("+2h", "+0", "+4h")
CLOCK_FILE: Final = "clock"
CONTROL: Final = "control-async-commit"

Fault = Callable[[Stage, Buyers], None]


def fill_disk(stage: Stage) -> None:
    """Fill the disk until the database cannot write any more; make room after a while and start what has stopped."""
    ballast = stage.database.data_dir / "ballast"
    with suppress(OSError), ballast.open("wb") as file:
        while True:
            file.write(bytes(65536))
            file.flush()
    time.sleep(10)
    ballast.unlink()
    wait_until(lambda: is_started(stage), seconds=60, what="the database starts again")


def is_started(stage: Stage) -> bool:
    """Return whether the database runs, after trying to start it."""
    try:
        stage.database.start()
    except EmbeddedError:
        return False
    return True


def set_clock_wrong(stage: Stage) -> None:
    """Set the server's clock two hours ahead, then two hours back, under load."""
    for clock in CLOCKS:
        (stage.folder / CLOCK_FILE).write_text(clock)
        time.sleep(3)


def set_database_clock_wrong(stage: Stage) -> None:
    """Set the clock of the database ahead, back and ahead again, under load; in the end all holds are over."""
    for clock in DATABASE_CLOCKS:
        (stage.folder / CLOCK_FILE).write_text(clock)
        time.sleep(3)


def cut_power_beside_async_default(stage: Stage, buyers: Buyers) -> None:
    """Have the database not wait for its disk by default, and cut its power under load: the server must not heed it."""
    stage.database.execute("ALTER SYSTEM SET synchronous_commit = off")
    stage.database.execute("SELECT pg_reload_conf()")
    cut_power(stage, buyers)


def without_buyers(crash: Crash) -> Fault:
    """Return a crash that needs nobody who buys as one of the faults here."""
    return lambda stage, _: crash(stage)


SINGLE: Final[dict[str, Fault]] = {name: without_buyers(crash) for name, crash in CRASHES.items()} | {
    "async-default": cut_power_beside_async_default,
    "full-disk": without_buyers(fill_disk),
    "wrong-clock": without_buyers(set_clock_wrong),
    "wrong-database-clock": without_buyers(set_database_clock_wrong),
}


def run_single(folder: Path, *, name: str) -> Result:
    """Return what came of one fault of a machine under load."""
    folder.mkdir(mode=0o755)
    if name == CONTROL:
        return run_control(folder)
    if name == DRILL:
        return run_drill(folder)
    result = Result(name)
    with prepared_stage(folder, name) as made:
        with buying(made.server.address, made.sessions, folder) as buyers:
            wait_for_load(buyers)
            broken = time.monotonic()
            SINGLE[name](made, buyers)
            try:
                wait_for_load(buyers)
            except FaultError as error:
                result.faults.append(str(error))
            result.rate = buyers.journal.rate(start=buyers.started_at, end=broken)
            result.gap = buyers.journal.longest_gap(since=broken)
        conclude(made, buyers, result)
    return result


@contextmanager
def prepared_stage(folder: Path, name: str) -> Iterator[Stage]:
    """Yield the stage of one fault: on a small disk, or with a clock that can be set."""
    more: dict[str, str] = {}
    if name == "full-disk":
        (folder / "data").mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", SMALL_DISK, "none", folder / "data"], check=True)  # noqa: S603, S607
    prepare = None
    (folder / CLOCK_FILE).write_text("+0")
    if name == "wrong-clock":
        more = clocked(folder, THREADED)
    if name == "wrong-database-clock":
        prepare = partial(Postgres.start_again, environment=clocked(folder, UNTHREADED))
    with stage(folder, more=more, prepare=prepare) as made:
        yield made


def clocked(folder: Path, library: Path) -> dict[str, str]:
    """Return the variables of a program whose clock is set by a file of the folder."""
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(folder / CLOCK_FILE),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def conclude(made: Stage, buyers: Buyers, result: Result) -> None:
    """Compare the journal with the database, and note what else the server said."""
    journal = buyers.journal
    findings = audit(made.database.url, journal, made.sessions)
    result.faults += findings.faults + find_lost_seats(made.database.url, made.sessions)
    note_journal(result, journal, made.server.unexpected_errors())


def run_control(folder: Path) -> Result:
    """Return the negative control: confirmations are lost where commits do not wait for the disk, and the suite sees it."""
    result = Result(CONTROL)
    with stage(folder) as made, buying(made.server.address, made.sessions, folder) as buyers:
        if not lose_confirmations(made, buyers):
            result.faults.append("nothing is missing although commits did not wait for the disk: the suite cannot fail")
        result.acknowledged = len(buyers.journal.confirmed)
    return result
