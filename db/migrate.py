"""Brings the schema up to date; `python -m db.migrate` does so in a separate process, and reads the address from its input."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from db.conninfo import add_deadlines
from db.sync_server_watch import end_when_silent

# An arbitrary number that all processes use.
MIGRATION_LOCK = 7_262_193


@contextmanager
def open_connection(conninfo: str) -> Iterator[Connection]:
    """Yield one synchronous connection in a transaction; commit it at the end.

    Raises psycopg.OperationalError, or SQLAlchemy's error around it, once the server answers nobody. A statement of a
    migration has no other bound: it may rewrite a large table.
    """
    # libpq reads the address itself: SQLAlchemy cannot read one with several hosts.
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(add_deadlines(conninfo)), poolclass=NullPool
    )
    with (
        engine.begin() as opened,
        end_when_silent(cast("psycopg.Connection[Any]", opened.connection.driver_connection), conninfo),
    ):
        yield opened


def make_config(opened: Connection | None = None) -> Config:
    """Return Alembic's configuration; no ini file is needed."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    made.attributes["connection"] = opened
    return made


def upgrade(conninfo: str, revision: str = "head") -> None:
    """Bring the schema up to `revision`; a concurrent caller waits, and then has nothing to do."""
    with open_connection(conninfo) as opened:
        opened.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
        command.upgrade(make_config(opened), revision)


def downgrade(conninfo: str, revision: str) -> None:
    """Take the schema back to `revision`; `base` is an empty database."""
    with open_connection(conninfo) as opened:
        command.downgrade(make_config(opened), revision)


if __name__ == "__main__":
    try:
        upgrade(sys.stdin.read())
    except (DBAPIError, psycopg.Error) as error:
        sys.exit(" ".join(str(getattr(error, "orig", error)).split()))
