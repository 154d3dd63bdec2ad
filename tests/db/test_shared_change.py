"""Changes of a batch are grouped by statement, and keep the order that their answers depend on."""

from typing import Final

import pytest

from db.shared_change import ManyChanges, SharedChange, group_changes, write_array, write_text_array

RESERVE: Final = SharedChange("reserve", many=ManyChanges("", columns={"booking": "bigint"}, key="booking"))
CONFIRM: Final = SharedChange("confirm", many=ManyChanges("", columns={"booking": "bigint"}, key="booking"))
OPEN: Final = SharedChange("open", many=ManyChanges("", columns={"session": "bigint"}))
NAMES: Final = {"r": RESERVE, "c": CONFIRM, "o": OPEN, "x": "another statement"}


@pytest.mark.parametrize(
    ("arrived", "groups"),
    [
        ("r1 r2 r3", ["r 0 1 2"]),
        ("r1 c2 r3 c4", ["r 0 2", "c 1 3"]),
        # The second change of a booking comes after the first, and a third caller does not overtake it.
        ("r1 r2 r1 r3", ["r 0 1", "r 2 3"]),
        ("r1 r2 c1 c2 r3", ["r 0 1 4", "c 2 3"]),
        ("c1 c2 r1 r2", ["c 0 1", "r 2 3"]),
        ("c1 c2 r1 r2 c3 c1 c4", ["c 0 1 4", "r 2 3", "c 5 6"]),
        ("o1 o1 o1", ["o 0 1 2"]),
        ("r1 x0 r2", ["- 0", "- 1", "- 2"]),
        ("r1 r2 x0 r3 r4", ["r 0 1", "- 2", "r 3 4"]),
        # One alone has a statement of its own.
        ("r1 c2", ["- 0", "- 1"]),
    ],
)
def test_groups_changes_and_keeps_their_order(arrived: str, groups: list[str]) -> None:
    changes = [(NAMES[each[0]], {"booking": each[1:], "session": each[1:]}) for each in arrived.split()]
    letters = {RESERVE.many: "r", CONFIRM.many: "c", OPEN.many: "o"}
    found = group_changes(changes)
    assert [" ".join(map(str, [letters[each.many] if each.many else "-", *each.places])) for each in found] == groups


def test_writes_integers_booleans_and_nulls_into_arrays() -> None:
    assert write_array([1, None, -2]) == b"{1,NULL,-2}"
    assert write_array([True, False]) == b"{True,False}"


def test_texts_in_an_array_are_quoted() -> None:
    assert write_text_array(["a", 'b"c', "d\\e", "NULL", ""]) == rb'{"a","b\"c","d\\e","NULL",""}'
