"""HTTP caching of answers that are the same for everybody: entity tags, `Cache-Control`, and 304."""

import hashlib
import re
from collections.abc import Iterable
from typing import Final

SECONDS: Final = 60
PUBLIC: Final = f"public, max-age={SECONDS}"
# For callers who have said who they are: they ask again each time, and get 304 while nothing has changed.
REVALIDATED: Final = "private, no-cache"
PRIVATE: Final = "private, no-store"
# One entity tag of a list, and what follows it (RFC 9110, sections 8.8.3 and 13.1.2).
ENTITY_TAG: Final = re.compile(r'[ \t]*(?:(?:W/)?("[\x21\x23-\x7e\x80-\xff]*"))?[ \t]*(,|$)')
ANY: Final = "*"


def hash_body(body: bytes) -> str:
    """Return the strong entity tag of a body."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def matches_tag(tag: str, lines: Iterable[str]) -> bool:
    """Return whether `If-None-Match`, given as the lines of the header, names this tag; weak and strong ones are equal.

    A value that is no list of entity tags names nothing, so that the caller gets the whole answer.
    """
    value = ",".join(lines).strip(" \t")
    return value == ANY or tag in read_tags(value)


def read_tags(value: str) -> list[str]:
    """Return the entity tags of a list, without `W/`; none where it is not a list of entity tags."""
    found, place = [], 0
    while place < len(value):
        each = ENTITY_TAG.match(value, place)
        if each is None:
            return []
        found += [each[1]] if each[1] else []
        place = each.end()
    return found
