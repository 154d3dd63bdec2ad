"""What a search finds by definition, a title at a time: the patterns that searched before lexemes did."""

import re

from db.search import SHORTEST_FORGIVEN, UNSPACED, fold, read_words


def matches(title: str, query: str) -> bool:
    """Return whether a title matches every word of a query."""
    return all(re.search(pattern(word), fold(title)) for word in read_words(query))


def pattern(word: str) -> str:
    """Return the regular expression of the words that begin with this one, or are this one with one typing error."""
    letters = [re.escape(letter) for letter in word]
    exact = "".join(letters)
    spellings = [exact]
    if len(word) >= SHORTEST_FORGIVEN:
        errors = [spelled for place in range(len(letters)) for spelled in with_error(letters, place)]
        spellings.append(f"(?:{'|'.join(dict.fromkeys(errors))})(?: |$)")
    anchored = f"(?:^| )(?:{'|'.join(spellings)})"
    return f"{exact}|{anchored}" if UNSPACED.match(word) else anchored


def with_error(letters: list[str], place: int) -> list[str]:
    """Return the word with each kind of error at this place."""
    before, here, after = "".join(letters[:place]), letters[place], letters[place + 1 :]
    replaced_or_extra = f"{before}[^ ]?{''.join(after)}"
    left_out = f"{before}[^ ]{here}{''.join(after)}"
    swapped = [f"{before}{after[0]}{here}{''.join(after[1:])}"] if after else []
    return [replaced_or_extra, left_out, *swapped]
