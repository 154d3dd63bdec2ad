"""PostgreSQL with no set-up: one server process, shared by all who use a data directory.

The wheel's programs are started here and not by its own code, whose count of users is wrong for
good after a kill -9. Here a user of the server is whoever holds a shared flock, which the kernel
takes from a killed process; the last one that leaves stops the server. One that nobody stopped is
adopted.
"""

import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.errors import DuplicateDatabase, UniqueViolation

from db.embedded.cluster import NAME, PATIENCE_SECONDS, Cluster, EmbeddedError, find_cluster, logger, run_program

if sys.platform != "win32":
    import fcntl

__all__ = ["EmbeddedError", "EmbeddedServer", "embedded", "start", "stop"]

# `matinee serve` has 10 s from SIGTERM to its end, draining included.
_STOP_SECONDS = 5
_LOG_BYTES = 5_000_000
# What postgres says while processes of a server that was killed are still about.
_PASSING = ("already exists", "still in use")


@dataclass(frozen=True)
class EmbeddedServer:
    """A running server as one user holds it: the URL of its database, and the shared lock."""

    url: str
    data_dir: Path
    cluster: Cluster
    users: int


@contextmanager
def embedded(data_dir: Path) -> Iterator[str]:
    """Yield the URL of the database kept in `data_dir`, made when missing. Raises EmbeddedError."""
    server = start(data_dir)
    try:
        yield server.url
    finally:
        stop(server)


def start(data_dir: Path) -> EmbeddedServer:
    """Return the server of `data_dir`: made, started or adopted as needed. Raises EmbeddedError."""
    if sys.platform == "win32":
        raise EmbeddedError("No embedded database on Windows: set DATABASE_URL")
    try:
        data_dir = data_dir.expanduser().resolve()
        data_dir.mkdir(parents=True, exist_ok=True)
        with _changing(data_dir):
            cluster = find_cluster(data_dir)
            _ensure_running(cluster)
            users = _lock(data_dir / "postgres.users", fcntl.LOCK_SH)
    except (OSError, subprocess.SubprocessError, psycopg.Error) as error:
        raise EmbeddedError(f"MATINEE_DATA_DIR: no database in {data_dir}: {error}") from error
    return EmbeddedServer(cluster.url(NAME), data_dir, cluster, users)


def stop(server: EmbeddedServer) -> None:
    """Leave the server, and stop it when nobody else uses it. Raises nothing: the data are safe."""
    try:
        with _changing(server.data_dir):
            # A process that is not listening may be another's by now, and pg_ctl would signal it.
            if _is_last(server.users) and _listens(server.cluster):
                seconds = str(_STOP_SECONDS)
                arguments = ("stop", "-m", "fast", "-w", "-t", seconds, "-D", ".")
                run_program(server.cluster, "pg_ctl", *arguments)
    except (OSError, subprocess.SubprocessError, EmbeddedError) as error:
        logger.warning("The database in %s was not stopped: %s", server.data_dir, error)
    finally:
        os.close(server.users)


@contextmanager
def _changing(data_dir: Path) -> Iterator[None]:
    """Let starts and stops of one cluster happen one at a time, in whatever process."""
    lock = _lock(data_dir / "postgres.lock", fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(lock)


def _lock(path: Path, kind: int) -> int:
    # Read-only is enough for flock, and lets a user join where root made the file.
    descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, kind)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _is_last(users: int) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _ensure_running(cluster: Cluster) -> None:
    """Return when the server has its database; wait for one that starts, recovers or stops."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return _ensure_database(cluster)
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                text = f"The embedded database does not answer: {error}"
                raise EmbeddedError(_with_log(cluster, text)) from error
        if _listens(cluster):
            time.sleep(0.05)
        else:
            _launch(cluster)


def _ensure_database(cluster: Cluster) -> None:
    url = cluster.url("postgres")
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [NAME])
        if not found.rowcount:
            # The statement of a killed process may still be at work, and finish first.
            with suppress(DuplicateDatabase, UniqueViolation):
                connection.execute(f"CREATE DATABASE {NAME}")


def _listens(cluster: Cluster) -> bool:
    """Tell whether a postmaster has the socket: from before its recovery to its very end."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        return probe.connect_ex(str(cluster.socket)) == 0


def _launch(cluster: Cluster) -> None:
    """Start the postmaster; return without it when what is in its way will pass."""
    said = _trimmed_log(cluster)
    _forget_dead(cluster)
    options = "-c listen_addresses= -c port=5432 -c unix_socket_permissions=0700"
    options += f" -k {shlex.quote(str(cluster.sockets))}"
    arguments = ("start", "-w", "-t", str(PATIENCE_SECONDS), "-l", cluster.log.name, "-o", options)
    try:
        run_program(cluster, "pg_ctl", *arguments, "-D", ".")
    except EmbeddedError as error:
        news = _log_after(cluster, said)
        if not any(phrase in news for phrase in _PASSING):
            raise EmbeddedError(_with_log(cluster, str(error))) from error
        logger.info("Waiting for what a killed database server left behind")
        time.sleep(0.3)


def _trimmed_log(cluster: Cluster) -> int:
    """Return the log's size in bytes, after putting a long one aside."""
    if not cluster.log.exists():
        return 0
    if cluster.log.stat().st_size > _LOG_BYTES:
        cluster.log.replace(cluster.log.with_suffix(".log.1"))
        return 0
    return cluster.log.stat().st_size


def _forget_dead(cluster: Cluster) -> None:
    """Let postgres start where a process that is no postmaster has the killed one's number.

    It is a zombie that a container's first process never buries, or after a reboot somebody else.
    Our own number is one that postgres passes over; it goes on to look for the killed server's
    shared memory, which postmaster.pid names further down, so two servers never write to one cluster.
    """
    if not Path("/proc/self/stat").exists():
        return
    for file in (cluster.folder / "postmaster.pid", Path(f"{cluster.socket}.lock")):
        number, newline, rest = file.read_text().partition("\n") if file.exists() else ("", "", "")
        if newline and not _is_postgres(number.strip()):
            file.write_text(f"{os.getpid()}\n{rest}")


def _is_postgres(number: str) -> bool:
    try:
        status = Path("/proc", number, "stat").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False
    before, _, after = status.rpartition(")")
    return before.partition("(")[2] == "postgres" and after.split()[0] not in "ZX"


def _with_log(cluster: Cluster, message: str) -> str:
    lines = _log_after(cluster, 0).splitlines()[-10:]
    return "\n".join([message, f"The log is {cluster.log}; it ends with:", *lines])


def _log_after(cluster: Cluster, size: int) -> str:
    # None yet when pg_ctl itself could not begin.
    written = cluster.log.read_bytes() if cluster.log.exists() else b""
    return written[size:].decode(errors="replace")
