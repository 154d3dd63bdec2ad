"""Tokens as forgers make them, out of what tokens.toml says."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any, Final

from identity.tokens import compute_key_id
from tests.hostile.corpus import filled, loaded

HASHES: Final = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def forged(known: Mapping[str, str], secret: bytes) -> dict[str, str]:
    """Return each token under its placeholder."""
    told = [token for token in loaded("tokens")["token"] if "header" not in token]
    known = {**known, "kid": compute_key_id(secret)}
    return {f"token.{each['name'].replace(' ', '_')}": spelled(each, known, secret) for each in told}


def spelled(told: Mapping[str, Any], known: Mapping[str, str], secret: bytes) -> str:
    """Return a token: a good one, but for what is told of it."""
    if "nested" in told:
        depth = int(told["nested"])
        return f"{_base64(b'[' * depth + b']' * depth)}.e30.AA"
    now = int(time.time())
    good = {"iss": "matinee", "aud": "matinee", "sub": "{{ada.id}}", "iat": now, "exp": now + 3600}
    relative = {name: now + seconds for name, seconds in told.get("from_now", {}).items()}
    claims = {**good, **told.get("claims", {}), **relative}
    for name in told.get("without", ()):
        del claims[name]
    head = {"alg": "HS256", "typ": "JWT", **told.get("head", {})}
    signed = ".".join(_base64(filled(json.dumps(part), known).encode()) for part in (head, claims))
    return f"{signed}.{_signature(told, signed.encode(), secret)}"


def _signature(told: Mapping[str, Any], signed: bytes, secret: bytes) -> str:
    if "signature" in told:
        return str(told["signature"])
    key = str(told["key"]).encode() if "key" in told else secret
    return _base64(hmac.new(key, signed, HASHES[told.get("hash", "HS256")]).digest())


def _base64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
