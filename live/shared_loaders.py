"""Loaders that subscribers share for a moment, so that one change costs as many statements for a thousand as for one."""

import asyncio
from typing import Any, Final

from aiodataloader import DataLoader

from db.engine import Database
from loaders.request import Loaders
from loaders.shielded import ShieldedLoader

# None of these reads by the rights of a viewer.
SHARED: Final = (
    "movie_by_id",
    "place_by_id",
    "session_by_id",
    "event_by_id",
    "seats_available_by_session",
    "catalogue_page",
)
# Whoever comes later reads anew: free seats are never cached.
SECONDS: Final = 1.0


class Tick:
    """A moment at which something has changed, and what is read of it then, for all who are told."""

    def __init__(self, database: Database) -> None:
        """Begin; everything comes from the primary."""
        self._database = database
        self.is_over = False
        asyncio.get_running_loop().call_later(SECONDS, self.end)
        self._common = Loaders(database, database.primary)
        self._shared: dict[str, DataLoader[Any, Any]] = {name: self._make(name) for name in SHARED}

    def _make(self, name: str) -> DataLoader[Any, Any]:
        return ShieldedLoader(getattr(self._common, name).batch_load_fn)

    def __getitem__(self, name: str) -> DataLoader[Any, Any]:
        """Return a loader that is shared, or a new one where the moment has passed while the database took its time."""
        return self._shared.get(name) or self._make(name)

    def loaders(self) -> Loaders:
        """Return the loaders of one subscriber: what belongs to somebody is read for them alone."""
        own = Loaders(self._database, self._database.primary)
        # Where cached_property looks first.
        vars(own).update(self._shared)
        return own

    def end(self) -> None:
        """Let go of what was read, which is too old to be told."""
        self.is_over = True
        self._shared = {}
