"""Encrypts recorded responses: a reader of the table of idempotency keys learns no token, name or password from it."""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox


@dataclass(frozen=True, slots=True)
class IdempotencyCipher:
    """Keys derived from the server's secrets: the first encrypts and fingerprints, all of them decrypt and match."""

    answers: tuple[SecretBox, ...]
    requests: tuple[bytes, ...]

    def encrypt(self, response: bytes) -> bytes:
        """Return the encrypted response."""
        return bytes(self.answers[0].encrypt(response))

    def decrypt(self, encrypted: bytes) -> bytes:
        """Return the response; raise CryptoError where it was encrypted with none of the secrets."""
        for box in self.answers:
            with suppress(CryptoError):
                return box.decrypt(encrypted)
        raise CryptoError("encrypted with none of the secrets")

    def fingerprint(self, request: Iterable[bytes]) -> bytes:
        """Return the fingerprint of a request. It is keyed, so a guess at a password cannot be checked without the secret."""
        return digest_parts(self.requests[0], request)

    def matches(self, fingerprint: bytes, request: Sequence[bytes]) -> bool:
        """Return whether a fingerprint belongs to this request."""
        return any(hmac.compare_digest(fingerprint, digest_parts(key, request)) for key in self.requests)


def make_cipher(secrets: Sequence[bytes]) -> IdempotencyCipher:
    """Return the cipher of a server with these secrets."""
    answers = tuple(SecretBox(derive_key(secret, b"matinee kept answers")) for secret in secrets)
    return IdempotencyCipher(answers, tuple(derive_key(secret, b"matinee kept requests") for secret in secrets))


def derive_key(secret: bytes, purpose: bytes) -> bytes:
    """Return a key of 32 bytes for one purpose; it reveals nothing of the secret."""
    return hmac.digest(secret, purpose, hashlib.sha256)


def digest_parts(key: bytes, parts: Iterable[bytes]) -> bytes:
    """Return the keyed digest of all parts; the length of each is hashed too, so that parts cannot run together."""
    digest = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()
