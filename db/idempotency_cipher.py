"""Answers under a seal: who can read the table of idempotency keys learns no token, no name and no password from it."""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox


@dataclass(frozen=True, slots=True)
class IdempotencyCipher:
    """Keys derived from the server's secrets: the first of them seals and marks, all of them open and know again."""

    answers: tuple[SecretBox, ...]
    requests: tuple[bytes, ...]

    def close(self, answer: bytes) -> bytes:
        """Return an answer as it may be kept."""
        return bytes(self.answers[0].encrypt(answer))

    def open(self, kept: bytes) -> bytes:
        """Return what was kept; raise CryptoError where none of the secrets has sealed it."""
        for box in self.answers:
            with suppress(CryptoError):
                return box.decrypt(kept)
        raise CryptoError("sealed by none of the secrets")

    def fingerprint(self, request: Iterable[bytes]) -> bytes:
        """Return what tells a request from others. Without the secret no guess at a password in it can be checked."""
        return mark(self.requests[0], request)

    def knows(self, fingerprint: bytes, request: Sequence[bytes]) -> bool:
        """Return whether a fingerprint is this request's."""
        return any(hmac.compare_digest(fingerprint, mark(key, request)) for key in self.requests)


def seal(secrets: Sequence[bytes]) -> IdempotencyCipher:
    """Return the seal of a server with these secrets."""
    answers = tuple(SecretBox(derived(secret, b"matinee kept answers")) for secret in secrets)
    return IdempotencyCipher(answers, tuple(derived(secret, b"matinee kept requests") for secret in secrets))


def derived(secret: bytes, purpose: bytes) -> bytes:
    """Return a key of 32 bytes for one purpose, which tells nothing of the secret."""
    return hmac.digest(secret, purpose, hashlib.sha256)


def mark(key: bytes, parts: Iterable[bytes]) -> bytes:
    """Return the keyed digest of all parts; each is told by its length, so that none runs into the next."""
    digest = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()
