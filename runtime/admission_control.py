"""How much a worker does at once: queries take turns by what they cost, so that what is under way fits into its memory."""

import asyncio
from collections import deque
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

    def take_room(self, cost: int) -> "Room":
        """Return room for a cost, all that there is for a larger one, to be entered for the length of the work."""
        return Room(self, min(cost, self._size))

    async def enter(self, share: int) -> None:
        """Take a share of the room.

        Raises Unavailable where that takes too long to come, or where too many run or wait already.
        """
        if self._left <= 0:
            raise Unavailable
        self._left -= 1
        if not self._waiting and self._free >= share:
            self._free -= share
            return
        try:
            await self._turn(share)
        except BaseException:
            self._left += 1
            raise

    def leave(self, share: int) -> None:
        """Give a share back that was taken."""
        self._left += 1
        self._give_back(share)

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


class Room:
    """A share of the room while it is entered. A class of its own, for a generator would cost each query more."""

    __slots__ = ("_control", "_share")

    def __init__(self, control: AdmissionControl, share: int) -> None:
        self._control = control
        self._share = share

    async def __aenter__(self) -> None:
        """Take it; raise Unavailable where it takes too long to come."""
        await self._control.enter(self._share)

    async def __aexit__(self, *_: object) -> None:
        """Give it back."""
        self._control.leave(self._share)
