"""Opaque cursors, signed so that nobody can make one up or carry one over to another list."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from errors import InvalidCursor

DIGEST_BYTES = 12
LONGEST = 1024


@dataclass(frozen=True, slots=True)
class CursorCodec:
    """Turns the key of a row into a cursor and back; the first of the keys signs, all of them verify."""

    keys: tuple[bytes, ...]

    def encode(self, listing: bytes, key: Sequence[object]) -> str:
        """Return the cursor of the row with this key in the list of that fingerprint."""
        body = orjson.dumps(key, option=orjson.OPT_UTC_Z)
        return base64.urlsafe_b64encode(sign(self.keys[0], listing, body) + body).decode().rstrip("=")

    def decode(self, listing: bytes, cursor: str, *, field: str) -> list[object]:
        """Return the key in a cursor; raise InvalidCursor where it is not of this list or not ours."""
        refusal = InvalidCursor(path=(field,), field=field)
        if len(cursor) > LONGEST:
            raise refusal
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise refusal from None
        digest, body = raw[:DIGEST_BYTES], raw[DIGEST_BYTES:]
        if not any(hmac.compare_digest(digest, sign(key, listing, body)) for key in self.keys):
            raise refusal
        key: list[object] = orjson.loads(body)
        return key


def sign(key: bytes, listing: bytes, body: bytes) -> bytes:
    """Return the keyed digest that binds a cursor's body to its list."""
    return hmac.digest(key, listing + b"\0" + body, hashlib.sha256)[:DIGEST_BYTES]


def make_codec(secrets: Sequence[bytes]) -> CursorCodec:
    """Return the codec whose keys are derived from the server's secrets, so that a cursor reveals nothing about them."""
    return CursorCodec(tuple(hmac.digest(secret, b"matinee cursors", hashlib.sha256) for secret in secrets))


def compute_fingerprint(name: str, values: Mapping[str, object]) -> bytes:
    """Return the fingerprint of a list with its sort and filter; values that are None are left out."""
    chosen = {key: encode_value(value) for key, value in sorted(values.items()) if value is not None}
    return orjson.dumps([name, chosen])


def encode_value(value: object) -> object:
    """Return a value for JSON; an instant has the same value in every offset."""
    return value.timestamp() if isinstance(value, datetime) else value
