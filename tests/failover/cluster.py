"""A PostgreSQL primary with a synchronous standby under Patroni and etcd, and the faults that can be done to it."""

import json
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from tests.failover import network
from tests.failover.network import HUB, NODES
from tests.failover.postgres import postgres_processes
from tests.failover.programs import FaultError, make_folder, running, wait_until

DATABASE: Final = "matinee"
# The standby takes 7 to 12 s to follow the new primary after a fault.
HEALING_SECONDS: Final = 60.0
PATRONI: Final[dict[str, Any]] = {
    # Short, so that a run is short; docs/failover.md has what was measured with longer ones.
    "ttl": 5,
    "loop_wait": 1,
    "retry_timeout": 2,
    "maximum_lag_on_failover": 1048576,
    "synchronous_mode": True,
    "synchronous_mode_strict": False,
    # The standby takes over at once: a crashed primary is not started again in its place.
    "primary_start_timeout": 0,
    "postgresql": {
        "use_pg_rewind": True,
        "use_slots": True,
        "parameters": {"max_connections": 200, "wal_sender_timeout": "5s"},
    },
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """Two nodes; which one is the primary changes."""

    folder: Path

    def primary(self) -> str | None:
        """Return the name of the node that says it is the primary, None where none does at the moment."""
        return next((name for name in NODES if has_role(name, "primary")), None)

    def require_primary(self) -> str:
        """Return the name of the primary; raise FaultError where there is none."""
        name = self.primary()
        if name is None:
            raise FaultError("there is no primary")
        return name

    def standby_of(self, primary: str) -> str:
        """Return the name of the other node."""
        return next(name for name in NODES if name != primary)

    def wait_synchronous(self) -> None:
        """Return once a primary has a synchronous standby: before that a fault may lose what nobody promised."""
        wait_until(self.is_synchronous, seconds=HEALING_SECONDS, what="the cluster has a synchronous standby")

    def is_synchronous(self) -> bool:
        """Return whether one node is the primary and the other one its synchronous standby."""
        primary = self.primary()
        return primary is not None and has_role(self.standby_of(primary), "sync")

    def url(self, name: str, *, database: str = DATABASE) -> str:
        """Return the address of one node's database."""
        return f"postgresql://postgres@{NODES[name]}:5432/{database}?connect_timeout=2"

    def processes(self, name: str) -> list[int]:
        """Return the numbers of a node's PostgreSQL processes, the postmaster first."""
        return postgres_processes(self.folder / name / "data")

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to all processes of a node's PostgreSQL; Patroni beside it goes on."""
        for process in self.processes(name):
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def switch_over(self) -> None:
        """Have Patroni make the standby the primary, in order; raise FaultError where it refuses."""
        primary = self.require_primary()
        asked = {"leader": primary, "candidate": self.standby_of(primary)}
        request = urllib.request.Request(
            f"http://{NODES[primary]}:8008/switchover",
            data=json.dumps(asked).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            if answer.status != 200:
                raise FaultError(f"the switchover was refused: {answer.read().decode()}")


def has_role(name: str, role: str) -> bool:
    """Return whether a node's Patroni says that its PostgreSQL is running in this role."""
    try:
        with urllib.request.urlopen(f"http://{NODES[name]}:8008/{role}", timeout=1) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Yield a cluster with an empty database and a synchronous standby; end it afterwards."""
    network.build()
    with ExitStack() as stack:
        stack.enter_context(etcd(folder))
        wait_until(etcd_answers, seconds=15, what="etcd answers")
        made = Cluster(folder)
        for name in NODES:
            stack.enter_context(node(name, folder))
            # The first one makes the cluster, the other one copies it.
            wait_until(lambda: made.primary() is not None, seconds=60, what="the cluster has a primary")
        made.wait_synchronous()
        with psycopg.connect(made.url(made.require_primary(), database="postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE} ENCODING utf8 TEMPLATE template0")
        yield made


def etcd_answers() -> bool:
    """Return whether etcd's v2 interface answers."""
    try:
        with urllib.request.urlopen(f"http://{HUB}:2379/v2/keys", timeout=1):
            return True
    except OSError:
        return False


@contextmanager
def etcd(folder: Path) -> Iterator[None]:
    """Run etcd in the hub.

    By its v2 interface: with v3 and Patroni 3.0.2 a primary that was frozen took the lock back when it woke up, and the
    new one was rewound.
    """
    client, peer = f"http://{HUB}:2379", f"http://{HUB}:2380"
    addresses = ("--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer)
    first = ("--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}")
    data = ("--data-dir", folder / "etcd", "--enable-v2")
    with running("etcd", "etcd", *addresses, *first, *data, folder=folder):
        yield


@contextmanager
def node(name: str, folder: Path) -> Iterator[None]:
    """Run Patroni, and PostgreSQL under it, on one node."""
    home = make_folder(folder / name)
    file = folder / f"{name}.json"
    file.write_text(json.dumps(configuration(name, home)))
    file.chmod(0o644)
    with running(
        name, "patroni", file, folder=folder, namespace=name, unprivileged=True, environment={"HOME": str(home)}
    ):
        yield


def configuration(name: str, home: Path) -> dict[str, Any]:
    """Return Patroni's configuration of a node; JSON is YAML too."""
    address = NODES[name]
    account = {"username": "postgres"}
    return {
        "scope": DATABASE,
        "name": name,
        "restapi": {"listen": f"{address}:8008", "connect_address": f"{address}:8008"},
        "etcd": {"host": f"{HUB}:2379"},
        "bootstrap": {"dcs": PATRONI, "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"]},
        "postgresql": {
            "listen": f"{address}:5432",
            "connect_address": f"{address}:5432",
            "data_dir": str(home / "data"),
            "bin_dir": str(programs()),
            "basebackup": [{"checkpoint": "fast"}],
            "authentication": {"superuser": account, "replication": account, "rewind": account},
            # Nobody else is in this network.
            "pg_hba": [
                "host all all 192.0.2.0/24 trust",
                "host replication all 192.0.2.0/24 trust",
                "local all all trust",
            ],
            "parameters": {"unix_socket_directories": str(home)},
        },
    }


def programs() -> Path:
    """Return the folder of the newest of Debian's PostgreSQL programs."""
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
