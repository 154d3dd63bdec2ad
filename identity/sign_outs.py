"""Which tokens were ended by signing out everywhere: kept in memory, at most a fraction of a second old."""

import asyncio
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from db.engine import Reading
from errors import Unauthenticated, Unavailable
from identity.tokens import Actor

ENDED: Final = "The token was ended by signing out everywhere."
# The promise is a second. What is left of it is for the read itself and for a request that is under way.
MAX_AGE_SECONDS: Final = 0.7
# A busy server reads again before it must, so that no request waits for it.
REFRESH_SECONDS: Final = 0.3
# A transaction may commit after others whose clocks were read later. None that was acknowledged takes so long.
OVERLAP: Final = timedelta(minutes=10)
BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)

# The index `users_by_signed_out_at` has these rows only. Not a PureRead: those share connections, and one behind a slow
# read would make every request with a token wait for that.
READ_SIGN_OUTS: Final = (
    "SELECT id, token_generation, signed_out_at FROM users WHERE signed_out_at >= %(since)s::timestamptz"
)

log = structlog.get_logger("matinee.sign_outs")


class SignOuts:
    """The token generations of all users who have ever signed out everywhere; others have generation 0."""

    def __init__(self, reading: Reading) -> None:
        """Read from the primary: a standby may lag behind."""
        self._reading = reading
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
        rows = await self._reading.tuples(READ_SIGN_OUTS, since=self._newest - OVERLAP)
        self._read_at = began
        changed = {user for user, generation, _ in rows if self._generations.get(user, 0) < generation}
        self._generations.update({user: generation for user, generation, _ in rows if user in changed})
        self._newest = max([self._newest, *(moment for _, _, moment in rows)])
        if changed:
            for actor, on_end in [*self._watchers.values()]:
                if actor.user_id in changed and self._is_ended(actor):
                    on_end()

    async def _tick(self) -> None:
        """Read again and again while somebody watches: an open stream sends no request that would."""
        while self._watchers:
            try:
                await self._refresh()
            except Unavailable:
                # Nothing new is streamed either while the database does not answer.
                pass
            except Exception:
                log.exception("unexpected error")
            await asyncio.sleep(REFRESH_SECONDS)


def forget_failure(task: asyncio.Task[None]) -> None:
    """Take note of a failure that nobody waits for: the next request reads again."""
    if not task.cancelled():
        task.exception()
