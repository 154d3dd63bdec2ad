"""Opens the connections of the pipeline, with their settings in the start-up message."""

from typing import Any, Final

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

CONNECT_SECONDS: Final = 2


def session_conninfo(conninfo: str, *, statement_seconds: float, lock_seconds: float) -> str:
    """Return the address of a database with the settings of a reading session.

    In the start-up message and not by SET: a pooler would hand what was SET to whoever gets the connection next.
    """
    parts = conninfo_to_dict(conninfo)
    settings = {
        "search_path": "public,queue",
        "timezone": "UTC",
        "statement_timeout": f"{int(statement_seconds * 1000)}ms",
        "lock_timeout": f"{int(lock_seconds * 1000)}ms",
        # Disks that seek are gone; with the default PostgreSQL would rather sort than read in an index's order.
        "random_page_cost": "1.1",
        "default_transaction_read_only": "on",
    }
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    parts["options"] = f"{parts.get('options') or ''} {options}".strip()
    # A session that reads only would not pass for read-write; what is meant is the primary.
    if parts.get("target_session_attrs") == "read-write":
        parts["target_session_attrs"] = "primary"
    parts["connect_timeout"] = parts.get("connect_timeout") or CONNECT_SECONDS
    return make_conninfo("", **parts)


async def open_session(conninfo: str, *, needs_primary: bool) -> AsyncConnection[Any]:
    """Return a new connection; raise psycopg.OperationalError where there is none, or only a standby and that will not do."""
    connection = await AsyncConnection.connect(conninfo, autocommit=True)
    if needs_primary and connection.info.parameter_status("in_hot_standby") == "on":
        # A proxy that has not followed a failover yet; its reads would be old, without an error.
        await connection.close()
        raise psycopg.OperationalError("the server is a standby")
    return connection
