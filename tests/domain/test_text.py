import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.text import find_number_faults, find_text_faults, is_encodable

CONTROL = "must not contain control characters other than line breaks and tabs"
# Zero width, fillers that Unicode counts as letters or symbols, combining marks alone, tags, what is not assigned.
INVISIBLE = (
    "\u200b",
    "\u200d\ufeff",
    "\u3164",
    "\u115f\u1160",
    "\uffa0",
    "\u2800",
    "\u00ad",
    "\u034f",
    "\u0301",
    "\u202e",
    "\ufe0f",
    "\U000e0041",
    "\U000e0fff",
    "\u2065",
    " \u200b\t",
)
ANYTHING = st.text(st.characters(codec=None, exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "must not be empty"),
        (" \t\n ", "must not be empty"),
        ("x" * 11, "must have at most 10 characters"),
        ("a\0b", "must not contain the character NUL"),
        ("a\x1b[31mb", CONTROL),
        ("a\x7f", CONTROL),
        ("a\x85", CONTROL),
        ("a\ud800b", "must not contain a lone surrogate, which is half of a character"),
        ("\0", "must not contain the character NUL"),
        *((text, "must have a visible character") for text in INVISIBLE),
    ],
)
def test_finds_problem_of_invalid_text(text: str, problem: str) -> None:
    (fault,) = find_text_faults("title", text, longest=10)
    assert fault.path == ("input", "title")
    assert str(fault) == f"`title` {problem}."


@pytest.mark.parametrize(
    "text", [None, "x", "x" * 10, "🎬" * 10, " x ", "a\r\n\tb", "हि", "e\u0301", "\u200fمرحبا", "…", "👩\u200d🚀"]
)
def test_accepts_other_texts(text: str | None) -> None:
    assert list(find_text_faults("title", text, longest=10)) == []


@settings(deadline=None)
@given(ANYTHING)
def test_accepted_text_can_be_stored(text: str) -> None:
    if not list(find_text_faults("title", text, longest=10)):
        assert is_encodable(text)
        assert "\0" not in text


@pytest.mark.parametrize(("number", "wrong"), [(None, 0), (1, 0), (9, 0), (0, 1), (10, 1), (-(10**30), 1), (10**30, 1)])
def test_accepts_number_within_bounds_both_included(number: int | None, wrong: int) -> None:
    assert len(list(find_number_faults("capacity", number, smallest=1, largest=9))) == wrong
