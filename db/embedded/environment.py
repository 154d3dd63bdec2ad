"""Keeps libpq's environment variables away from the embedded database, whose address is complete without them."""

import os
from typing import Final

from psycopg.pq import Conninfo

# Variables that are not connection options: names of files with options, and settings of the session.
OTHERS: Final = ("PGSERVICEFILE", "PGSYSCONFDIR", "PGDATESTYLE", "PGTZ", "PGGEQO")


def forget_libpq_environment() -> None:
    """Remove libpq's variables from the environment of this process and its workers.

    An address cannot override all of them: PGHOSTADDR leads to another server, PGSERVICE fails where it names no service.
    """
    # Removed first: it makes reading libpq's list of options fail.
    os.environ.pop("PGSERVICE", None)
    options = [each.envvar.decode() for each in Conninfo.get_defaults() if each.envvar]
    for name in (*options, *OTHERS):
        os.environ.pop(name, None)
