"""Starts the embedded server again when its postmaster dies while it is in use."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg

from db.embedded.cluster import Cluster, EmbeddedError, find_cluster, logger
from db.embedded.postmaster import ensure_running, has_postmaster, lock_changes

CHECK_SECONDS: Final = 0.5
# The pause doubles after each failed start, up to this.
LONGEST_PAUSE_SECONDS: Final = 30.0
END_SECONDS: Final = 1.0


@contextmanager
def restart_when_dead(data_dir: Path) -> Iterator[None]:
    """Restart the server of a data directory whenever it dies. Of several processes one restarts it, under a lock."""
    data_dir, ended = data_dir.expanduser().resolve(), threading.Event()
    # Found once: finding it again would make a new cluster where somebody deletes this one.
    cluster = find_cluster(data_dir)
    thread = threading.Thread(target=_look_after, args=(data_dir, cluster, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(END_SECONDS)


def _look_after(data_dir: Path, cluster: Cluster, ended: threading.Event) -> None:
    pause = CHECK_SECONDS
    while not ended.wait(pause):
        try:
            _restart_if_dead(data_dir, cluster, ended)
            pause = CHECK_SECONDS
        except (OSError, subprocess.SubprocessError, psycopg.Error, EmbeddedError) as error:
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            logger.warning("The database in %s was not started again: %s", data_dir, error)


def _restart_if_dead(data_dir: Path, cluster: Cluster, ended: threading.Event) -> None:
    if has_postmaster(cluster):
        return
    with lock_changes(data_dir):
        # The process that had the lock before may have started or stopped it.
        if not has_postmaster(cluster) and not ended.is_set():
            logger.warning("The database server in %s has died; starting it again", data_dir)
            ensure_running(cluster)
