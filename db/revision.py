"""Which schema this code needs and which one is there, told without Alembic, whose memory no server has to carry."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import psycopg

from db.conninfo import add_deadlines

VERSIONS = Path(__file__).parent / "migrations" / "versions"


class MigrationError(Exception):
    """The schema could not be brought up to date. The text says what the database answered."""


@cache
def find_head() -> str:
    """Return the revision that this code needs; a migration's file is named after its revision, in order."""
    return max(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*.py"))


def is_behind(found: str | None) -> bool:
    """Return whether a database at this revision lacks something; a newer one serves older code while it is replaced."""
    return found is None or found < find_head()


def read_revision(conninfo: str) -> str | None:
    """Return the revision that the database is at, None for an empty one."""
    with psycopg.connect(add_deadlines(conninfo), autocommit=True) as connection:
        try:
            row = connection.execute("SELECT version_num FROM public.alembic_version").fetchone()
        except psycopg.errors.UndefinedTable:
            return None
    return row[0] if row else None


def reach_head(conninfo: str) -> None:
    """Bring the schema up to date where it is behind, in a process of its own; raise MigrationError where that fails."""
    if not is_behind(read_revision(conninfo)):
        return
    # The address may hold a password: by standard input it shows in no list of processes.
    ended = subprocess.run(
        [sys.executable, "-m", "db.migrate"], input=conninfo, text=True, capture_output=True, check=False
    )
    if ended.returncode:
        raise MigrationError(ended.stderr.strip().rpartition("\n")[2])
