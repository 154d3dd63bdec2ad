"""The statements that are remembered, of all operations together: bounded by their length."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from db.pipeline import Statement
from db.programme_changes import ProgrammePart

# Numbers of programs, so that who remembers an answer need not hold on to the program.
NUMBERS: Final = count()
# Characters of SQL; Python's objects around them take as much again.
ROOM: Final = 8_000_000
# What a statement takes besides its text.
OVERHEAD: Final = 2_000


@dataclass(frozen=True, slots=True)
class Program:
    """What a request of one shape runs."""

    statement: Statement
    # Names of the statement's parameters, in the order of their numbers.
    parameters: tuple[str, ...]
    # Whether it may not be read from a standby.
    newest: bool
    # The answer, where no row decides about it.
    constant: bytes | None = None
    # The parts of the programme that decide about the answer; none where anything else does.
    parts: frozenset[ProgrammePart] = frozenset()
    number: int = field(default_factory=lambda: next(NUMBERS))


class Programs:
    """Statements by operation and shape. When they take too much room, the least recently used are dropped."""

    def __init__(self, *, room: int = ROOM) -> None:
        """Keep statements of `room` characters altogether."""
        self._kept: OrderedDict[Hashable, Program] = OrderedDict()
        self._room = room

    def __len__(self) -> int:
        """Return how many statements are remembered."""
        return len(self._kept)

    def find(self, key: Hashable, write: Callable[[], Program]) -> Program:
        """Return what is remembered under a key, or write and remember it."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found
        made = self._kept[key] = write()
        self._room -= measure_program(made)
        while self._room < 0 and self._kept:
            _, forgotten = self._kept.popitem(last=False)
            self._room += measure_program(forgotten)
        return made


def measure_program(program: Program) -> int:
    """Return what a statement takes of the room."""
    return OVERHEAD + len(program.statement.sql) + len(program.constant or b"")


# One for all requests, as documents are.
PROGRAMS: Final = Programs()
