"""Forgiving search: turns the words of a query into a tsquery, which an index on the lexemes of titles answers."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

# Letters that Unicode does not decompose, and marks and invisible characters that are left out. The SQL function fold() has
# the same ones.
WHOLE: Final = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "ς": "σ", "œ": "oe", "æ": "ae", "ß": "ss"})
MARKS: Final = re.compile(
    r"[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f"
    r"\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a"
    r"\ufe00-\ufe0f\ufe20-\ufe2f\u00ad\u200c\u200d\u2060\ufeff]"
)
# Letters, digits and the marks within words (general categories L, Nd, Nl, Mn, Mc of Unicode 14), as they are after
# decomposition and in lower case. Ranges, because PostgreSQL's own classes depend on the locale: under some of them Hindi
# vowel signs end a word. Gaps that nothing decomposes into are closed.
IN_WORDS: Final = (
    r"0-9a-z\u00f0\u00fe-\u02c1\u02c6-\u02d1\u02ec\u02ee\u0371-\u0373\u0377-\u03f3\u03f8-\u0481\u048b-\u0559"
    r"\u0560-\u0588\u05d0-\u05f2\u0620-\u0669\u066e-\u06d2\u06d5\u06e5-\u06e6\u06ee-\u06fc\u06ff\u0710-\u07f5"
    r"\u07fa-\u07fd\u0800-\u082d\u0840-\u085b\u0860-\u0887\u0889-\u088e\u0898-\u08e1\u08e3-\u0963\u0966-\u096f"
    r"\u0971-\u09f1\u09fc\u09fe-\u0a75\u0a81-\u0aef\u0af9-\u0b6f\u0b71\u0b82-\u0bef\u0c00-\u0c6f\u0c80-\u0c83"
    r"\u0c85-\u0d4e\u0d54-\u0d57\u0d5f-\u0d6f\u0d7a-\u0df3\u0e01-\u0e3a\u0e40-\u0e4e\u0e50-\u0e59\u0e81-\u0f00"
    r"\u0f18-\u0f19\u0f20-\u0f29\u0f35\u0f37\u0f39\u0f3e-\u0f84\u0f86-\u0fbc\u0fc6\u1000-\u1049\u1050-\u109d"
    r"\u10d0-\u10fa\u10fd-\u135f\u1380-\u138f\u13f8-\u13fd\u1401-\u166c\u166f-\u167f\u1681-\u169a\u16a0-\u16ea"
    r"\u16ee-\u1734\u1740-\u17d3\u17d7\u17dc-\u17e9\u180b-\u180d\u180f-\u193b\u1946-\u19d9\u1a00-\u1a1b"
    r"\u1a20-\u1a99\u1aa7\u1b00-\u1b59\u1b6b-\u1b73\u1b80-\u1bf3\u1c00-\u1c37\u1c40-\u1c7d\u1c80-\u1c88"
    r"\u1cd0-\u1cd2\u1cd4-\u1eff\u214e\u2180-\u2188\u2c30-\u2ce4\u2cec-\u2cf3\u2d00-\u2d67\u2d7f-\u2dff\u2e2f"
    r"\u3005-\u3007\u3021-\u302f\u3031-\u3035\u303b-\u303c\u3041-\u309d\u30a1-\u30f6\u30fc-\u312f\u31a0-\u31bf"
    r"\u31f0-\u31ff\u3400-\u4dbf\u4e00-\ua48c\ua4d0-\ua4fd\ua500-\ua60c\ua610-\ua66f\ua674-\ua67d\ua67f-\ua6f1"
    r"\ua717-\ua71f\ua723-\ua788\ua78c-\ua827\ua82c\ua840-\ua873\ua880-\ua8c5\ua8d0-\ua8f7\ua8fb\ua8fd-\ua92d"
    r"\ua930-\ua953\ua960-\ua9c0\ua9cf-\ua9d9\ua9e0-\uaa59\uaa60-\uaa76\uaa7a-\uaadd\uaae0-\uaaef\uaaf2-\uab5a"
    r"\uab60-\uab68\uab70-\uabea\uabec-\ud7ff\uf900-\ufb1e\ufe73\U00010000-\U000100fa\U00010140-\U00010174"
    r"\U000101fd-\U000102e0\U00010300-\U0001031f\U0001032d-\U0001039d\U000103a0-\U000103cf\U000103d1-\U00010563"
    r"\U00010597-\U00010855\U00010860-\U00010876\U00010880-\U0001089e\U000108e0-\U000108f5\U00010900-\U00010915"
    r"\U00010920-\U00010939\U00010980-\U000109b7\U000109be-\U000109bf\U00010a00-\U00010a3f\U00010a60-\U00010a7c"
    r"\U00010a80-\U00010a9c\U00010ac0-\U00010ac7\U00010ac9-\U00010ae6\U00010b00-\U00010b35\U00010b40-\U00010b55"
    r"\U00010b60-\U00010b72\U00010b80-\U00010b91\U00010c00-\U00010cf2\U00010d00-\U00010d39\U00010e80-\U00010eac"
    r"\U00010eb0-\U00010f1c\U00010f27-\U00010f50\U00010f70-\U00010f85\U00010fb0-\U00010fc4\U00010fe0-\U00011046"
    r"\U00011066-\U000110ba\U000110c2\U000110d0-\U0001113f\U00011144-\U00011173\U00011176-\U000111c4"
    r"\U000111c9-\U000111cc\U000111ce-\U000111da\U000111dc\U00011200-\U00011237\U0001123e-\U000112a8"
    r"\U000112b0-\U0001144a\U00011450-\U00011459\U0001145e-\U000114c5\U000114c7-\U000115c0\U000115d8-\U00011640"
    r"\U00011644-\U00011659\U00011680-\U000116b8\U000116c0-\U00011739\U00011740-\U0001183a\U000118c0-\U000118e9"
    r"\U000118ff-\U00011943\U00011950-\U000119e1\U000119e3-\U00011a3e\U00011a47-\U00011a99\U00011a9d"
    r"\U00011ab0-\U00011c40\U00011c50-\U00011c59\U00011c72-\U00011ef6\U00011fb0\U00012000-\U0001246e"
    r"\U00012480-\U00012ff0\U00013000-\U0001342e\U00014400-\U00016a69\U00016a70-\U00016af4\U00016b00-\U00016b36"
    r"\U00016b40-\U00016b43\U00016b50-\U00016b59\U00016b63-\U00016e7f\U00016f00-\U00016fe1\U00016fe3-\U0001bc99"
    r"\U0001bc9d-\U0001bc9e\U0001cf00-\U0001cf46\U0001d165-\U0001d169\U0001d16d-\U0001d172\U0001d17b-\U0001d182"
    r"\U0001d185-\U0001d18b\U0001d1aa-\U0001d1ad\U0001d242-\U0001d244\U0001da00-\U0001da36\U0001da3b-\U0001da6c"
    r"\U0001da75\U0001da84\U0001da9b-\U0001e14e\U0001e290-\U0001e2f9\U0001e7e0-\U0001e8c4\U0001e8d0-\U0001e959"
    r"\U00020000-\U0003134a\U000e0100-\U000e01ef"
)
NOT_IN_WORDS: Final = re.compile(f"[^.{IN_WORDS}]+")
# The dot between two single letters, as in S.W.A.T.
INITIALS: Final = re.compile(r"(?<![^. ])([^. 0-9])\.(?=[^. 0-9](?![^. ]))")
# Scripts without spaces between words: Thai, Lao, Burmese, Khmer, Japanese, Chinese. A word may begin at any letter of them.
UNSPACED: Final = re.compile(
    "["
    r"\u0e01-\u0e5b\u0e81-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf"
    r"\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
    "]"
)
MOST_WORDS: Final = 8
LONGEST_WORD: Final = 32
# Queries up to this length are remembered, so that all of them take little memory.
LONGEST_REMEMBERED: Final = 128
# Typing errors are not forgiven in shorter words, which would match too many others.
SHORTEST_FORGIVEN: Final = 4
# What the lexemes begin with that are no words; no word has it.
GAP: Final = "?"
INSIDE: Final = "+"


def fold(text: str) -> str:
    """Return text without case, accents and punctuation, as the SQL function of this name does; initials are one word."""
    apart = MARKS.sub("", unicodedata.normalize("NFKD", text).lower().translate(WHOLE))
    joined = INITIALS.sub(r"\1", NOT_IN_WORDS.sub(" ", apart))
    return " ".join(joined.replace(".", " ").split())


def read_symbols(query: str) -> str:
    """Return the characters to look for in a query without words, at most 32; empty where none is visible."""
    known = "".join("\ufffd" if unicodedata.category(each) == "Cs" else each for each in MARKS.sub("", query))
    visible = "".join(each for each in known if unicodedata.category(each)[0] not in "CM")
    return visible.strip()[:LONGEST_WORD]


def read_words(query: str) -> tuple[str, ...]:
    """Return the words to look for: the first eight, each of at most 32 letters."""
    return read_short(query) if len(query) <= LONGEST_REMEMBERED else split_words(query)


def split_words(query: str) -> tuple[str, ...]:
    """Return the words of a query, without looking them up."""
    return tuple([word[:LONGEST_WORD] for word in fold(query).split()[:MOST_WORDS]])


read_short: Final = lru_cache(maxsize=1024)(split_words)


def list_lexemes(word: str) -> set[str]:
    """Return what the SQL function `lexemes` keeps of a word of a title.

    That is the word, cut where no query reaches; the word with a gap for each of its letters, by which a replaced letter and
    one left out are found; and in scripts without spaces whatever follows a letter within the word.
    """
    gaps = range(len(word)) if SHORTEST_FORGIVEN <= len(word) <= LONGEST_WORD + 1 else ()
    inside = (place for place, letter in enumerate(word) if UNSPACED.match(letter))
    return {
        word[: LONGEST_WORD + 1],
        *(f"{GAP}{word[:place]}{GAP}{word[place + 1 :]}" for place in gaps),
        *(f"{INSIDE}{word[place : place + LONGEST_WORD]}" for place in inside),
    }


@lru_cache(maxsize=1024)
def write_query(words: Sequence[str]) -> str:
    """Return the tsquery: each word must begin a word of the title, or differ from one by one error."""
    return " & ".join(f"({' | '.join(list_alternatives(word))})" for word in words)


@lru_cache(maxsize=1024)
def write_beginnings(words: Sequence[str]) -> str:
    """Return the tsquery that a title matches which has, for each word, one that begins with it."""
    return " & ".join(f"'{word}':*" for word in words)


def list_alternatives(word: str) -> list[str]:
    """Return the lexemes of a tsquery of which a word of the title has at least one.

    Only letters, digits and the marks above get in here: nothing in the quotes needs escaping.
    """
    beginnings = [f"'{word}':*"]
    if UNSPACED.match(word):
        # The beginning of a word cannot be seen in these scripts.
        beginnings.append(f"'{INSIDE}{word}':*")
    if len(word) < SHORTEST_FORGIVEN:
        return beginnings
    errors = dict.fromkeys(spelling for place in range(len(word)) for spelling in list_misspellings(word, place))
    return [*beginnings, *(f"'{spelling}'" for spelling in errors)]


def list_misspellings(word: str, place: int) -> list[str]:
    """Return the lexemes of the words from which this one differs by an error at this place.

    An error is a letter replaced, left out, put in or swapped with its neighbour.
    """
    before, here, after = word[:place], word[place], word[place + 1 :]
    swapped = [f"{before}{after[0]}{here}{after[1:]}"] if after else []
    return [f"{GAP}{before}{GAP}{after}", f"{GAP}{before}{GAP}{here}{after}", f"{before}{after}", *swapped]
