# ruff: noqa: INP001 - part of a script, see __main__.py
"""The page of the environment variables, from the declarations in config/settings.py."""

from typing import Final

from markdown import NOTE, grid

from config.settings import VARIABLES
from config.variables import Variable

INTRODUCTION: Final = """
# Configuration

Everything is set by environment variables; there is no configuration file. `config/settings.py` is the only reader of them and
declares each one once: this page, the checks and `matinee serve --help` come from those declarations.

"""
RULES: Final = """
- An empty variable counts as unset.
- A wrong value stops the command with status 2 and one line: the variable, what is wrong with it, an example. Secrets
  and database addresses are never repeated in it.
- A `MATINEE_…` variable that nothing reads is named in a warning, with the nearest name that something does read.
- With `MATINEE_ENV=production` the secret must be set. In development it is made once and kept in the file `secret` of
  the data directory.
- To change the secret without signing anybody out, put the new one first and keep the old one behind a comma for as
  long as its tokens live: `MATINEE_SECRET=new…,old…`.
- `DATABASE_URL` and `DATABASE_READ_URL` may name several hosts, separated by commas: the first variable then means the
  host that takes writes, the second a standby where there is one. A `connect_timeout` of 2 seconds is added to either
  unless it has one of its own.
"""


def configuration() -> str:
    """Return docs/configuration.md."""
    rows = [(f"`{each.name}`", default(each), each.meaning, f"`{each.example}`") for each in VARIABLES]
    return NOTE + INTRODUCTION + grid(("variable", "default", "meaning", "example"), rows) + RULES


def default(variable: Variable) -> str:
    """Return a default as code where it is a value, in words where it is not."""
    return f"`{variable.default}`" if variable.default else variable.shown_default
