"""A PostgreSQL on a folder that `pg_basebackup` has filled: started as a process of the tests, beside the embedded one."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from db.embedded import cluster as embedded_cluster

END_SECONDS: Final = 30.0


@contextmanager
def running_postgres(
    cluster: embedded_cluster.Cluster, folder: Path, *, stop: signal.Signals = signal.SIGQUIT
) -> Iterator[str]:
    """Yield the address of a server that starts on this folder with the programs of a cluster; end it by `stop`.

    It may not answer yet.
    """
    account = cluster.account
    process = subprocess.Popen(  # noqa: S603 - programs of the wheel, arguments of ours
        [
            str(cluster.programs / "postgres"),
            *("-D", str(folder), "-k", str(folder)),
            *("-c", "listen_addresses=", "-c", "port=5432"),
        ],
        user=None if account is None else account.pw_uid,
        group=None if account is None else account.pw_gid,
        extra_groups=None if account is None else [],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"postgresql://{embedded_cluster.NAME}@/{embedded_cluster.NAME}?host={folder}&port=5432"
    finally:
        process.send_signal(stop)
        process.wait(END_SECONDS)


def copy_cluster(cluster: embedded_cluster.Cluster, folder: Path, *options: str) -> None:
    """Fill a new folder with a base backup of a running cluster; `options` are those of `pg_basebackup`."""
    folder.mkdir(mode=0o700)
    # Where the tests run as root, the cluster belongs to another account.
    owner = cluster.folder.stat()
    shutil.chown(folder, owner.st_uid, owner.st_gid)
    connection = ("--host", str(cluster.sockets), "--username", embedded_cluster.NAME)
    copy = ("--pgdata", str(folder), "--checkpoint", "fast")
    embedded_cluster.run_program(cluster, "pg_basebackup", *connection, *copy, *options)
