"""HAProxy and PgBouncer in the hub, in front of the cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.failover.cluster import DATABASE
from tests.failover.network import NODES
from tests.failover.programs import running

PRIMARY_PORT: Final = 5000
STANDBY_PORT: Final = 5001
POOLER_PORT: Final = 6432
ACCOUNT: Final = "postgres"

DIRECT: Final = ",".join(f"{address}:5432" for address in NODES.values())
# A kernel that hears nothing from its peer gives up after 3 s.
SILENCE: Final = "keepalives_idle=1&keepalives_interval=1&keepalives_count=3&tcp_user_timeout=3000"
# The address of the database by each way to it.
WAYS: Final = {
    "haproxy": f"postgresql://{ACCOUNT}@127.0.0.1:{PRIMARY_PORT}/{DATABASE}",
    "hosts": f"postgresql://{ACCOUNT}@{DIRECT}/{DATABASE}?{SILENCE}",
    "pgbouncer": f"postgresql://{ACCOUNT}@127.0.0.1:{POOLER_PORT}/{DATABASE}",
}

STANDBY: Final = f"postgresql://{ACCOUNT}@127.0.0.1:{STANDBY_PORT}/{DATABASE}"
# The server's other variables by each way: standbys for reads, and a way around the pooler for what needs a session.
OTHER_ADDRESSES: Final = {
    "haproxy": {"DATABASE_READ_URL": STANDBY},
    "hosts": {"DATABASE_READ_URL": WAYS["hosts"]},
    "pgbouncer": {"DATABASE_READ_URL": STANDBY, "DATABASE_DIRECT_URL": WAYS["haproxy"]},
}

HAPROXY: Final = """
global
    maxconn 1000
defaults
    mode tcp
    timeout connect 1s
    timeout client 1h
    timeout server 1h
    timeout check 1s
    retries 2
    option httpchk
    http-check expect status 200
    default-server inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
listen primary
    bind 127.0.0.1:{primary}
    http-check send meth OPTIONS uri /primary
{servers}
listen replica
    bind 127.0.0.1:{standby}
    http-check send meth OPTIONS uri /replica
{servers}
"""
PGBOUNCER: Final = """
[databases]
* = host=127.0.0.1 port={primary}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
max_client_conn = 200
default_pool_size = {size}
server_login_retry = 1
query_wait_timeout = 10
"""


@contextmanager
def haproxy(folder: Path) -> Iterator[None]:
    """Run HAProxy: one port leads to the primary, one to the standby."""
    servers = "\n".join(f"    server {name} {address}:5432 check port 8008" for name, address in NODES.items())
    file = folder / "haproxy.cfg"
    file.write_text(HAPROXY.format(primary=PRIMARY_PORT, standby=STANDBY_PORT, servers=servers))
    with running("haproxy", "haproxy", "-f", file, folder=folder):
        yield


@contextmanager
def pgbouncer(folder: Path, *, target: int = PRIMARY_PORT, port: int = POOLER_PORT, size: int = 5) -> Iterator[None]:
    """Run PgBouncer in transaction mode in front of a port of this machine, with so many connections to PostgreSQL."""
    users, file = folder / "pgbouncer.users", folder / "pgbouncer.ini"
    users.write_text(f'"{ACCOUNT}" ""\n')
    file.write_text(PGBOUNCER.format(primary=target, port=port, users=users, size=size))
    for path in (users, file):
        path.chmod(0o644)
    with running("pgbouncer", "pgbouncer", file, folder=folder, unprivileged=True):
        yield
