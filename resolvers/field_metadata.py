"""What caching, cost and planning need to know of a field: declared beside the field in schema/, as its metadata."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from edge.services import SharedCommits
from resolvers.planned_reads import Reads


class Cache(Enum):
    """Who may get a value that was read for somebody else. A field that declares nothing is read for each caller."""

    # The same for every caller, and still good enough after a minute: caches on the way may keep it.
    PUBLIC = auto()
    # The same for every caller at one moment: subscribers share it, but no cache keeps it. Free seats are such a value.
    LIVE = auto()


PUBLIC: Final = Cache.PUBLIC
LIVE: Final = Cache.LIVE

# A mutation takes a transaction, and its payload is read anew.
CHANGE: Final = 11


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a field declares. What it leaves out follows from its type."""

    cache: Cache | None = None
    # How one SQL statement reads it; without it a column of its name, and where there is none the executor runs it.
    reads: Reads | None = None
    # The cost of the field itself; without it 1 for an object and 0 for a scalar.
    cost: int | None = None
    # Whether the cost, and that of all below, counts for each item of the page.
    per_item: bool = False
    # The commits by which a mutation makes its change, where that is all that it does: with a key it shares a transaction.
    shares: SharedCommits | None = None


NOTHING: Final = Declaration()
# The key of a declaration in the metadata of a field.
KEY: Final = "declaration"


def declare(
    *,
    cache: Cache | None = None,
    reads: Reads | None = None,
    cost: int | None = None,
    per_item: bool = False,
    shares: SharedCommits | None = None,
) -> dict[str, Declaration]:
    """Return the metadata of a field that declares this."""
    return {KEY: Declaration(cache=cache, reads=reads, cost=cost, per_item=per_item, shares=shares)}
