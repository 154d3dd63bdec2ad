"""Positions by user, in memory that workers share."""

from runtime.position_marks import BUCKETS, join_marks, make_private_marks, make_shared_marks_file


def test_finds_highest_position_of_all_workers() -> None:
    with make_shared_marks_file() as file:
        first, second = join_marks(file, worker=0), join_marks(file, worker=255)
        assert first.find(7) == 0
        first.mark(7, 2**40)
        second.mark(7, 5)
        # A worker that takes a dead one's place goes on where that one was.
        assert [marks.find(7) for marks in (first, second, join_marks(file, worker=0))] == [2**40] * 3
        # A user of the same bucket reads from the primary as well, one of another does not.
        assert (second.find(7 + BUCKETS), second.find(8)) == (2**40, 0)


def test_keeps_private_marks_apart() -> None:
    marks, others = make_private_marks(), make_private_marks()
    marks.mark(1, 9)
    assert (marks.find(1), others.find(1)) == (9, 0)
