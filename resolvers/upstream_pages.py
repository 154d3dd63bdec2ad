"""Pages of lists that are not in the database: the list's length is known, and cursors are positions in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from db.cursors import CursorCodec, compute_fingerprint

Item = TypeVar("Item")

# No list is longer, whatever a signed cursor holds; the number fits into every statement and address.
FURTHEST: Final = 10**9


@dataclass(frozen=True, slots=True)
class UpstreamPage(Generic[Item]):
    """Items in the list's order with their positions; the first position is 0."""

    name: str
    codec: CursorCodec
    rows: Sequence[Item]
    places: Sequence[int]
    total: int
    has_next: bool
    has_previous: bool

    def cursor(self, row: Item) -> str:
        """Return the cursor of one of the rows."""
        index = next(index for index, each in enumerate(self.rows) if each is row)
        return self.codec.encode(compute_fingerprint(self.name, {}), [self.places[index]])

    @property
    def start_cursor(self) -> str | None:
        """The cursor of the first row, None without rows."""
        return self.cursor(self.rows[0]) if self.rows else None

    @property
    def end_cursor(self) -> str | None:
        """The cursor of the last row, None without rows."""
        return self.cursor(self.rows[-1]) if self.rows else None


def find_place_after(codec: CursorCodec, name: str, cursor: str | None) -> int:
    """Return the position after a cursor of the list of that name, 0 without one; raise InvalidCursor."""
    if cursor is None:
        return 0
    (place,) = codec.decode(compute_fingerprint(name, {}), cursor, field="after")
    return min(int(str(place)), FURTHEST) + 1
