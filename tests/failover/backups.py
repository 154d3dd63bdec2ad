"""The backup drill: base backup and archived WAL, restored to a point in time after the database is gone."""

import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import psycopg

from tests.failover.audit import CONFIRMED, query
from tests.failover.buyers import Buyers, buying
from tests.failover.crashes import stage, wait_for_load
from tests.failover.journal import Journal
from tests.failover.measuring import Result
from tests.failover.postgres import Postgres
from tests.failover.programs import wait_until
from tests.failover.server import serving
from tests.support.postgres_process import copy_cluster, running_postgres

DRILL: Final = "restore-point-in-time"
PAGE: Final = "/v1/movies?limit=1"
ARCHIVED_SECONDS: Final = 60.0


def run_drill(folder: Path) -> Result:
    """Return what came of a restore: all that was acknowledged before the point in time is there, and nothing after it."""
    result = Result(DRILL)
    with stage(folder, prepare=archive_wal) as made:
        with buying(made.server.address, made.sessions, folder) as buyers:
            wait_for_load(buyers)
            back_up(made.database)
            wait_for_load(buyers)
        before = buyers.journal
        cursor = first_cursor(made.server.address)
        instant = now(made.database.url)
        with buying(made.server.address, made.sessions, folder) as later:
            wait_for_load(later)
        archive_rest(made.database)
        made.database.kill()
        started = time.monotonic()
        with restored(made.database, instant) as url:
            result.first_write = time.monotonic() - started
            compare(url, before, later, made.sessions, result)
            check_server(url, folder, cursor, result)
    return result


def compare(url: str, before: Journal, later: Buyers, sessions: list[int], result: Result) -> None:
    """Add what is missing of the first journal, and what is there of the second one."""
    stored = dict(query(url, CONFIRMED, sessions))
    result.acknowledged = len(before.confirmed)
    missing = [entry.booking for entry in before.confirmed if entry.booking not in stored]
    if missing:
        result.faults.append(f"acknowledged before the point in time and not there: {len(missing)}")
    if any(entry.booking in stored for entry in later.journal.confirmed):
        result.faults.append("the restore went past its point in time")


def check_server(url: str, folder: Path, cursor: str, result: Result) -> None:
    """Add a fault where a server on the restored database does not continue a list by a cursor from before."""
    with serving(url, folder, name="server-restored") as server:
        answer = httpx.get(f"{server.address}{PAGE}", params={"cursor": cursor})
        if answer.status_code != httpx.codes.OK or not answer.json()["movies"]:
            result.faults.append(f"a cursor from before the restore is not valid: {answer.text[:200]}")


def archive_wal(database: Postgres) -> None:
    """Have the database copy each finished segment of its WAL to a folder."""
    archive = database.server.cluster.folder.parent / "archive"
    archive.mkdir()
    shutil.chown(archive, *owner(database))
    database.execute("ALTER SYSTEM SET archive_mode = on")
    database.execute(f"ALTER SYSTEM SET archive_command = 'cp %p {archive}/%f'")
    database.stop_immediately()
    database.start()


def back_up(database: Postgres) -> None:
    """Take a base backup of the running database."""
    cluster = database.server.cluster
    copy_cluster(cluster, cluster.folder.parent / "backup")


def archive_rest(database: Postgres) -> None:
    """Return once all that was written so far is archived."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        assert row is not None

        def is_archived() -> bool:
            found = connection.execute("SELECT last_archived_wal >= %s FROM pg_stat_archiver", row).fetchone()
            return bool(found and found[0])

        wait_until(is_archived, seconds=ARCHIVED_SECONDS, what="the WAL is archived")


@contextmanager
def restored(database: Postgres, instant: str) -> Iterator[str]:
    """Yield the address of the backup, started and recovered to an instant; stop it afterwards."""
    cluster = database.server.cluster
    folder = cluster.folder.parent / "backup"
    archive = cluster.folder.parent / "archive"
    (folder / "postgresql.auto.conf").write_text(
        f"restore_command = 'cp {archive}/%f %p'\nrecovery_target_time = '{instant}'\nrecovery_target_action = 'promote'\n"
    )
    (folder / "recovery.signal").touch()
    # A fast stop: an immediate one would leave it to recover.
    with running_postgres(cluster, folder, stop=signal.SIGINT) as url:
        wait_until(lambda: is_promoted(url), seconds=60, what="the backup is restored")
        yield url


def is_promoted(url: str) -> bool:
    """Return whether a database has ended its recovery."""
    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            row = connection.execute("SELECT NOT pg_is_in_recovery()").fetchone()
            return bool(row and row[0])
    except psycopg.OperationalError:
        return False


def first_cursor(address: str) -> str:
    """Return the cursor behind the first page of a list."""
    return str(httpx.get(f"{address}{PAGE}").raise_for_status().json()["metadata"]["end_cursor"])


def now(url: str) -> str:
    """Return the database's clock."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT clock_timestamp()::text").fetchone()
    assert row is not None
    return str(row[0])


def owner(database: Postgres) -> tuple[str | int, str | int]:
    """Return the account and the group of the database's processes."""
    found = database.server.cluster.folder.stat()
    return found.st_uid, found.st_gid
