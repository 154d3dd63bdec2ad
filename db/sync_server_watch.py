"""Breaks synchronous connections whose PostgreSQL server has stopped answering, as db/server_watch.py does asynchronous ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any, Final

import psycopg
from psycopg import Connection

from db.conninfo import add_deadlines
from db.server_watch import break_connection

PROBE_SECONDS: Final = 2.0
# A probe waits 2 s for its connection. After this many failures in a row the server is frozen, and not this machine busy.
MOST_FAILURES: Final = 3


@contextmanager
def end_when_silent(connection: Connection[Any], conninfo: str) -> Iterator[None]:
    """Break the connection once its server answers nobody; the statement that waits for it raises psycopg.OperationalError.

    A statement may take as long as it needs, as migrations do, while the server still takes new connections.
    """
    is_done = Event()
    watching = Thread(
        target=watch_server, args=(connection, add_deadlines(conninfo), is_done), name="silence", daemon=True
    )
    watching.start()
    try:
        yield
    finally:
        is_done.set()
        watching.join()


def watch_server(connection: Connection[Any], conninfo: str, is_done: Event) -> None:
    """Probe the server until the work is done; break the connection after too many failures in a row."""
    failures = 0
    while not is_done.wait(PROBE_SECONDS):
        failures = 0 if is_alive(conninfo) else failures + 1
        if failures >= MOST_FAILURES and not is_done.is_set():
            break_connection(connection)
            return


def is_alive(conninfo: str) -> bool:
    """Return whether the server answers a new connection, even if with a refusal such as too many connections."""
    try:
        psycopg.connect(conninfo).close()
    except (psycopg.Error, OSError) as error:
        return "FATAL" in str(error)
    return True
