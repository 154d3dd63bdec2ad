"""Public ids: three letters for the kind, an underscore and a snowflake; or a UUID of the same."""

import hashlib
import re
from functools import cache
from typing import Final
from uuid import UUID

from errors import InvalidId

# The kinds as messages name them.
KINDS: Final = {
    "usr": "a user",
    "mov": "a movie",
    "plc": "a place",
    "ses": "a session",
    "rat": "a rating",
    "bok": "a booking",
    "rsv": "a seat reservation",
    "trk": "a page view",
    "evt": "an event",
    "evr": "an event reservation",
    "shw": "a show",
    "tkt": "a ticket",
    "col": "a collection",
    "mof": "a movie offer",
    "exp": "an export",
}
LARGEST: Final = 2**63 - 1
# RFC 9562, section 5.8: version 8 has 48, 12 and 62 free bits. The snowflake's 63 bits come first, so that UUIDs sort by time
# as ids do; the other 59 identify the kind, so that objects of two kinds never have the same UUID.
UUID_SPELLING: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
VERSION: Final = 8 << 76
VARIANT: Final = 0b10 << 62


def encode(prefix: str, snowflake: int) -> str:
    """Return the public id of a row, such as `mov_7262193846145024`."""
    return f"{prefix}_{snowflake}"


def decode(prefix: str, public: str) -> int | None:
    """Return the snowflake behind a public id of that kind, None if it is not one.

    Only the spelling that `encode` makes is accepted, so that no row has two ids.
    """
    kind, _, digits = public.partition("_")
    if kind != prefix or not (digits.isascii() and digits.isdigit()) or len(digits) > len(str(LARGEST)):
        return None
    snowflake = int(digits)
    return snowflake if encode(prefix, snowflake) == public and snowflake <= LARGEST else None


def expect(prefix: str, public: str, *path: str) -> int:
    """Return the snowflake behind a public id of that kind; raise InvalidId, naming the last of `path`."""
    snowflake = decode(prefix, public)
    if snowflake is None:
        example = encode(prefix, 7262193846145024)
        raise InvalidId(path=path, field=path[-1], kind=KINDS[prefix], example=example)
    return snowflake


def to_uuid(prefix: str, snowflake: int) -> UUID:
    """Return the UUID of a row of that kind: another spelling of the id that `encode` returns."""
    high, middle, low = snowflake >> 15, snowflake >> 3 & 0xFFF, snowflake & 0b111
    return UUID(int=high << 80 | VERSION | middle << 64 | VARIANT | low << 59 | _compute_mark(prefix))


def write_uuid_sql(prefix: str, column: str) -> str:
    """Return the SQL of the UUID of a row of that kind, as text; `column` is SQL that gives its snowflake."""
    high, middle = f"lpad(to_hex({column} >> 15), 12, '0')", f"lpad(to_hex(({column} >> 3) & 4095), 3, '0')"
    # The variant's two bits make the number negative.
    low = f"to_hex((-9223372036854775808)::bigint | (({column} & 7) << 59) | {_compute_mark(prefix)}::bigint)"
    return f"({high} || '8' || {middle} || {low})::uuid"


def from_uuid(prefix: str, text: str) -> int | None:
    """Return the snowflake behind a UUID of that kind, None if it is not one; case does not matter."""
    if not UUID_SPELLING.fullmatch(text):
        return None
    uuid = UUID(text)
    snowflake = uuid.int >> 80 << 15 | (uuid.int >> 64 & 0xFFF) << 3 | uuid.int >> 59 & 0b111
    return snowflake if to_uuid(prefix, snowflake) == uuid else None


@cache
def _compute_mark(prefix: str) -> int:
    """Return the 59 bits that identify a kind."""
    return int.from_bytes(hashlib.sha256(f"matinee {prefix}".encode()).digest()[:8]) >> 5
