"""A loader whose callers do not depend on each other: fields that ask for the same key wait for one future."""

import asyncio
from typing import TypeVar

from aiodataloader import DataLoader

K = TypeVar("K")
V = TypeVar("V")


class ShieldedLoader(DataLoader[K, V]):
    """A loader whose callers cannot cancel what others wait for.

    When a field fails, graphql-core cancels its siblings, and with them what they wait for. Without a shield that was the
    future of every other field with the same key: the cancellation came out of those, and the request had no answer.
    """

    def load(self, key: K) -> asyncio.Future[V]:
        """Return a future of the caller's own."""
        return asyncio.shield(super().load(key))
