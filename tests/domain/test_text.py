import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.text import encodable, faults_of_number, faults_of_text

ANYTHING = st.text(st.characters(codec=None, exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "must not be empty"),
        (" \t\n ", "must not be empty"),
        ("x" * 11, "must have at most 10 characters"),
        ("a\0b", "must not contain NUL or broken characters"),
        ("a\ud800b", "must not contain NUL or broken characters"),
    ],
)
def test_says_what_is_wrong_with_a_text(text: str, problem: str) -> None:
    (fault,) = faults_of_text("title", text, longest=10)
    assert fault.path == ("input", "title")
    assert str(fault) == f"`title` {problem}."


@pytest.mark.parametrize("text", [None, "x", "x" * 10, "🎬" * 10, " x "])
def test_lets_other_texts_be(text: str | None) -> None:
    assert list(faults_of_text("title", text, longest=10)) == []


@settings(deadline=None)
@given(ANYTHING)
def test_what_is_let_through_can_be_written_down(text: str) -> None:
    if not list(faults_of_text("title", text, longest=10)):
        assert encodable(text)
        assert "\0" not in text


@pytest.mark.parametrize(("number", "wrong"), [(None, 0), (1, 0), (9, 0), (0, 1), (10, 1), (-(10**30), 1), (10**30, 1)])
def test_numbers_lie_within_bounds_that_are_included(number: int | None, wrong: int) -> None:
    assert len(list(faults_of_number("capacity", number, smallest=1, largest=9))) == wrong
