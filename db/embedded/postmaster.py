"""Starts and stops the embedded PostgreSQL: one server process, shared by all processes that use a data directory.

The wheel's own code counts users of the server, and its count stays wrong after a kill -9; so its programs are
started here. A user of the server holds a shared flock, which the kernel releases when the process is killed.
The last user that leaves stops the server. A server that was not stopped is used again by the next start.
"""

import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.errors import DuplicateDatabase, UniqueViolation

from db.embedded.cluster import NAME, PATIENCE_SECONDS, Cluster, EmbeddedError, find_cluster, logger, run_program
from db.embedded.environment import forget_libpq_environment

if sys.platform != "win32":
    import fcntl

__all__ = ["EmbeddedError", "EmbeddedServer", "run_embedded", "start", "stop"]

# How long to wait for a server that was asked to stop. A server that takes longer still stops by itself.
_STOP_SECONDS = 5.0
_LOG_BYTES = 5_000_000
# What postgres logs while processes of a killed server still run.
_PASSING = ("already exists", "still in use")


@dataclass(frozen=True)
class EmbeddedServer:
    """A running server as one user holds it: the URL of its database, and the shared lock."""

    url: str
    data_dir: Path
    cluster: Cluster
    users: int


@contextmanager
def run_embedded(data_dir: Path, *, limit_stop: Callable[[], float] = lambda: _STOP_SECONDS) -> Iterator[str]:
    """Yield the URL of the database in `data_dir`, made where it is missing; stop it at the end.

    `limit_stop` returns, when the end has come, how many seconds to wait for that. Raises EmbeddedError.
    """
    server = start(data_dir)
    try:
        yield server.url
    finally:
        stop(server, seconds=limit_stop())


def start(data_dir: Path) -> EmbeddedServer:
    """Return the running server of `data_dir`, which is made and started where needed. Raises EmbeddedError."""
    if sys.platform == "win32":
        raise EmbeddedError("No embedded database on Windows: set DATABASE_URL")
    try:
        forget_libpq_environment()
        data_dir = data_dir.expanduser().resolve()
        data_dir.mkdir(parents=True, exist_ok=True)
        with lock_changes(data_dir):
            cluster = find_cluster(data_dir)
            users = _join_users(data_dir)
            try:
                ensure_running(cluster)
            except BaseException:
                # Signals too: an interrupted start must not leave a server running.
                _leave_unstarted(cluster, users)
                raise
    except (OSError, subprocess.SubprocessError, psycopg.Error) as error:
        raise EmbeddedError(f"MATINEE_DATA_DIR: no database in {data_dir}: {error}") from error
    return EmbeddedServer(cluster.url(NAME), data_dir, cluster, users)


def stop(server: EmbeddedServer, *, seconds: float = _STOP_SECONDS) -> None:
    """Leave the server, and stop it where this was the last user. Failures are only logged: the data are safe."""
    deadline = time.monotonic() + seconds
    try:
        with lock_changes(server.data_dir, seconds=seconds):
            _leave(server.cluster, server.users, deadline=deadline)
    except (OSError, subprocess.SubprocessError, EmbeddedError) as error:
        logger.warning("The database in %s was not stopped: %s", server.data_dir, error)


def _leave(cluster: Cluster, users: int, *, deadline: float) -> None:
    """Release the lock of a user, and stop the server where that was the last one."""
    try:
        # pg_ctl signals the process whose number is stored, which may belong to another program by now.
        if _try_lock(users) and has_postmaster(cluster):
            # pg_ctl takes whole seconds.
            seconds = max(1, round(deadline - time.monotonic()))
            run_program(cluster, "pg_ctl", "stop", "-m", "fast", "-w", "-t", str(seconds), "-D", ".")
    finally:
        os.close(users)


def _leave_unstarted(cluster: Cluster, users: int) -> None:
    """Stop the server of an interrupted start; its postmaster may not have written its number yet."""
    deadline = time.monotonic() + 1
    while not has_postmaster(cluster) and time.monotonic() < deadline:
        time.sleep(0.05)
    with suppress(OSError, subprocess.SubprocessError, EmbeddedError):
        _leave(cluster, users, deadline=time.monotonic() + _STOP_SECONDS)


def has_postmaster(cluster: Cluster) -> bool:
    """Return whether a postmaster runs or is starting: it writes its number before it listens."""
    number = _read_first_line(cluster.folder / "postmaster.pid")
    return (number is not None and _is_postgres(number)) or _listens(cluster)


@contextmanager
def lock_changes(data_dir: Path, *, seconds: float = 2 * PATIENCE_SECONDS) -> Iterator[None]:
    """Let starts and stops of one cluster happen one at a time, in whatever process; raise TimeoutError after `seconds`."""
    lock = _open_lock(data_dir / "postgres.lock")
    try:
        deadline = time.monotonic() + seconds
        while not _try_lock(lock):
            if time.monotonic() > deadline:
                raise TimeoutError(f"another process has been starting or stopping it for {seconds:g} s")
            time.sleep(0.02)
        yield
    finally:
        os.close(lock)


def _join_users(data_dir: Path) -> int:
    users = _open_lock(data_dir / "postgres.users")
    fcntl.flock(users, fcntl.LOCK_SH)
    return users


def _open_lock(path: Path) -> int:
    # Read-only is enough for flock, and works where root made the file.
    return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def ensure_running(cluster: Cluster) -> None:
    """Return once the server runs and has its database; wait for a server that starts, recovers or stops."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return _ensure_database(cluster)
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                text = f"The embedded database does not answer: {error}"
                raise EmbeddedError(_add_log(cluster, text)) from error
        if _listens(cluster):
            time.sleep(0.05)
        else:
            _launch(cluster)


def _ensure_database(cluster: Cluster) -> None:
    url = cluster.url("postgres")
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [NAME])
        if not found.rowcount:
            # The statement of a killed process may still run, and finish first.
            with suppress(DuplicateDatabase, UniqueViolation):
                connection.execute(f"CREATE DATABASE {NAME}")


def _listens(cluster: Cluster) -> bool:
    """Return whether a postmaster has the socket: from before its recovery until its end."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        return probe.connect_ex(str(cluster.socket)) == 0


def _launch(cluster: Cluster) -> None:
    """Start the postmaster; return without one where a killed server's processes still prevent it."""
    said = _trim_log(cluster)
    _forget_dead(cluster)
    options = "-c listen_addresses= -c port=5432 -c unix_socket_permissions=0700"
    options += f" -k {shlex.quote(str(cluster.sockets))}"
    arguments = ("start", "-w", "-t", str(PATIENCE_SECONDS), "-l", cluster.log.name, "-o", options)
    try:
        run_program(cluster, "pg_ctl", *arguments, "-D", ".")
    except EmbeddedError as error:
        news = _read_log_after(cluster, said)
        if not any(phrase in news for phrase in _PASSING):
            raise EmbeddedError(_add_log(cluster, str(error))) from error
        logger.info("Waiting for what a killed database server left behind")
        time.sleep(0.3)


def _trim_log(cluster: Cluster) -> int:
    """Return the log's size in bytes, after putting a long one aside."""
    if not cluster.log.exists():
        return 0
    if cluster.log.stat().st_size > _LOG_BYTES:
        cluster.log.replace(cluster.log.with_suffix(".log.1"))
        return 0
    return cluster.log.stat().st_size


def _forget_dead(cluster: Cluster) -> None:
    """Let postgres start where a process that is no postmaster has the killed one's number.

    That process is a zombie that a container's first process never reaps, or another program after a reboot.
    The file gets the number of this process, which postgres ignores. Postgres still looks for the killed
    server's shared memory, which postmaster.pid names too, so two servers never write to one cluster.
    """
    if not Path("/proc/self/stat").exists():
        return
    for file in (cluster.folder / "postmaster.pid", Path(f"{cluster.socket}.lock")):
        number = _read_first_line(file)
        if number is not None and not _is_postgres(number):
            file.write_text(f"{os.getpid()}\n{file.read_text().partition(chr(10))[2]}")


def _read_first_line(file: Path) -> str | None:
    """Return the first line of a file, which is a process's number; None where it is not written whole."""
    try:
        number, newline, _ = file.read_text().partition("\n")
    except FileNotFoundError:
        return None
    return number.strip() if newline else None


def _is_postgres(number: str) -> bool:
    try:
        status = Path("/proc", number, "stat").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False
    before, _, after = status.rpartition(")")
    return before.partition("(")[2] == "postgres" and after.split()[0] not in "ZX"


def _add_log(cluster: Cluster, message: str) -> str:
    lines = _read_log_after(cluster, 0).splitlines()[-10:]
    return "\n".join([message, f"The log is {cluster.log}; it ends with:", *lines])


def _read_log_after(cluster: Cluster, size: int) -> str:
    # There is no log where pg_ctl itself could not start.
    written = cluster.log.read_bytes() if cluster.log.exists() else b""
    return written[size:].decode(errors="replace")
