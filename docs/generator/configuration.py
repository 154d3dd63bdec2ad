# ruff: noqa: INP001 - part of a script, see __main__.py
"""The page of the environment variables, from the declarations in config/."""

from typing import Final

from markdown import NOTE, grid

from config.settings import VARIABLES
from config.variables import Variable

INTRODUCTION: Final = """
# Configuration

All settings are environment variables; there is no configuration file. `config/settings.py` is their only reader; the
files beside it declare each of them once. This page, the checks and `matinee serve --help` are made from those declarations.

"""
RULES: Final = """
- An empty variable counts as unset.
- A wrong value stops the command with status 2 and one line: the variable, what is wrong with it, an example. The line never
  repeats secrets and database addresses.
- A warning names a `MATINEE_…` variable that nothing reads, with the nearest name that exists.
- With `MATINEE_ENV=production` the secret must be set. In development it is generated once and stored in the file `secret` of
  the data directory.
- To change the secret without signing anybody out, put the new one first, and keep the old one behind a comma until its tokens
  have expired: `MATINEE_SECRET=new…,old…`.
- `DATABASE_URL` and `DATABASE_READ_URL` may name several hosts, separated by commas. The first variable then means the host that
  accepts writes, the second one a standby where there is one.
- Connections get `connect_timeout=2` seconds, `tcp_user_timeout=3000` milliseconds, `keepalives_idle=5`,
  `keepalives_interval=1` and `keepalives_count=3`, unless the address or libpq's own environment states other values.
- libpq's own variables (`PGPASSWORD`, `PGSSLMODE`, `PGOPTIONS`, `PGTARGETSESSIONATTRS` …) complete `DATABASE_URL`. The embedded
  database ignores them.
"""


def configuration() -> str:
    """Return docs/configuration.md."""
    rows = [(f"`{each.name}`", default(each), each.meaning, f"`{each.example}`") for each in VARIABLES]
    return NOTE + INTRODUCTION + grid(("variable", "default", "meaning", "example"), rows) + RULES


def default(variable: Variable) -> str:
    """Return a default as code where it is a value, in words where it is not."""
    return f"`{variable.default}`" if variable.default else variable.shown_default
