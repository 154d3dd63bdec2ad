"""Checks of the texts that callers write: present, visible, not too long, and free of what PostgreSQL cannot store."""

import unicodedata
from collections.abc import Iterator
from typing import Final

from errors import InvalidInput

NUL = "\0"
NO_NUL: Final = "must not contain the character NUL"
CONTROL: Final = "must not contain control characters other than line breaks and tabs"
SURROGATE: Final = "must not contain a lone surrogate, which is half of a character"
EMPTY: Final = "must not be empty"
INVISIBLE: Final = "must have a visible character"
LINE_BREAKS_AND_TABS: Final = frozenset("\t\n\r")
# Unicode's categories of white space, of control, format and surrogate characters, and of marks on other characters.
UNSEEN_CATEGORIES: Final = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Mn", "Mc", "Me"})
# Fillers that Unicode counts as letters or symbols, and code points that it keeps free for invisible characters
# (Default_Ignorable_Code_Point in DerivedCoreProperties.txt; Python's unicodedata does not have that property).
FILLERS: Final = frozenset("\u115f\u1160\u2065\u2800\u3164\uffa0" + "".join(map(chr, range(0xFFF0, 0xFFF9))))
INVISIBLE_PLANE: Final = range(0xE0000, 0xE1000)


def find_text_faults(field: str, text: str | None, *, longest: int) -> Iterator[InvalidInput]:
    """Yield the fault of a text of 1 to `longest` characters; None means that the field was left out."""
    if text is None:
        return
    problem = find_problem(text, longest=longest) or (CONTROL if has_control(text) else None)
    if problem:
        yield InvalidInput(path=("input", field), field=field, problem=problem)


def find_problem(text: str, *, longest: int, may_be_empty: bool = False) -> str | None:
    """Return what is wrong with a text, as the end of a sentence about it; None where it is right.

    Control characters other than NUL are allowed: third parties write them, and clients send such texts back.
    """
    if not (may_be_empty or text.strip()):
        return EMPTY
    if len(text) > longest:
        return f"must have at most {longest} characters"
    if not is_encodable(text):
        return SURROGATE
    if NUL in text:
        return NO_NUL
    return None if may_be_empty or has_visible(text) else INVISIBLE


def find_number_faults(field: str, number: int | None, *, smallest: int, largest: int) -> Iterator[InvalidInput]:
    """Yield the fault of a number that must be within bounds, both included; None means that it was left out."""
    if number is not None and not smallest <= number <= largest:
        problem = f"must be a whole number from {smallest} to {largest}"
        yield InvalidInput(path=("input", field), field=field, problem=problem)


def is_encodable(text: str) -> bool:
    """Return whether UTF-8 can encode the text; it cannot encode a lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def has_control(text: str) -> bool:
    """Return whether the text contains a control character other than a line break or a tab."""
    return any(unicodedata.category(each) == "Cc" and each not in LINE_BREAKS_AND_TABS for each in text)


def has_visible(text: str) -> bool:
    """Return whether a reader sees anything of the text."""
    return any(map(is_visible, text))


def is_visible(character: str) -> bool:
    """Return whether the character alone leaves a mark on a page."""
    return (
        unicodedata.category(character) not in UNSEEN_CATEGORIES
        and character not in FILLERS
        and ord(character) not in INVISIBLE_PLANE
    )


def has_only_printable(text: str) -> bool:
    """Return whether the text has no white space, no control character and no invisible one."""
    return all(unicodedata.category(each)[0] == "M" or is_visible(each) for each in text)
