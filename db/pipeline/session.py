"""Opens pipelined connections, with their settings in the start-up message."""

from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from db.conninfo import add_deadlines, read_options


def make_session_conninfo(conninfo: str, *, statement_seconds: float, lock_seconds: float) -> str:
    """Return the address of a database with the settings of a reading session.

    In the start-up message and not by SET, whose effect a pooler would pass on to other clients.
    """
    settings = {
        "search_path": "public,queue",
        "timezone": "UTC",
        "datestyle": "ISO",
        "statement_timeout": f"{int(statement_seconds * 1000)}ms",
        "lock_timeout": f"{int(lock_seconds * 1000)}ms",
        # The default assumes disks that seek, and PostgreSQL would sort rather than read in an index's order.
        "random_page_cost": "1.1",
        # Where estimates are far off, compiling a statement of 20 ms takes half a second.
        "jit": "off",
        "default_transaction_read_only": "on",
    }
    stated = read_options(conninfo)
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    # psycopg writes UTF-8 into the raw statements, whatever PGCLIENTENCODING says.
    added = {"client_encoding": "utf8", "options": f"{stated.get('options', '')} {options}".strip()}
    # libpq would refuse a read-only session as not read-write; the primary is meant.
    if stated.get("target_session_attrs") == "read-write":
        added["target_session_attrs"] = "primary"
    return add_deadlines(make_conninfo(conninfo, **added))


class RefusedByPoolerError(psycopg.OperationalError):
    """A pooler between us and PostgreSQL does not pass start-up options on."""


async def open_session(conninfo: str, *, needs_primary: bool) -> AsyncConnection[Any]:
    """Return a new connection; raise psycopg.OperationalError where there is none.

    A standby counts as none where the primary is needed.
    """
    try:
        connection = await AsyncConnection.connect(conninfo, autocommit=True)
    except psycopg.OperationalError as error:
        # PgBouncer's own text; it has no translations, and a failed start-up has no SQLSTATE in psycopg.
        if "unsupported startup parameter" in str(error):
            raise RefusedByPoolerError from error
        raise
    if needs_primary and connection.info.parameter_status("in_hot_standby") == "on":
        # A proxy has not followed a failover yet; reads would be old, without an error.
        await connection.close()
        raise psycopg.OperationalError("the server is a standby")
    return connection
