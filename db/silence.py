"""Ends synchronous waits for a PostgreSQL server that has stopped answering; db/server_watch.py does so for asynchronous ones."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any, Final

import psycopg
from psycopg import Connection

from db.conninfo import add_deadlines

PROBE_SECONDS: Final = 2.0
# A probe waits 2 s for its connection: so many in a row mean that the server is frozen, and not that this machine is busy.
MOST_FAILURES: Final = 3


@contextmanager
def end_when_silent(connection: Connection[Any], conninfo: str) -> Iterator[None]:
    """Break the connection once its server answers nobody; then whoever waits for it gets a psycopg.OperationalError.

    A statement may take as long as it needs, as migrations do, while the server still takes new connections.
    """
    is_done = Event()
    watching = Thread(target=watch, args=(connection, add_deadlines(conninfo), is_done), name="silence", daemon=True)
    watching.start()
    try:
        yield
    finally:
        is_done.set()
        watching.join()


def watch(connection: Connection[Any], conninfo: str, is_done: Event) -> None:
    """Probe the server until the work is done; break the connection after too many failures in a row."""
    failures = 0
    while not is_done.wait(PROBE_SECONDS):
        failures = 0 if is_alive(conninfo) else failures + 1
        if failures >= MOST_FAILURES and not is_done.is_set():
            hang_up(connection)
            return


def is_alive(conninfo: str) -> bool:
    """Return whether the server answers a new connection, be it with a refusal such as too many connections."""
    try:
        psycopg.connect(conninfo).close()
    except (psycopg.Error, OSError) as error:
        return "FATAL" in str(error)
    return True


def hang_up(connection: Connection[Any]) -> None:
    """End the stream from the server; psycopg sees that in the thread that waits."""
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.pgconn.socket)) as duplicate:
        duplicate.shutdown(socket.SHUT_RDWR)
