"""How many requests a worker works on at once: further ones are refused before any work is done for them."""

from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any, Final

# Of all slots, how many may be taken for browsing: bookings find one when browsers have taken all of theirs.
BROWSING_SHARE: Final = 0.75

Message = MutableMapping[str, Any]


class RequestSlots:
    """The slots of a worker."""

    __slots__ = ("browsing", "free", "most")

    def __init__(self, most: int) -> None:
        self.most = self.free = most
        self.browsing = max(1, int(most * BROWSING_SHARE))

    def take(self, *, is_browsing: bool) -> "Slot | None":
        """Return a slot, None where there is none left for this kind of request."""
        if self.free <= (self.most - self.browsing if is_browsing else 0):
            return None
        self.free -= 1
        return Slot(self)


class Slot:
    """One request that is being worked on: not while its body is on its way, and not once its answer has begun.

    So who sends or reads slowly, and who follows a stream, keeps nobody out.
    """

    __slots__ = ("_is_over", "_is_receiving", "_slots")

    def __init__(self, slots: RequestSlots) -> None:
        self._slots = slots
        self._is_over = self._is_receiving = False

    def give_back(self) -> None:
        """Free the slot; a second time does nothing."""
        if not self._is_over:
            self._is_over = True
            self._slots.free += not self._is_receiving

    def receive_outside(self, receive: Callable[[], Awaitable[Message]]) -> Callable[[], Coroutine[Any, Any, Message]]:
        """Return what receives the messages of the request, and leaves the slot to others meanwhile."""

        async def receive_one() -> Message:
            if self._is_over or self._is_receiving:
                return await receive()
            self._is_receiving = True
            self._slots.free += 1
            try:
                return await receive()
            finally:
                self._is_receiving = False
                # The answer may have begun meanwhile: then the slot is free for good.
                self._slots.free -= not self._is_over

        return receive_one
