"""Headers of a request by name, gathered in one pass for everything that reads them before a request has its answer."""

from collections.abc import Mapping, MutableMapping
from typing import Any, Final

ACCEPT: Final = b"accept"
AUTHORIZATION: Final = b"authorization"
CONTENT_ENCODING: Final = b"content-encoding"
CONTENT_LENGTH: Final = b"content-length"
CONTENT_TYPE: Final = b"content-type"
COOKIE: Final = b"cookie"
IDEMPOTENCY_KEY: Final = b"idempotency-key"
ORIGIN: Final = b"origin"
POSITION: Final = b"matinee-position"
REQUEST_ID: Final = b"x-request-id"
TRANSFER_ENCODING: Final = b"transfer-encoding"


def read_head(scope: MutableMapping[str, Any]) -> Mapping[bytes, bytes]:
    """Return the headers of an ASGI request by their names in lower case; of a repeated one the first value."""
    found: Mapping[bytes, bytes] | None = scope.get("head")
    if found is None:
        found = scope["head"] = dict(reversed(scope["headers"]))
    return found
