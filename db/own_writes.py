"""Read-your-writes: what the running request has changed, and which position in the log its caller has to see."""

from collections.abc import Callable
from contextvars import ContextVar


class RequestWrites:
    """The changes of one request, and the position that a standby must have replayed to answer its caller."""

    __slots__ = ("find_position", "has_changed")

    def __init__(self, find_position: Callable[[], int]) -> None:
        """Ask `find_position` each time: who the caller is shows in the course of the request."""
        self.find_position = find_position
        self.has_changed = False


# Set by edge/own_writes.py, where there is a standby.
RUNNING: ContextVar[RequestWrites | None] = ContextVar("running_request_writes", default=None)


def note_change() -> None:
    """Note that the running request has changed something that is read from standbys."""
    request = RUNNING.get()
    if request is not None:
        request.has_changed = True


def find_required_position() -> int:
    """Return the position that the caller of the running request has to see, in bytes; 0 for none."""
    request = RUNNING.get()
    return 0 if request is None else request.find_position()
