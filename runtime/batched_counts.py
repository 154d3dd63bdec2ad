"""Publishes counts once a second: counting in a worker's own memory costs less than in a series, which may be in shared memory."""

import asyncio
from collections.abc import Callable
from typing import Final

from prometheus_client import Counter

PUBLISH_SECONDS: Final = 1.0


class Publisher:
    """Calls what publishes counts, at the latest a second after they were counted."""

    def __init__(self) -> None:
        self._unpublished: list[Callable[[], None]] = []
        self._timer: asyncio.TimerHandle | None = None

    def publish_soon(self, publish: Callable[[], None]) -> None:
        """Call `publish` within a second, once; without an event loop that runs, when `publish_all` is called."""
        self._unpublished.append(publish)
        if self._timer is None:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                return
            self._timer = loop.call_later(PUBLISH_SECONDS, self.publish_all)

    def publish_all(self) -> None:
        """Publish everything that was counted."""
        unpublished, self._unpublished = self._unpublished, []
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for publish in unpublished:
            publish()


class BatchedCounter:
    """A series that is counted in often."""

    __slots__ = ("_publisher", "_series", "_unpublished")

    def __init__(self, series: Counter, publisher: Publisher) -> None:
        self._series = series
        self._publisher = publisher
        self._unpublished = 0

    def add_one(self) -> None:
        """Count one."""
        if not self._unpublished:
            self._publisher.publish_soon(self._publish)
        self._unpublished += 1

    def _publish(self) -> None:
        unpublished, self._unpublished = self._unpublished, 0
        self._series.inc(unpublished)
