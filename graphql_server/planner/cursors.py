"""Signs the cursors of an answer: the statement writes the keys of rows, Python has the secret."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

import orjson

from db.cursors import CursorCodec
from graphql_server.planner.binding import Bound, change_parent
from graphql_server.planner.json_text import CURSOR_END, CURSOR_START

PLACE: Final = re.compile(f"{CURSOR_START}(\\d+):(\\d*):([^{CURSOR_END}]*){CURSOR_END}".encode())


def sign_cursors(answer: bytes, bounds: Sequence[Bound], codec: CursorCodec) -> bytes:
    """Return the answer with each marked key replaced by its signed cursor."""

    @cache
    def fingerprint(site: int, parent: bytes) -> bytes:
        listing = bounds[site].listing
        if listing is None:
            raise TypeError("only a list has cursors")
        return (change_parent(listing, int(parent)) if parent else listing).fingerprint

    def cursor(found: re.Match[bytes]) -> bytes:
        site, parent, key = found.groups()
        return codec.encode(fingerprint(int(site), parent), orjson.loads(key)).encode()

    return PLACE.sub(cursor, answer)
