"""The embedded PostgreSQL as something to break: killed, frozen, stopped at once, and started again."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from db.embedded.postmaster import EmbeddedServer, start, stop
from tests.failover.programs import FaultError, wait_until


@dataclass(slots=True)
class Postgres:
    """A PostgreSQL of the test's own, which waits for its disk as one in production does."""

    data_dir: Path
    server: EmbeddedServer

    @property
    def url(self) -> str:
        """Return the address of its database."""
        return self.server.url

    def processes(self) -> list[int]:
        """Return the numbers of its processes, the postmaster first."""
        return postgres_processes(self.server.cluster.folder)

    def kill(self) -> None:
        """Kill all of it at once, as if the power had gone."""
        kill_all(self.processes())

    def stop_immediately(self) -> None:
        """Stop it without a checkpoint and without a word to its clients, as `pg_ctl stop -m immediate` does."""
        processes = self.processes()
        os.kill(processes[0], signal.SIGQUIT)
        wait_until(lambda: all(map(has_ended, processes)), seconds=15, what="the database stops")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all of its processes."""
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def freeze(self, kind: str) -> None:
        """Stop its process of one kind, such as `walwriter`; raise FaultError where there is none."""
        for process in self.processes():
            if kind.encode() in Path(f"/proc/{process}/cmdline").read_bytes():
                os.kill(process, signal.SIGSTOP)
                return
        raise FaultError(f"PostgreSQL has no process {kind}")

    def start(self) -> None:
        """Start it again; returns once it has recovered and answers."""
        again = start(self.data_dir)
        # Only now, so that the count of its users never falls to zero.
        os.close(self.server.users)
        self.server = again

    def start_again(self, *, environment: Mapping[str, str]) -> None:
        """Stop it, and start it with these variables, which the embedded database would not hand on."""
        self.stop_immediately()
        cluster = self.server.cluster
        options = f"-c listen_addresses= -c port=5432 -k {cluster.sockets}"
        account = cluster.account
        subprocess.run(  # noqa: S603 - programs of the wheel, arguments of ours
            [cluster.programs / "pg_ctl", "start", "-w", "-l", cluster.log.name, "-o", options, "-D", "."],
            user=None if account is None else account.pw_uid,
            group=None if account is None else account.pw_gid,
            extra_groups=None if account is None else [],
            cwd=cluster.folder,
            env={"PATH": os.defpath, "LC_ALL": "C", **environment},
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            check=True,
        )

    def execute(self, statement: str) -> None:
        """Run a statement as the superuser."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def postgres(data_dir: Path) -> Iterator[Postgres]:
    """Yield a new PostgreSQL; stop it afterwards, frozen or not."""
    made = Postgres(data_dir, start(data_dir))
    try:
        yield made
    finally:
        with suppress(OSError):
            made.signal(signal.SIGCONT)
        stop(made.server)


def postgres_processes(folder: Path) -> list[int]:
    """Return the numbers of the PostgreSQL processes of a data directory, the postmaster first."""
    postmaster = int((folder / "postmaster.pid").read_text().split("\n", 1)[0])
    return [postmaster, *list_children(postmaster)]


def list_children(process: int) -> list[int]:
    """Return the numbers of the processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def kill_all(processes: list[int]) -> None:
    """Kill processes; return once they have ended."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while not all(map(has_ended, processes)):
        if time.monotonic() > deadline:
            raise FaultError("killed processes did not end")
        time.sleep(0.01)


def has_ended(process: int) -> bool:
    """Return whether a process is gone, or only waits for its parent to notice."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return status.rpartition(")")[2].split()[0] in "ZX"
