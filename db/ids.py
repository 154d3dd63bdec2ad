"""The public spelling of ids: three letters for the kind, an underscore and a snowflake."""

from typing import Final

from domain.errors import InvalidId

KINDS: Final = {
    "usr": "user",
    "mov": "movie",
    "plc": "place",
    "ses": "session",
    "rat": "rating",
    "bok": "booking",
    "rsv": "seat reservation",
    "trk": "page view",
}
LARGEST: Final = 2**63 - 1


def encode(prefix: str, snowflake: int) -> str:
    """Return the public id of a row, such as `mov_7262193846145024`."""
    return f"{prefix}_{snowflake}"


def decode(prefix: str, public: str) -> int | None:
    """Return the snowflake behind a public id of that kind, None if it is not the spelling of one.

    Only the one spelling that `encode` makes is taken, so that no row has two ids.
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
