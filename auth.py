"""Tokens to Actors and back, and password hashing that never blocks the event loop."""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Protocol, TypeVar

import jwt
from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError

from db import ids
from domain.errors import Unauthenticated, Unavailable

ALGORITHM: Final = "HS256"
PARTY: Final = "matinee"
CLAIMS: Final = ("iss", "aud", "exp", "iat", "sub")
# For clocks of several machines that disagree; it never lengthens a token's life.
LEEWAY_SECONDS: Final = 5
# One of the settings that OWASP holds to be equally strong: of those the one with the least memory, for each worker needs it.
HASHER: Final = PasswordHasher(time_cost=5, memory_cost=7 * 1024, parallelism=1, type=Type.ID)
# Checked in place of an account that does not exist, so that both answers take the same time.
NOBODYS_HASH: Final = "$argon2id$v=19$m=7168,t=5,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: the user's snowflake. Whether a user is staff is asked of the database, only where it matters."""

    user_id: int
    # When what says so is over, in seconds since 1970: a connection that stays open ends then. None where it never is.
    expires: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Keys:
    """The secrets that sign tokens: the first one signs, all of them verify."""

    secrets: tuple[bytes, ...] = field(repr=False)
    token_seconds: int


def key_id(secret: bytes) -> str:
    """Return the name that tokens give to their key. It says nothing of the secret."""
    return hashlib.sha256(b"matinee key id\0" + secret).hexdigest()[:12]


def make_token(actor: Actor, *, keys: Keys) -> str:
    """Return a signed token for this user, good for `keys.token_seconds` seconds from now."""
    now = int(time.time())
    claims = {
        "iss": PARTY,
        "aud": PARTY,
        "sub": ids.encode("usr", actor.user_id),
        "iat": now,
        "exp": now + keys.token_seconds,
        # Signing in twice within a second gives two tokens.
        "jti": secrets.token_urlsafe(12),
    }
    secret = keys.secrets[0]
    return jwt.encode(claims, secret, algorithm=ALGORITHM, headers={"kid": key_id(secret)})


def read_token(token: str, *, keys: Keys) -> Actor:
    """Return the user that a token speaks for; raise Unauthenticated unless it is ours, whole and not expired."""
    actor = _verified(token, keys.secrets)
    if actor.expires is not None and actor.expires <= time.time():
        raise Unauthenticated(problem="The token has expired.")
    return actor


def recognize(token: str, *, keys: Keys) -> Actor | None:
    """Return the user that a token speaks for, None where it is not good."""
    try:
        return read_token(token, keys=keys)
    except Unauthenticated:
        return None


# Checking a signature takes longer than answering a query, and a client sends the same token each time.
@lru_cache(maxsize=1024)
def _verified(token: str, secrets: tuple[bytes, ...]) -> Actor:
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        named = [secret for secret in secrets if kid is None or kid == key_id(secret)]
        claims = next(filter(None, (_claims(token, secret) for secret in named)), None)
    except jwt.ExpiredSignatureError:
        raise Unauthenticated(problem="The token has expired.") from None
    except jwt.InvalidTokenError:
        raise Unauthenticated(problem="The token is not one of ours.") from None
    user_id = ids.decode("usr", claims["sub"]) if claims else None
    if claims is None or user_id is None:
        raise Unauthenticated(problem="The token is not one of ours.")
    # A whole number in quotes is one to the library, too.
    return Actor(user_id, expires=int(claims["exp"]))


def _claims(token: str, secret: bytes) -> dict[str, Any] | None:
    """Return what the token claims, None if another key signed it; raise InvalidTokenError on what else is wrong."""
    try:
        return jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            audience=PARTY,
            issuer=PARTY,
            leeway=LEEWAY_SECONDS,
            options={"require": list(CLAIMS)},
        )
    except jwt.InvalidSignatureError:
        return None


def authenticate(authorization: str | None, *, keys: Keys) -> Actor | None:
    """Return whom an `Authorization` value speaks for, None where there is none; raise Unauthenticated on a bad one."""
    if authorization is None:
        return None
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated(problem="Only `Bearer` tokens are taken.")
    return read_token(token.strip(), keys=keys)


def identify(scope: MutableMapping[str, Any], *, keys: Keys) -> Actor | None:
    """Return who sent this ASGI request, None for nobody, and note it for the access log.

    Raise Unauthenticated on a token that is not good, or when there are two of them.
    """
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(values) > 1:
        raise Unauthenticated(problem="Send one `Authorization` header, not several.")
    actor = authenticate(values[0].decode("latin-1") if values else None, keys=keys)
    scope["actor"] = actor
    return actor


class Hashing(Protocol):
    """What hashes passwords, whoever waits for it."""

    async def hash(self, password: str) -> str:
        """Return the hash to keep; raise Unavailable when too many are in line."""

    async def verify(self, kept: str | None, password: str) -> bool:
        """Return whether the password is the one behind the kept hash, None standing for an unknown account."""


class Passwords:
    """Argon2id on threads of its own: `threads` hashes at once, `waiting` more in line, a refusal for the rest."""

    def __init__(self, *, threads: int = 1, waiting: int = 64) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._room = threads + waiting

    async def hash(self, password: str) -> str:
        """Return the hash to keep; raise Unavailable when too many are in line."""
        return await self._off_the_loop(lambda: HASHER.hash(_octets(password)))

    async def verify(self, kept: str | None, password: str) -> bool:
        """Return whether the password is the one behind the kept hash, None standing for an unknown account.

        An unknown account takes as long as a wrong password. Raise Unavailable when too many are in line.
        """
        matches = await self._off_the_loop(lambda: _matches(kept or NOBODYS_HASH, password))
        return matches and kept is not None

    async def _off_the_loop(self, work: Callable[[], Result]) -> Result:
        if self._room == 0:
            raise Unavailable
        self._room -= 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._room += 1

    def close(self) -> None:
        """Drop what waits and end the threads once they are done."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def needs_rehash(kept: str) -> bool:
    """Return whether a hash was made with other costs than today's; make it anew at the next sign-in."""
    return HASHER.check_needs_rehash(kept)


def _octets(password: str) -> bytes:
    # A lone surrogate cannot be UTF-8; it must be a wrong password, not a crash.
    return password.encode("utf-8", "surrogatepass")


def _matches(kept: str, password: str) -> bool:
    try:
        return HASHER.verify(kept, _octets(password))
    except VerifyMismatchError:
        return False
