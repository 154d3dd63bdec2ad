"""Admission control: bounds the summed cost of the queries that a worker runs at once, and so its memory."""

import asyncio
from collections import deque
from typing import Final

from errors import Unavailable

# Points of cost. An object that is being answered takes up to 5 kB, so all of them take 10 MB. Many large queries at once are
# answered one after the other, instead of all of them late.
SIZE: Final = 2_000
# Queries that run or wait; a server has three quarters of MATINEE_LIMIT_REQUESTS.
MOST: Final = 750
# Under load callers wait this long before they are refused. Where the database does not answer, `refuse` ends all waits.
PATIENCE_SECONDS: Final = 2.0
# A line that has not been empty for so long is no burst but an overload, which waiting does not end. Whoever joins it then is
# refused sooner, so that those who are answered are answered soon (ADR 64).
STANDING_SECONDS: Final = 2.0
HURRIED_SECONDS: Final = 0.5


class AdmissionControl:
    """Admits queries in order of arrival while their total cost fits in `size`. A query that costs more takes all of it."""

    def __init__(self, size: int = SIZE, *, most: int = MOST) -> None:
        """Admit queries up to this total cost; refuse at once where `most` queries run or wait already."""
        self._size = self._free = size
        self._left = most
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        # When the line was empty for the last time, by the clock of the event loop.
        self._began = 0.0

    @property
    def is_full(self) -> bool:
        """Whether a further query would be refused at once."""
        return self._left <= 0

    def take_room(self, cost: int) -> "Room":
        """Return a context in which a query of this cost runs. One of cost 0 is counted, and waits for nobody."""
        return Room(self, min(cost, self._size))

    async def enter(self, share: int) -> None:
        """Wait until this share of `size` is free, and take it.

        Raises Unavailable where that takes too long, or where too many queries run or wait already.
        """
        if self.enter_at_once(share):
            return
        if self.is_full:
            raise Unavailable
        self._left -= 1
        try:
            await self._wait_turn(share)
        except BaseException:
            self._left += 1
            raise

    def enter_at_once(self, share: int) -> bool:
        """Take this share of `size` if it is free now and nobody waits; return whether that is so."""
        if self.is_full or (share and (self._waiting or self._free < share)):
            return False
        self._left -= 1
        self._free -= share
        return True

    def leave(self, share: int) -> None:
        """Give back a share that was taken."""
        self._left += 1
        self._give_back(share)

    def refuse(self) -> None:
        """Raise Unavailable in all queries that wait, since the database does not answer."""
        waiting, self._waiting = self._waiting, deque()
        for _, turn in waiting:
            if not turn.done():
                turn.set_exception(Unavailable())

    async def _wait_turn(self, share: int) -> None:
        loop = asyncio.get_running_loop()
        if not self._waiting:
            self._began = loop.time()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append((share, turn))
        is_standing = loop.time() - self._began > STANDING_SECONDS
        try:
            async with asyncio.timeout(min(HURRIED_SECONDS, PATIENCE_SECONDS) if is_standing else PATIENCE_SECONDS):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                # The turn came at the moment in which the caller gave up.
                self._give_back(share)
            else:
                # It is passed over where it is in the line.
                self._admit()
            if isinstance(error, TimeoutError):
                raise Unavailable from None
            raise

    def _give_back(self, share: int) -> None:
        self._free += share
        self._admit()

    def _admit(self) -> None:
        while self._waiting and (self._waiting[0][0] <= self._free or self._waiting[0][1].done()):
            share, turn = self._waiting.popleft()
            if not turn.done():
                self._free -= share
                turn.set_result(None)


class Room:
    """A share of `size` that a query takes while it runs. A class, because a generator costs more for each query."""

    __slots__ = ("_control", "_share")

    def __init__(self, control: AdmissionControl, share: int) -> None:
        self._control = control
        self._share = share

    def enter_at_once(self) -> bool:
        """Take the share if nothing has to be waited for; return whether that is so."""
        return self._control.enter_at_once(self._share)

    def leave(self) -> None:
        """Give the share back."""
        self._control.leave(self._share)

    async def __aenter__(self) -> None:
        """Take the share; raise Unavailable where that takes too long."""
        await self._control.enter(self._share)

    async def __aexit__(self, *_: object) -> None:
        """Give the share back."""
        self.leave()
