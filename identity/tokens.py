"""Identifies callers: makes and reads signed tokens (JWT), and knows which were ended by signing out everywhere."""

import asyncio
import hashlib
import math
import secrets
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import jwt
import structlog

from db import ids
from db.engine import StatementRunner
from errors import Unauthenticated, Unavailable

ALGORITHM: Final = "HS256"
PARTY: Final = "matinee"
CLAIMS: Final = ("iss", "aud", "exp", "iat", "sub")
# Tolerates clocks of several machines that disagree. It does not lengthen a token's life: expiry is checked without it.
LEEWAY_SECONDS: Final = 5
ENDED: Final = "The token was ended by signing out everywhere."
# A sign-out holds everywhere within a second. The rest of it is for the read itself and for requests under way.
MAX_AGE_SECONDS: Final = 0.7
# A busy server reads again before it must, so that no request waits for it.
REFRESH_SECONDS: Final = 0.3
# A transaction may commit after others that read the clock later. None takes longer than this.
OVERLAP: Final = timedelta(minutes=10)
BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)

# The index `users_by_signed_out_at` has these rows only. Not a PureRead: those share connections, and one behind a slow
# read would make every request with a token wait for that.
READ_SIGN_OUTS: Final = (
    "SELECT id, token_generation, signed_out_at FROM users WHERE signed_out_at >= %(since)s::timestamptz"
)

log = structlog.get_logger("matinee.sign_outs")


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
    """Return a signed token for this user, valid for `keys.token_seconds` seconds."""
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


def try_read_token(token: str, *, keys: Keys) -> Actor | None:
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


def read_authorization(authorization: str | None, *, keys: Keys) -> Actor | None:
    """Return the user of an `Authorization` value, None without one; raise Unauthenticated where it is not valid."""
    if authorization is None:
        return None
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated(problem="Only `Bearer` tokens are taken.")
    return read_token(token.strip(), keys=keys)


async def identify_bearer(scope: MutableMapping[str, Any], *, keys: Keys, sign_outs: "SignOuts") -> Actor | None:
    """Return the user that the Authorization header of this ASGI request names, None without one.

    Raises what `read_bearer` raises, Unauthenticated for a token that was ended, Unavailable where that cannot be read.
    """
    actor = read_bearer(scope, keys=keys)
    await sign_outs.require_valid(actor)
    return actor


def read_bearer(scope: MutableMapping[str, Any], *, keys: Keys) -> Actor | None:
    """Return the user of the request's token, None without one, and note the user for the access log.

    Raise Unauthenticated on a token that is not valid, or when there are two of them.
    """
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(values) > 1:
        raise Unauthenticated(problem="Send one `Authorization` header, not several.")
    actor = read_authorization(values[0].decode("latin-1") if values else None, keys=keys)
    scope["actor"] = actor
    return actor


def read_known_bearer(scope: MutableMapping[str, Any], *, keys: Keys, sign_outs: "SignOuts") -> Actor | None:
    """Return the user of the request's token, None without one, without waiting for anything.

    Raises Unauthenticated also where only `identify_bearer` can tell whether the token was ended.
    """
    actor = read_bearer(scope, keys=keys)
    if actor is not None and not sign_outs.is_known_valid(actor):
        raise Unauthenticated
    return actor


class SignOuts:
    """The token generations of all users who have ever signed out everywhere; others have generation 0."""

    def __init__(self, runner: StatementRunner) -> None:
        """Read from the primary: a standby may lag behind."""
        self._runner = runner
        self._generations: dict[int, int] = {}
        self._newest = BEGINNING
        self._read_at = -math.inf
        self._refreshing: asyncio.Task[None] | None = None
        self._watchers: dict[object, tuple[Actor, Callable[[], None]]] = {}
        self._ticking: asyncio.Task[None] | None = None

    async def require_valid(self, actor: Actor | None) -> None:
        """Raise Unauthenticated where the actor's token was ended, Unavailable where that cannot be read."""
        if actor is not None and not await self.is_valid(actor):
            raise Unauthenticated(problem=ENDED)

    async def is_valid(self, actor: Actor) -> bool:
        """Return whether the actor's token has not been ended; raise Unavailable where that cannot be read."""
        age = asyncio.get_running_loop().time() - self._read_at
        if age > REFRESH_SECONDS:
            refreshing = self._refresh()
            if age > MAX_AGE_SECONDS:
                await asyncio.shield(refreshing)
        return not self._is_ended(actor)

    def is_known_valid(self, actor: Actor) -> bool:
        """Return whether the actor's token has not been ended, as far as a recent read says; false where `is_valid` has to tell."""
        is_recent = asyncio.get_running_loop().time() - self._read_at <= REFRESH_SECONDS
        return is_recent and not self._is_ended(actor)

    @contextmanager
    def watch(self, actor: Actor | None, on_end: Callable[[], None]) -> Iterator[None]:
        """Call `on_end` once the actor's token is ended, within a second, as long as the context is open."""
        if actor is None:
            yield
            return
        key = object()
        self._watchers[key] = actor, on_end
        if self._ticking is None or self._ticking.done():
            self._ticking = asyncio.create_task(self._tick(), context=Context())
        if self._is_ended(actor):
            on_end()
        try:
            yield
        finally:
            del self._watchers[key]

    async def close(self) -> None:
        """Stop reading."""
        tasks = [task for task in (self._ticking, self._refreshing) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _is_ended(self, actor: Actor) -> bool:
        return actor.generation < self._generations.get(actor.user_id, 0)

    def _refresh(self) -> asyncio.Task[None]:
        """Return the read that is under way, or a new one; many requests share it, so it belongs to no trace."""
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._read(), context=Context())
            self._refreshing.add_done_callback(forget_failure)
        return self._refreshing

    async def _read(self) -> None:
        began = asyncio.get_running_loop().time()
        rows = await self._runner.tuples(READ_SIGN_OUTS, since=self._newest - OVERLAP)
        self._read_at = began
        changed = {user for user, generation, _ in rows if self._generations.get(user, 0) < generation}
        self._generations.update({user: generation for user, generation, _ in rows if user in changed})
        self._newest = max([self._newest, *(moment for _, _, moment in rows)])
        if changed:
            for actor, on_end in [*self._watchers.values()]:
                if actor.user_id in changed and self._is_ended(actor):
                    on_end()

    async def _tick(self) -> None:
        """Read periodically while a stream is open: it sends no requests that would start a read."""
        while self._watchers:
            try:
                await self._refresh()
            except Unavailable:
                # Streams send nothing new either while the database does not answer.
                pass
            except Exception:
                log.exception("unexpected error")
            await asyncio.sleep(REFRESH_SECONDS)


def forget_failure(task: asyncio.Task[None]) -> None:
    """Retrieve a failure that nobody waits for; the next request reads again."""
    if not task.cancelled():
        task.exception()
