"""Changes with two statements: the one that takes their locks, or the one for several callers at once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from db.pipeline.statement import Parameters, Statement, number_placeholders

# The name of the column that says which change a row answers.
PLACE: Final = "place"


class ManyChanges:
    """A statement that makes several changes at once, whose parameters are arrays.

    `asked` has a row for each change: its `columns`, and its `place` in the order of arrival. The first column of the result is
    that place. A change may have no row in the result, as when it is made alone.
    """

    def __init__(
        self, rest: str, *, columns: Mapping[str, str], key: str = "", fewest: int = 2, locks_in_order: bool = True
    ) -> None:
        """Take the statement after `asked`, and the types of the columns: of integers and booleans alone.

        `key` is the column in which the changes of one statement must differ; the order of changes that share one stays.
        Fewer than `fewest` changes are cheaper one by one. `locks_in_order` is false for a statement that needs the locks
        of its batch first, so that it never waits in a ring.
        """
        self.columns = columns
        self.key = key
        self.fewest = fewest
        self.locks_in_order = locks_in_order
        arrays = ", ".join(f"%({name})s::{kind}[]" for name, kind in {PLACE: "int", **columns}.items())
        names = ", ".join((PLACE, *columns))
        asked = f"SELECT * FROM unnest({arrays}) AS asked ({names})"  # noqa: S608 - of names in this project's code
        self.text = f"WITH asked AS MATERIALIZED ({asked}), {rest}"
        self._statement = Statement(number_placeholders(self.text)[0])

    def bind(self, changes: Sequence[Mapping[str, object]]) -> tuple[Statement, Parameters]:
        """Return the statement and its parameters for changes in their order of arrival."""
        arrays = [write_array(range(len(changes)))]
        arrays += [write_array(change[name] for change in changes) for name in self.columns]
        return self._statement, arrays


def write_array(values: Iterable[object]) -> bytes:
    """Return an array of integers or booleans, or NULLs, in PostgreSQL's text format."""
    return ("{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}").encode()


def write_text_array(values: Iterable[str]) -> bytes:
    """Return an array of texts in PostgreSQL's text format."""
    quoted = ['"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values]
    return ("{" + ",".join(quoted) + "}").encode()


class LockedChange(str):  # noqa: SLOT000 - a str with slots can have no attribute of its own
    """The statement of one caller's change, which knows the statement that takes its locks, where there is one.

    `lock` has the same parameters. It runs first in the transaction, so that the change begins with the newest version of
    what it locks.
    """

    lock: str | None

    def __new__(cls, statement: str, *, lock: str | None) -> Self:
        """Add the statement that takes the locks of a change alone."""
        made = super().__new__(cls, statement)
        made.lock = lock
        return made


class SharedChange(LockedChange):
    """The statement of one caller's change, which knows the statement for those of many callers."""

    many: ManyChanges

    def __new__(cls, statement: str, *, many: ManyChanges, lock: str | None = None) -> Self:
        """Add the statement for many, and the one that takes the locks of a change alone."""
        made = super().__new__(cls, statement, lock=lock)
        made.many = many
        return made


@dataclass(frozen=True, slots=True)
class Group:
    """Changes of a batch that one statement makes, by their places in the batch; without `many` there is one of them."""

    many: ManyChanges | None
    places: list[int] = field(default_factory=list)

    @property
    def locks_in_order(self) -> bool:
        """Whether its statement takes all of its locks in one order by itself."""
        return self.many is not None and self.many.locks_in_order


def group_changes(changes: Sequence[tuple[str, Mapping[str, object]]]) -> list[Group]:
    """Return the groups of a batch's changes, statements with their parameters, in the order in which they have to run.

    Changes of one statement keep their order, and so do changes that share a key, whatever their statements are.
    """
    groups: list[Group] = []
    # The number of the newest group of a statement for many, and of the newest group that has a key.
    newest: dict[ManyChanges, int] = {}
    by_key: dict[object, int] = {}
    for place, (statement, parameters) in enumerate(changes):
        many = statement.many if isinstance(statement, SharedChange) else None
        if many is None:
            groups.append(Group(None, [place]))
            newest.clear()
            continue
        number = newest.get(many, -1)
        key = parameters[many.key] if many.key else None
        if number < 0 or by_key.get(key, -1) >= number:
            number = newest[many] = len(groups)
            groups.append(Group(many))
        groups[number].places.append(place)
        if key is not None:
            by_key[key] = number
    return [part for group in groups for part in split_small(group)]


def split_small(group: Group) -> Iterator[Group]:
    """Yield the group, or its changes one by one where they are too few for their statement for many."""
    if group.many is None or len(group.places) >= group.many.fewest:
        yield group
    else:
        yield from (Group(None, [place]) for place in group.places)
