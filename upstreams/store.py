"""Stores the files of exports in a folder, S3 or a similar store. A file is there whole or not at all."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url

from errors import UpstreamUnavailable

if TYPE_CHECKING:
    # Only there for type checkers.
    from obstore.store import ClientConfig, RetryConfig

PART_BYTES: Final = 5 * 1024 * 1024
# Parts held in memory at once.
PARTS: Final = 2
READ_BYTES: Final = 256 * 1024
CLIENT: Final["ClientConfig"] = {"timeout": "30s", "connect_timeout": "5s", "allow_http": True}
RETRIES: Final["RetryConfig"] = {"max_retries": 3}

log = structlog.get_logger("matinee.exports")


class Store:
    """Files by name. A failure of the store is UpstreamUnavailable; its own words go to our log only."""

    def __init__(self, address: str) -> None:
        """Note the address; the store is opened at its first use, for a server may start before it."""
        self._address = address
        url = urlsplit(address)
        self._folder = Path(unquote(url.path)) if url.scheme == "file" else None

    async def write(self, name: str, parts: AsyncIterator[bytes]) -> None:
        """Write a file under a temporary name, then rename it; where `parts` raises, nothing is left."""
        cancellable = CancellableParts(parts)
        with self._refusing():
            self._sweep(name)
            into = obstore.put_async(self._store, name, cancellable.all(), chunk_size=PART_BYTES, max_concurrency=PARTS)
            writing = asyncio.ensure_future(into)
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:
                # The store's own threads must end as well, and remove what they have written.
                cancellable.stopped = True
                await asyncio.wait([writing])
                raise

    async def read(self, name: str) -> AsyncIterator[bytes] | None:
        """Return a file's content, None where it is not there."""
        with self._refusing():
            try:
                found = await obstore.get_async(self._store, name)
            except FileNotFoundError:
                return None
            return (bytes(part) async for part in found.stream(min_chunk_size=READ_BYTES))

    async def delete(self, name: str) -> None:
        """Delete a file; a missing file is no fault."""
        with self._refusing(), suppress(FileNotFoundError):
            self._sweep(name)
            await obstore.delete_async(self._store, name)

    @cached_property
    def _store(self) -> ObjectStore:
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            return from_url(self._address)
        return from_url(self._address, client_options=CLIENT, retry_config=RETRIES)

    def _sweep(self, name: str) -> None:
        """Delete what a killed process left under a temporary name. In a bucket a lifecycle rule does (docs/operations.md)."""
        for left in self._folder.glob(f"{name}#*") if self._folder else ():
            left.unlink(missing_ok=True)

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError) as error:
            # Some stores take a key in the address.
            reason = re.sub(r"\?\S+", "?…", str(error).partition("\n")[0])
            log.warning("the store of exports failed", reason=reason)
            raise UpstreamUnavailable from None


class CancellableParts:
    """The parts of a file, which end at once when the file is cancelled."""

    def __init__(self, parts: AsyncIterator[bytes]) -> None:
        self.stopped = False
        self._parts = parts

    async def all(self) -> AsyncIterator[bytes]:
        """Yield the parts; raise CancelledWriteError once the file is cancelled."""
        async for part in self._parts:
            if self.stopped:
                raise CancelledWriteError
            yield part


class CancelledWriteError(Exception):
    """The caller no longer waits for the file."""
