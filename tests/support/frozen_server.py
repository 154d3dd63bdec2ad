"""A PostgreSQL of a test's own that can be frozen: it keeps its sockets open and answers nothing."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from db.embedded.postmaster import run_embedded, start, stop


@contextmanager
def own_data_dir() -> Iterator[Path]:
    """Yield a new data directory; a database that is left in it is stopped at the end."""
    # Not tmp_path: root's is private, and PostgreSQL does not run as root.
    folder = Path(tempfile.mkdtemp(prefix="matinee-own-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        if (folder / "postgres" / "postmaster.pid").exists():
            stop(start(folder))
        shutil.rmtree((folder / "postgres").resolve(), ignore_errors=True)
        shutil.rmtree(folder)


@contextmanager
def own_cluster() -> Iterator[tuple[Path, str]]:
    """Yield the data directory of a new embedded server, and the address of its database."""
    with own_data_dir() as folder, run_embedded(folder) as url:
        yield folder, url


@contextmanager
def frozen(data_dir: Path) -> Iterator[None]:
    """Stop every process of a cluster, and let all of them go on at the end."""
    postmaster = int((data_dir / "postgres" / "postmaster.pid").read_text().partition("\n")[0])
    # The postmaster first: it then starts no others.
    with stopped(postmaster), ExitStack() as stack:
        for child in children_of(postmaster):
            stack.enter_context(stopped(child))
        yield


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop one process, and let it go on at the end if it is still there."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
