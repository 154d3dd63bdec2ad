"""Methods that the HTTP parser does not know: 405 with `Allow` is for the router to say, and no reason to hang up."""

import re
from typing import Final

import httptools

# A method that the parser knows, in place of one that it does not know.
STAND_IN: Final = b"PURGE"
# A method is a token (RFC 9110, section 5.6.2). A longer one than anybody has would only fill the log.
METHOD: Final = re.compile(rb"[\r\n]*([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ")


def find_unknown_method(data: bytes) -> bytes | None:
    """Return the method of the request that these bytes begin with, where the parser stops at it; else None."""
    found = METHOD.match(data)
    if found is None:
        return None
    try:
        httptools.HttpRequestParser(object()).feed_data(found[1] + b" / HTTP/1.1\r\n")
    except httptools.HttpParserInvalidMethodError:
        return found[1]
    return None
