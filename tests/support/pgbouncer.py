"""A real PgBouncer in transaction mode in front of the tests' database."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

PROGRAM: Final = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
# It refuses root. The embedded PostgreSQL runs under the same account, and lets only that one reach its socket.
ACCOUNT: Final = "nobody"
START_SECONDS: Final = 30.0
CONFIGURATION: Final = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = {size}
"""


@contextmanager
def pgbouncer(url: str, *, size: int) -> Iterator[str]:
    """Yield an address that leads through PgBouncer to a database, over `size` connections at most."""
    assert PROGRAM is not None
    parts = conninfo_to_dict(url)
    with tempfile.TemporaryDirectory(prefix="matinee-pgbouncer-") as name, free_port() as listen:
        folder = Path(name)
        folder.chmod(0o755)
        users, file = folder / "users", folder / "pgbouncer.ini"
        users.write_text(f'"{parts["user"]}" "{parts.get("password") or ""}"\n')
        settings = {"host": parts["host"], "port": parts.get("port") or 5432, "listen": listen, "users": users}
        file.write_text(CONFIGURATION.format(**settings, size=size))
        process = subprocess.Popen(  # noqa: S603 - no input of others
            [PROGRAM, file],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=pwd.getpwnam(ACCOUNT).pw_uid if os.geteuid() == 0 else None,
        )
        try:
            pooled = make_conninfo("", user=parts["user"], dbname=parts["dbname"], host="127.0.0.1", port=listen)
            wait_for(pooled)
            yield f"postgresql://{parts['user']}@127.0.0.1:{listen}/{parts['dbname']}"
        finally:
            process.terminate()
            process.wait(15)


@contextmanager
def free_port() -> Iterator[int]:
    """Yield a port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    yield port


def wait_for(url: str) -> None:
    """Return once the database answers at an address."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
