"""Makes and reads the signed tokens (JWT) that say who a caller is."""

import hashlib
import secrets
import time
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import jwt

from db import ids
from errors import Unauthenticated

ALGORITHM: Final = "HS256"
PARTY: Final = "matinee"
CLAIMS: Final = ("iss", "aud", "exp", "iat", "sub")
# Tolerates clocks of several machines that disagree. It does not lengthen a token's life: expiry is checked without it.
LEEWAY_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Actor:
    """The signed-in caller. Whether they are staff is read from the database where it matters."""

    user_id: int
    # When the token expires, in seconds since 1970: an open connection ends then. None for no expiry.
    expires: float | None = field(default=None, compare=False)
    # How often the user had signed out everywhere when the token was issued.
    generation: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Keys:
    """The secrets that sign tokens: the first one signs, all of them verify."""

    secrets: tuple[bytes, ...] = field(repr=False)
    token_seconds: int


def compute_key_id(secret: bytes) -> str:
    """Return the key id (`kid`) of a secret; it reveals nothing of the secret."""
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
        "gen": actor.generation,
        # Makes two tokens of one second differ.
        "jti": secrets.token_urlsafe(12),
    }
    secret = keys.secrets[0]
    return jwt.encode(claims, secret, algorithm=ALGORITHM, headers={"kid": compute_key_id(secret)})


def read_token(token: str, *, keys: Keys) -> Actor:
    """Return the user of a token; raise Unauthenticated unless we signed it and it has not expired."""
    actor = _verify(token, keys.secrets)
    if actor.expires is not None and actor.expires <= time.time():
        raise Unauthenticated(problem="The token has expired.")
    return actor


def recognize(token: str, *, keys: Keys) -> Actor | None:
    """Return the user of a token, None where the token is not valid."""
    try:
        return read_token(token, keys=keys)
    except Unauthenticated:
        return None


# Checking a signature takes longer than answering a query, and clients send the same token each time.
@lru_cache(maxsize=1024)
def _verify(token: str, secrets: tuple[bytes, ...]) -> Actor:
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        named = [secret for secret in secrets if kid is None or kid == compute_key_id(secret)]
        claims = next(filter(None, (_read_claims(token, secret) for secret in named)), None)
    except jwt.ExpiredSignatureError:
        raise Unauthenticated(problem="The token has expired.") from None
    except jwt.InvalidTokenError:
        raise Unauthenticated(problem="The token is not one of ours.") from None
    user_id = ids.decode("usr", claims["sub"]) if claims else None
    # Tokens from before there were generations have none.
    generation = claims.get("gen", 0) if claims else None
    if claims is None or user_id is None or not isinstance(generation, int):
        raise Unauthenticated(problem="The token is not one of ours.")
    # PyJWT accepts a whole number in quotes as well.
    return Actor(user_id, expires=int(claims["exp"]), generation=generation)


def _read_claims(token: str, secret: bytes) -> dict[str, Any] | None:
    """Return the token's claims, None where another key signed it; raise InvalidTokenError for any other fault."""
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
    """Return the user of an `Authorization` value, None without one; raise Unauthenticated where it is not valid."""
    if authorization is None:
        return None
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated(problem="Only `Bearer` tokens are taken.")
    return read_token(token.strip(), keys=keys)


def identify(scope: MutableMapping[str, Any], *, keys: Keys) -> Actor | None:
    """Return the signed-in user of this ASGI request, None for an anonymous one, and note it for the access log.

    Raise Unauthenticated on a token that is not good, or when there are two of them.
    """
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(values) > 1:
        raise Unauthenticated(problem="Send one `Authorization` header, not several.")
    actor = authenticate(values[0].decode("latin-1") if values else None, keys=keys)
    scope["actor"] = actor
    return actor
