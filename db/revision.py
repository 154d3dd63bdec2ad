"""Which schema this code needs, told by the names of the migrations: without Alembic, which a server never runs."""

from functools import cache
from pathlib import Path

VERSIONS = Path(__file__).parent / "migrations" / "versions"


@cache
def head() -> str:
    """Return the revision that this code needs; a migration's file is named after its revision, in order."""
    return max(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*.py"))


def is_behind(found: str | None) -> bool:
    """Return whether a database at this revision lacks something; a newer one serves older code while it is replaced."""
    return found is None or found < head()
