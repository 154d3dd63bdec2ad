"""A PostgreSQL of the test's own with a streaming standby."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from db.embedded import cluster as embedded_cluster
from db.embedded.postmaster import start, stop
from tests.support.postgres_process import copy_cluster, running_postgres

START_SECONDS: Final = 30.0
PATIENCE_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Pair:
    """The addresses of both."""

    primary: str
    standby: str


@contextmanager
def streaming_pair() -> Iterator[Pair]:
    """Yield a primary and a standby that has caught up with it; remove both afterwards."""
    # Not tmp_path: root's is private, and PostgreSQL does not run as root.
    folder = Path(tempfile.mkdtemp(prefix="matinee-pair-"))
    folder.chmod(0o755)
    server = start(folder / "data")
    try:
        with streaming_standby(server.cluster) as url:
            yield Pair(server.url, url)
    finally:
        stop(server, seconds=10)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def streaming_standby(cluster: embedded_cluster.Cluster) -> Iterator[str]:
    """Yield the address of a new standby of an embedded server; stop it afterwards."""
    folder = cluster.folder.parent / "standby"
    copy_cluster(cluster, folder, "--write-recovery-conf")
    with running_postgres(cluster, folder) as url:
        wait_for_standby(url)
        yield url


def wait_for_standby(url: str) -> None:
    """Return once the standby answers; raise TimeoutError where it does not in time."""
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            with psycopg.connect(url, connect_timeout=2):
                return
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise TimeoutError from None
            time.sleep(0.05)


async def wait_until_replayed(pair: Pair) -> None:
    """Return once the standby shows everything that the primary has committed."""
    with (
        psycopg.connect(pair.primary, autocommit=True) as primary,
        psycopg.connect(pair.standby, autocommit=True) as standby,
    ):
        (written,) = primary.execute("SELECT pg_current_wal_lsn()").fetchone() or (None,)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while standby.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", [written]).fetchone() != (True,):  # noqa: ASYNC110 - another process replays
                await asyncio.sleep(0.02)


@contextmanager
def paused_replay(pair: Pair) -> Iterator[None]:
    """Let the standby receive changes, and not show them, for the length of a block."""
    with psycopg.connect(pair.standby, autocommit=True) as standby:
        standby.execute("SELECT pg_wal_replay_pause()")
        until = time.monotonic() + PATIENCE_SECONDS
        while standby.execute("SELECT pg_get_wal_replay_pause_state()").fetchone() != ("paused",):
            if time.monotonic() > until:
                raise TimeoutError
            time.sleep(0.02)
        try:
            yield
        finally:
            standby.execute("SELECT pg_wal_replay_resume()")
