"""Names of headers, as `scope["head"]` has them: the edge gathers a request's headers once for all that read them."""

from typing import Final

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
