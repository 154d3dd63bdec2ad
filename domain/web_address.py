"""Recognizes web addresses and paths, so that no other text is stored in their place."""

import re
from typing import Final

from pydantic import AnyHttpUrl, TypeAdapter, ValidationError

from domain.text import has_only_printable

# Two slashes and no user name: browsers open `https:x` too, but other readers of an answer may not.
BEGINNING: Final = re.compile(r"https?://[^/\\?#@]+([/?#]|$)", re.IGNORECASE)
# A path of this server. Browsers read `//` and `/\` as the beginning of another host.
OWN_PATH: Final = re.compile(r"/(?![/\\]).*")
# RFC 1034 with the underscore that names of buckets have; the name may end with the dot of the root.
LABEL: Final = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
HOST: Final = re.compile(rf"(?=.{{1,254}}$)({LABEL}(\.{LABEL})*\.?|\[[0-9a-f:.]+\])")
# pydantic's parser follows the URL standard, as browsers do.
PARSER: Final = TypeAdapter(AnyHttpUrl)


def is_web_address(text: str) -> bool:
    """Return whether a browser can open the text as an http or https address, without changing it."""
    if not has_only_printable(text) or not BEGINNING.match(text):
        return False
    try:
        url = PARSER.validate_python(text)
    except ValidationError:
        return False
    return bool(HOST.fullmatch(url.host or "")) and url.port != 0


def is_own_path(text: str) -> bool:
    """Return whether the text is the path of an address on this server."""
    return has_only_printable(text) and bool(OWN_PATH.fullmatch(text))
