"""A loader whose callers do not depend on each other, although fields with the same key wait for one future."""

import asyncio
from typing import TypeVar

from aiodataloader import DataLoader

K = TypeVar("K")
V = TypeVar("V")


class ShieldedLoader(DataLoader[K, V]):
    """A loader whose callers cannot cancel what others wait for.

    When a field fails, graphql-core cancels its siblings, and with them what they wait for. Without a shield that would be the
    future of every other field with the same key: those would be cancelled too, and the request would have no answer.
    """

    def load(self, key: K) -> asyncio.Future[V]:
        """Return a future of the caller's own."""
        return asyncio.shield(super().load(key))
