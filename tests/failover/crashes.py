"""Faults on one machine: of a worker, of the server, of its database, of the disk and of the clock."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.failover.audit import find_missing
from tests.failover.buyers import Buyers
from tests.failover.postgres import Postgres, kill_all, list_children, postgres
from tests.failover.programme import make_sessions
from tests.failover.programs import FaultError, wait_until
from tests.failover.server import Server, migrate, serving

FROZEN_SECONDS: Final = 3.0
DOWN_SECONDS: Final = 1.0
# What must be acknowledged before a fault, and again after it.
LOAD: Final = 20
RECOVERY_SECONDS: Final = 60.0
ATTEMPTS: Final = 10
# After which the walwriter is taken to have been stopped in the middle of a write.
STOPPED_SECONDS: Final = 15.0
# Switches off waiting for the disk where the server cannot prevent it: inside the transaction of a booking.
FORGETFUL: Final = """
    CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM set_config('synchronous_commit', 'off', true); RETURN NULL; END $$;
    CREATE TRIGGER forget AFTER INSERT OR UPDATE ON bookings FOR EACH STATEMENT EXECUTE FUNCTION forget()
"""
WORKER: Final = b"spawn_main"


@dataclass(slots=True)
class Stage:
    """A database, a server with two workers, and what there is to buy."""

    folder: Path
    database: Postgres
    server: Server
    sessions: list[int]
    # Ends a server that was started later.
    servers: ExitStack

    def serve_again(self) -> None:
        """Start the server anew at its address."""
        port = int(self.server.address.rpartition(":")[2])
        self.server = self.servers.enter_context(
            serving(self.database.url, self.folder, workers=2, port=port, name="server-again")
        )


Crash = Callable[[Stage], None]


def kill_worker(stage: Stage) -> None:
    """Kill one of the workers in the middle of what it does."""
    kill_all(find_workers(stage)[:1])


def find_workers(stage: Stage) -> list[int]:
    """Return the numbers of the server's workers, once there is one."""
    found: list[int] = []

    def is_found() -> bool:
        found[:] = [child for child in list_children(stage.server.program.process.pid) if is_worker(child)]
        return bool(found)

    wait_until(is_found, seconds=RECOVERY_SECONDS, what="the server has a worker")
    return found


def is_worker(process: int) -> bool:
    """Return whether a process is a worker of the server, and still there."""
    try:
        return WORKER in Path(f"/proc/{process}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def kill_server(stage: Stage) -> None:
    """Kill the server with all its workers, and start it again."""
    process = stage.server.program.process
    kill_all([*list_children(process.pid), process.pid])
    stage.serve_again()


def freeze_server(stage: Stage) -> None:
    """Stop all processes of the server for a moment."""
    process = stage.server.program.process
    with frozen([process.pid, *list_children(process.pid)]):
        time.sleep(FROZEN_SECONDS)


def freeze_database(stage: Stage) -> None:
    """Stop all processes of the database for a moment: connections stay open, and nothing answers."""
    with frozen(stage.database.processes()):
        time.sleep(FROZEN_SECONDS)


def stop_database(stage: Stage) -> None:
    """Stop the database at once, and start it again a moment later."""
    stage.database.stop_immediately()
    time.sleep(DOWN_SECONDS)
    stage.database.start()


def kill_database(stage: Stage) -> None:
    """Kill all processes of the database, and start it again."""
    stage.database.kill()
    stage.database.start()


CRASHES: Final[dict[str, Crash]] = {
    "kill-worker": kill_worker,
    "kill-server": kill_server,
    "freeze-server": freeze_server,
    "freeze-database": freeze_database,
    "stop-database": stop_database,
    "kill-database": kill_database,
}


@contextmanager
def frozen(processes: list[int]) -> Iterator[None]:
    """Keep processes from running for the length of a block."""
    send(processes, signal.SIGSTOP)
    try:
        yield
    finally:
        send(processes, signal.SIGCONT)


def send(processes: list[int], number: signal.Signals) -> None:
    """Send a signal to processes, of which some may have ended since they were listed."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, number)


@contextmanager
def stage(
    folder: Path, *, more: Mapping[str, str] | None = None, prepare: Callable[[Postgres], None] | None = None
) -> Iterator[Stage]:
    """Yield a server on a database of its own.

    `more` are variables of the server's environment; `prepare` is called with the database before anybody uses it.
    """
    with ExitStack() as stack:
        database = stack.enter_context(postgres(folder / "data"))
        if prepare is not None:
            prepare(database)
        migrate(database.url, folder)
        server = stack.enter_context(serving(database.url, folder, workers=2, more=more))
        yield Stage(folder, database, server, make_sessions(database.url), stack)


def cut_power(stage: Stage, buyers: Buyers) -> None:
    """Kill the database under load, after its process that writes what no commit waited for has stopped; start it again."""
    stop_writer(stage, buyers)
    stage.database.kill()
    stage.database.start()


def stop_writer(stage: Stage, buyers: Buyers) -> None:
    """Stop the process that writes what no commit waited for, at a moment when it writes nothing: else all commits wait for it."""
    for _ in range(ATTEMPTS):
        stage.database.freeze("walwriter")
        with suppress(FaultError):
            wait_for_load(buyers, seconds=STOPPED_SECONDS)
            return
        stage.database.signal(signal.SIGCONT)
    raise FaultError("nobody can confirm while the walwriter is stopped")


def lose_confirmations(stage: Stage, buyers: Buyers) -> list[int]:
    """Return confirmations that are lost, once commits do not wait for the disk; several attempts, as others' commits do."""
    stage.database.execute(FORGETFUL)
    for _ in range(ATTEMPTS):
        wait_for_load(buyers)
        cut_power(stage, buyers)
        missing = find_missing(stage.database.url, buyers.journal, stage.sessions)
        if missing:
            return missing
    return []


def wait_for_load(buyers: Buyers, *, seconds: float = RECOVERY_SECONDS) -> float:
    """Return how many seconds it took until more confirmations were acknowledged."""
    count = len(buyers.journal.confirmed) + LOAD
    return wait_until(lambda: len(buyers.journal.confirmed) >= count, seconds=seconds, what="confirmations go on")
