"""Forgiving search: what a query's words become, so that an index finds and a pattern judges."""

import re
import unicodedata
from typing import Final

# The letters that Unicode does not take apart; the SQL function fold() replaces the same ones.
WHOLE: Final = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "œ": "oe", "æ": "ae", "ß": "ss"})
MOST_WORDS: Final = 8
LONGEST_WORD: Final = 32
# In a shorter word one letter more or less makes too many others of it.
SHORTEST_FORGIVEN: Final = 4


def fold(text: str) -> str:
    """Return text without case, accents and punctuation, as the SQL function of this name does."""
    apart = unicodedata.normalize("NFKD", text).lower().translate(WHOLE)
    letters = "".join(" " if not mark.isalnum() and not unicodedata.combining(mark) else mark for mark in apart)
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())


def words(query: str) -> list[str]:
    """Return the words to look for: the first eight, each of at most 32 letters."""
    return [word[:LONGEST_WORD] for word in fold(query).split()[:MOST_WORDS]]


def trigrams(word: str) -> list[str]:
    """Return the trigrams of a word, of which a word with one typing error still shares some."""
    padded = f"  {word} "
    return sorted({padded[place : place + 3] for place in range(len(padded) - 2)})


def pattern(word: str) -> str:
    """Return the regular expression of the words that begin with this one, or are this one with one typing error.

    An error is a letter left out, put in, replaced or swapped with its neighbour. Only letters and digits get in
    here, so nothing needs escaping but is escaped all the same.
    """
    letters = [re.escape(letter) for letter in word]
    spellings = [f"{''.join(letters)}"]
    if len(word) >= SHORTEST_FORGIVEN:
        errors = [spelled for place in range(len(letters)) for spelled in with_error(letters, place)]
        spellings.append(rf"(?:{'|'.join(dict.fromkeys(errors))})\M")
    return rf"\m(?:{'|'.join(spellings)})"


def with_error(letters: list[str], place: int) -> list[str]:
    """Return the word with each kind of error at this place."""
    before, here, after = "".join(letters[:place]), letters[place], letters[place + 1 :]
    replaced_or_extra = f"{before}\\w?{''.join(after)}"
    left_out = f"{before}\\w{here}{''.join(after)}"
    swapped = [f"{before}{after[0]}{here}{''.join(after[1:])}"] if after else []
    return [replaced_or_extra, left_out, *swapped]
