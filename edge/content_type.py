"""Checks the media type of a body, for every surface."""

from functools import lru_cache
from typing import Final

JSON: Final = "application/json"
# JSON has no charset (RFC 8259); one that is named all the same must be what is read here, or what all of it is in.
CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii"})


@lru_cache(maxsize=64)
def is_json(content_type: str) -> bool:
    """Return whether a `Content-Type` says JSON in UTF-8."""
    kind, *parameters = (part.strip().lower() for part in content_type.split(";"))
    named = (parameter.partition("=") for parameter in parameters)
    charsets = {value.strip().strip('"') for name, _, value in named if name.strip() == "charset"}
    return kind == JSON and charsets <= CHARSETS
