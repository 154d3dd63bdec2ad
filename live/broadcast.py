"""Everybody who is to be told the same: it is worked out once, for however many they are."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Hashable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from live.topics import Follower

T = TypeVar("T")
Source = Callable[[Follower], AsyncGenerator[T]]


@dataclass(eq=False, slots=True)
class Broadcast(Generic[T]):
    """Who listens, and the newest that there is to tell. There is no queue: who is slow misses what is old."""

    followers: set[Follower] = field(default_factory=set)
    # Ends what is told.
    source: Follower = field(default_factory=Follower)
    newest: T | None = None
    version: int = 0
    is_over: bool = False
    task: asyncio.Task[None] | None = None

    async def since(self, version: int, follower: Follower) -> AsyncGenerator[T]:
        """Yield the newest each time that there is something newer than this version."""
        while not follower.is_ended:
            if self.version != version and self.newest is not None:
                version = self.version
                yield self.newest
            elif self.is_over:
                return
            else:
                await follower.woken()

    def tell(self, newest: T) -> None:
        """Let everybody know."""
        self.newest, self.version = newest, self.version + 1
        self.wake()

    def wake(self) -> None:
        """Have everybody look."""
        for follower in self.followers:
            follower.wake()


class Broadcasts(Generic[T]):
    """All audiences of this process, by what they are told."""

    def __init__(self) -> None:
        self._all: dict[Hashable, Broadcast[T]] = {}

    @contextmanager
    def joined(self, key: Hashable, source: Source[T], follower: Follower) -> Iterator[Broadcast[T]]:
        """Yield the audience of this key; `source` is asked for what to tell when somebody is the first to join."""
        audience = self._all.get(key)
        if audience is None:
            audience = self._all[key] = Broadcast()
            audience.task = asyncio.create_task(self._run(key, audience, source))
        audience.followers.add(follower)
        try:
            yield audience
        finally:
            audience.followers.discard(follower)
            if not audience.followers:
                self._forget(key, audience)
                audience.source.end()

    async def _run(self, key: Hashable, audience: Broadcast[T], source: Source[T]) -> None:
        try:
            async with aclosing(source(audience.source)) as found:
                async for newest in found:
                    audience.tell(newest)
        finally:
            audience.is_over = True
            self._forget(key, audience)
            audience.wake()

    def _forget(self, key: Hashable, audience: Broadcast[T]) -> None:
        if self._all.get(key) is audience:
            del self._all[key]
