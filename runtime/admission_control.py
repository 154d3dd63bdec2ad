"""How much a worker does at once: queries take turns by what they cost, so that what is under way fits into its memory."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from errors import Unavailable

# Points of cost. An object that is being answered takes up to 5 kB, so all of them take 10 MB; and a crowd of larger queries
# is answered one by one instead of all at last.
SIZE: Final = 2_000
# Queries that run or wait; a server has three quarters of MATINEE_LIMIT_REQUESTS.
MOST: Final = 750
# A crowd would rather wait than be refused; where the database does not answer, nobody is left waiting (`refuse`).
PATIENCE_SECONDS: Final = 10.0


class AdmissionControl:
    """For queries of a certain cost altogether. Who comes first is first in turn, so that a large one gets its turn too."""

    def __init__(self, size: int = SIZE, *, most: int = MOST) -> None:
        """Have room for this cost, and for so many queries that run or wait; further ones are refused at once."""
        self._size = self._free = size
        self._left = most
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def taken(self, cost: int) -> AsyncIterator[None]:
        """Hold room for a cost, all that there is for a larger one.

        Raises Unavailable where that takes too long to come, or where too many run or wait already.
        """
        share = min(cost, self._size)
        if self._left <= 0:
            raise Unavailable
        self._left -= 1
        try:
            if self._waiting or self._free < share:
                await self._turn(share)
            else:
                self._free -= share
            try:
                yield
            finally:
                self._give_back(share)
        finally:
            self._left += 1

    def refuse(self) -> None:
        """Raise Unavailable at all who wait, for there is no database that they could wait for."""
        waiting, self._waiting = self._waiting, deque()
        for _, turn in waiting:
            if not turn.done():
                turn.set_exception(Unavailable())

    async def _turn(self, share: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((share, turn))
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                # It came in the very moment in which the caller gave up.
                self._give_back(share)
            else:
                self._waiting = deque(each for each in self._waiting if each[1] is not turn)
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
