"""Forgiving search: what a query's words become, so that an index finds and a pattern judges."""

import re
import unicodedata
from typing import Final

# The letters that Unicode does not take apart, and the marks that go; the SQL function fold() knows the same ones.
WHOLE: Final = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "ς": "σ", "œ": "oe", "æ": "ae", "ß": "ss"})
MARKS: Final = re.compile(
    r"[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f"
    r"\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a"
    r"\ufe00-\ufe0f\ufe20-\ufe2f]"
)
# By Unicode's general categories: letters, digits, and in other alphabets the marks within a word.
IN_WORDS: Final = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Nl", "Mn", "Mc"})
MOST_WORDS: Final = 8
LONGEST_WORD: Final = 32
# In a shorter word one letter more or less makes too many others of it.
SHORTEST_FORGIVEN: Final = 4


def fold(text: str) -> str:
    """Return text without case, accents and punctuation, as the SQL function of this name does."""
    apart = MARKS.sub("", unicodedata.normalize("NFKD", text).lower().translate(WHOLE))
    return " ".join("".join(mark if unicodedata.category(mark) in IN_WORDS else " " for mark in apart).split())


def words(query: str) -> list[str]:
    """Return the words to look for: the first eight, each of at most 32 letters."""
    return [word[:LONGEST_WORD] for word in fold(query).split()[:MOST_WORDS]]


def trigrams(word: str) -> list[str]:
    """Return the trigrams of a word, of which a word with one typing error still shares some."""
    return pieces(f"  {word} ")


def clues(word: str) -> list[list[str]]:
    """Return sets of trigrams: whatever matches the word's pattern has all those of at least one set.

    They are for the index: the rarer, the fewer rows the pattern has to judge. A long word is halved with a letter
    between the halves, as no single error reaches both. A short one is only ever the beginning of what it finds.
    """
    padded = f"  {word}"
    if len(word) < SHORTEST_FORGIVEN:
        return [pieces(padded)]
    if len(word) == SHORTEST_FORGIVEN:
        return [[trigram] for trigram in trigrams(word)]
    middle = len(padded) // 2
    return [pieces(padded[:middle]), pieces(padded[middle + 1 :])]


def pieces(text: str) -> list[str]:
    """Return the three letters from each place on."""
    return sorted({text[place : place + 3] for place in range(len(text) - 2)})


def pattern(word: str) -> str:
    """Return the regular expression of the words that begin with this one, or are this one with one typing error.

    An error is a letter left out, put in, replaced or swapped with its neighbour. Only letters and digits get in
    here, so nothing needs escaping but is escaped all the same. Words end at blanks, as fold() leaves no other mark
    between them: PostgreSQL's own signs for the ends of words know ASCII alone in what is sorted by the codepoint.
    """
    letters = [re.escape(letter) for letter in word]
    spellings = [f"{''.join(letters)}"]
    if len(word) >= SHORTEST_FORGIVEN:
        errors = [spelled for place in range(len(letters)) for spelled in with_error(letters, place)]
        spellings.append(f"(?:{'|'.join(dict.fromkeys(errors))})(?: |$)")
    return f"(?:^| )(?:{'|'.join(spellings)})"


def with_error(letters: list[str], place: int) -> list[str]:
    """Return the word with each kind of error at this place."""
    before, here, after = "".join(letters[:place]), letters[place], letters[place + 1 :]
    replaced_or_extra = f"{before}[^ ]?{''.join(after)}"
    left_out = f"{before}[^ ]{here}{''.join(after)}"
    swapped = [f"{before}{after[0]}{here}{''.join(after[1:])}"] if after else []
    return [replaced_or_extra, left_out, *swapped]
