"""Completes the address of a database: what libpq's environment states besides, and deadlines for its connections."""

from typing import Final

from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Conninfo

# Seconds to connect; milliseconds until data that is not acknowledged breaks a connection; the probes of an idle one. They
# end waits for a network that loses packets. A frozen server's kernel acknowledges everything: see db/server_watch.py.
DEADLINES: Final = {
    "connect_timeout": "2",
    "tcp_user_timeout": "3000",
    "keepalives_idle": "5",
    "keepalives_interval": "1",
    "keepalives_count": "3",
}


def add_deadlines(conninfo: str) -> str:
    """Return the address with deadlines for connecting, for sent data and for idle connections, where it has none."""
    stated = read_options(conninfo)
    added = {name: value for name, value in DEADLINES.items() if name not in stated}
    return make_conninfo(conninfo, **added)


def read_options(conninfo: str) -> dict[str, str]:
    """Return the options that a connection to this address gets: its own, and those of libpq's environment variables."""
    defaults = {each.keyword.decode(): each.val.decode() for each in Conninfo.get_defaults() if each.val}
    return defaults | {name: str(value) for name, value in conninfo_to_dict(conninfo).items() if value is not None}
