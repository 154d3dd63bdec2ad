"""Broadcast: one subscription run shared by all subscribers who would get the same result."""

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
    """The followers of one run, and its newest result. There is no queue: a slow follower gets the newest result only."""

    followers: set[Follower] = field(default_factory=set)
    # The follower that the run reads for; ending it ends the run.
    source: Follower = field(default_factory=Follower)
    newest: T | None = None
    version: int = 0
    is_over: bool = False
    task: asyncio.Task[None] | None = None

    async def follow(self, version: int, follower: Follower) -> AsyncGenerator[T]:
        """Yield the newest result each time that it is newer than the one yielded before, which at first is `version`."""
        while not follower.is_ended:
            if self.version != version and self.newest is not None:
                version = self.version
                yield self.newest
            elif self.is_over:
                return
            else:
                await follower.wait()

    def publish(self, newest: T) -> None:
        """Store the newest result and wake all followers."""
        self.newest, self.version = newest, self.version + 1
        self.wake()

    def wake(self) -> None:
        """Wake all followers."""
        for follower in self.followers:
            follower.wake()


class Broadcasts(Generic[T]):
    """The broadcasts of this process, by the key of their result."""

    def __init__(self) -> None:
        self._all: dict[Hashable, Broadcast[T]] = {}

    @contextmanager
    def join(self, key: Hashable, source: Source[T], follower: Follower) -> Iterator[Broadcast[T]]:
        """Yield the broadcast of this key; the first follower that joins starts `source`, and the last that leaves ends it."""
        broadcast = self._all.get(key)
        if broadcast is None:
            broadcast = self._all[key] = Broadcast()
            broadcast.task = asyncio.create_task(self._run(key, broadcast, source))
        broadcast.followers.add(follower)
        try:
            yield broadcast
        finally:
            broadcast.followers.discard(follower)
            if not broadcast.followers:
                self._forget(key, broadcast)
                broadcast.source.end()

    async def _run(self, key: Hashable, broadcast: Broadcast[T], source: Source[T]) -> None:
        try:
            async with aclosing(source(broadcast.source)) as found:
                async for newest in found:
                    broadcast.publish(newest)
        finally:
            broadcast.is_over = True
            self._forget(key, broadcast)
            broadcast.wake()

    def _forget(self, key: Hashable, broadcast: Broadcast[T]) -> None:
        if self._all.get(key) is broadcast:
            del self._all[key]
