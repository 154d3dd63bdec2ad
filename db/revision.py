"""The revision of the schema that this code needs, and of the database: read without Alembic, which takes much memory."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import psycopg

from db.conninfo import add_deadlines
from db.sync_server_watch import end_when_silent

VERSIONS = Path(__file__).parent / "migrations" / "versions"


class MigrationError(Exception):
    """The schema could not be brought up to date. The text is the database's answer."""


@cache
def find_head() -> str:
    """Return the revision that this code needs; a migration's file is named after its revision, in order."""
    return max(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*.py"))


def is_behind(found: str | None) -> bool:
    """Return whether a database at this revision is too old; a newer one works with older code while servers are replaced."""
    return found is None or found < find_head()


def read_revision(conninfo: str) -> str | None:
    """Return the revision that the database is at, None for an empty one."""
    with (
        psycopg.connect(add_deadlines(conninfo), autocommit=True) as connection,
        end_when_silent(connection, conninfo),
    ):
        try:
            row = connection.execute("SELECT version_num FROM public.alembic_version").fetchone()
        except psycopg.errors.UndefinedTable:
            return None
    return row[0] if row else None


def reach_head(conninfo: str) -> None:
    """Bring the schema up to date where it is behind, in a separate process; raise MigrationError where that fails."""
    if not is_behind(read_revision(conninfo)):
        return
    # By standard input, because the address may have a password, and arguments show in lists of processes.
    ended = subprocess.run(
        [sys.executable, "-m", "db.migrate"], input=conninfo, text=True, capture_output=True, check=False
    )
    if ended.returncode:
        raise MigrationError(ended.stderr.strip().rpartition("\n")[2])
