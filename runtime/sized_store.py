"""A store of values within a bound of memory; the least recently used values are removed first."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

# Bytes of an entry besides its value and its key: objects, tuples and places in dictionaries.
OVERHEAD: Final = 600
# A value larger than the memory divided by this is not kept.
LARGEST_SHARE: Final = 8


class SizedStore(Generic[T]):
    """Values by keys, which are text, bytes, numbers, or tuples of such."""

    def __init__(self, size: int) -> None:
        """Keep values of `size` bytes altogether."""
        self._size = self._free = size
        self._values: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many values are kept."""
        return len(self._values)

    @property
    def used(self) -> int:
        """Bytes that are in use."""
        return self._size - self._free

    def find(self, key: Hashable) -> T | None:
        """Return the value of a key, None where there is none."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def keep(self, key: Hashable, value: T, size: int) -> None:
        """Keep a value of `size` bytes, unless it is too large a part of the memory."""
        self.remove(key)
        size += count_bytes(key) + OVERHEAD
        if size > self._size // LARGEST_SHARE:
            return
        self._values[key] = (value, size)
        self._free -= size
        while self._free < 0:
            self.remove(next(iter(self._values)))

    def remove(self, key: Hashable) -> None:
        """Forget a key, if it is known."""
        _, size = self._values.pop(key, (None, 0))
        self._free += size


def count_bytes(key: Hashable) -> int:
    """Return the bytes that a key takes."""
    if isinstance(key, tuple):
        return sum(map(count_bytes, key))
    return len(key) if isinstance(key, str | bytes) else 0
