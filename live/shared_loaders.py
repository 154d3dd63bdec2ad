"""Loaders that subscribers share for a second, so that a change costs as many statements for a thousand of them as for one."""

import asyncio
from typing import Any, Final

from aiodataloader import DataLoader

from db.engine import Database
from loaders.request import Loaders
from loaders.shielded import ShieldedLoader

# The result of none of these depends on the viewer.
SHARED: Final = (
    "movie_by_id",
    "place_by_id",
    "session_by_id",
    "event_by_id",
    "seats_available_by_session",
    "programme_page",
)
# Later readers read again: free seats are never cached.
SECONDS: Final = 1.0


class Tick:
    """The loaders of one change: what one subscriber has read, the others share."""

    def __init__(self, database: Database) -> None:
        """Read everything from the primary."""
        self._database = database
        self.is_over = False
        asyncio.get_running_loop().call_later(SECONDS, self.end)
        self._common = Loaders(database, database.primary)
        self._shared: dict[str, DataLoader[Any, Any]] = {name: self._make(name) for name in SHARED}

    def _make(self, name: str) -> DataLoader[Any, Any]:
        return ShieldedLoader(getattr(self._common, name).batch_load_fn)

    def __getitem__(self, name: str) -> DataLoader[Any, Any]:
        """Return a shared loader, or a new one where the second has passed."""
        return self._shared.get(name) or self._make(name)

    def loaders(self) -> Loaders:
        """Return the loaders of one subscriber: what depends on the viewer is not shared."""
        own = Loaders(self._database, self._database.primary)
        # cached_property reads the instance's attributes first.
        vars(own).update(self._shared)
        return own

    def end(self) -> None:
        """Drop what was read, which is too old to be sent."""
        self.is_over = True
        self._shared = {}
