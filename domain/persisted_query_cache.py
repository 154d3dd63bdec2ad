"""Remembers queries that clients have sent with their hash, so that they can send the hash alone afterwards."""

from collections import OrderedDict
from typing import Final

# The bound of a worker's memory; the query that was not used for the longest time is forgotten first.
MOST_CHARACTERS: Final = 1_000_000
LONGEST: Final = 20_000


class PersistedQueryCache:
    """The persisted queries of one worker, in bounded memory.

    A client sends its query again where another worker answers, or where the query was forgotten.
    """

    def __init__(self, *, room: int = MOST_CHARACTERS, longest: int = LONGEST) -> None:
        """Remember texts of `longest` characters each, and of `room` characters together."""
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._room = room
        self._longest = longest

    def find(self, digest: str) -> str | None:
        """Return the text of this SHA-256, None where it is not remembered."""
        text = self._texts.get(digest)
        if text is not None:
            self._texts.move_to_end(digest)
        return text

    def remember(self, digest: str, text: str) -> None:
        """Remember a text under its SHA-256, which the caller has verified."""
        if len(text) > self._longest or digest in self._texts:
            return
        self._texts[digest] = text
        self._room -= len(text)
        while self._room < 0:
            _, forgotten = self._texts.popitem(last=False)
            self._room += len(forgotten)
