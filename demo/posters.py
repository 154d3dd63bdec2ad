"""Draws a poster for a movie that has none of its own, so that nothing is fetched from elsewhere."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from random import Random
from typing import Final
from xml.sax.saxutils import escape

from demo.poster_motifs import MOTIFS
from demo.poster_palettes import Palette, choose_palette

WIDTH: Final = 400
MARGIN: Final = 28
MEASURE: Final = WIDTH - 2 * MARGIN
# The title stands between the picture's lower edge and the line of genres.
TITLE_BOTTOM: Final = 548
TITLE_HEIGHT: Final = 112
SIZES: Final = (58, 50, 44, 38, 34, 30, 26, 23, 20, 17, 14, 12)
# Rather than below this size, a word that is wider than a line is broken.
BREAKING_SIZE: Final = 20
LEADING: Final = 1.1
# Characters of a title that are looked at: no poster has room for more.
SHOWN: Final = 400
# Advance widths of a bold sans serif, in ems; what is not listed is as wide as a lower-case letter.
NARROW: Final = frozenset(" \u00a0!'(),-./:;I[]fijlrt|\u2019·…")
BROAD: Final = frozenset("MWmw@%—œæŒÆ")
# What XML refuses. To name what it accepts instead takes five times as long to compile, at each start.
UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def draw_poster(title: str, genres: Sequence[str]) -> str:
    """Return an SVG document of 400 by 600 units, under 4 kB; the same one each time for the same title and genres."""
    # Not for secrets: the dice only have to fall alike each time.
    dice = Random(hashlib.blake2s(title.encode("utf-8", "replace")).digest())  # noqa: S311
    palette = choose_palette(dice.choice(genres) if genres else "", turned=dice.random() < 0.4)
    picture = "".join(dice.choice(MOTIFS)(dice, palette))
    named = escape(UNPRINTABLE.sub("", title[:SHOWN]), {'"': "&quot;"})
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 600" role="img" '
        f'aria-label="{named}"><clipPath id="c"><path d="M0 0h400v410H0z"/></clipPath>'
        f'<path d="M0 0h400v600H0z" fill="{palette.ground}"/><g clip-path="url(#c)">{picture}</g>'
        f'<path d="M0 410h400v5H0z" fill="{palette.accent}"/>'
        f"{_write_lettering(title, genres, palette)}</svg>"
    )


def typeset(title: str) -> tuple[int, list[str]]:
    """Return the size in units and the lines of a title: the largest size at which it fits, cut short at the smallest."""
    words = _split_words(title)
    lines: list[str] = []
    for size in SIZES:
        measure, room = MEASURE / size, _arrange_rows(size)
        breaking = size <= BREAKING_SIZE
        parts = [p for word in words for p in _split_pieces(word, measure)] if breaking else words
        lines = _wrap(parts, measure)
        if len(lines) <= room and all(measure_width(line) <= measure for line in lines):
            return size, lines
    room = _arrange_rows(SIZES[-1])
    return SIZES[-1], [*lines[: room - 1], lines[room - 1][:-2] + "…"]


def _split_words(title: str) -> list[str]:
    """Return the words of a title. French sets a space before some marks; those never begin a line."""
    marked = re.sub(r"\s+(?=[:;!?»](\s|$))", "\u00a0", UNPRINTABLE.sub("", title[:SHOWN]))
    return re.findall(r"\S+(?:\u00a0\S+)*", marked)


def _arrange_rows(size: int) -> int:
    """Return how many lines of this size the title has room for."""
    return int(TITLE_HEIGHT / (size * LEADING))


def measure_width(line: str) -> float:
    """Return how wide a line is in ems, on the broad side."""
    return sum(_advance(letter) for letter in line)


def _advance(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0
    if letter in NARROW:
        return 0.36
    if letter in BROAD or unicodedata.east_asian_width(letter) in "WF":
        return 1.0
    return 0.74 if letter.isupper() else 0.6


def _wrap(words: Sequence[str], measure: float) -> list[str]:
    """Return the words set in lines of at most `measure` ems, a longer word on a line of its own."""
    lines: list[str] = []
    for word in words:
        if lines and measure_width(f"{lines[-1]} {word}") <= measure:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _split_pieces(word: str, measure: float) -> list[str]:
    """Return a word cut into pieces of at most `measure` ems."""
    pieces = [""]
    for letter in word:
        if measure_width(pieces[-1] + letter) > measure:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def _write_lettering(title: str, genres: Sequence[str], palette: Palette) -> str:
    """Return the title above its genres. The length of each line is set, so that no font makes it longer."""
    size, lines = typeset(title)
    first = TITLE_BOTTOM - (len(lines) - 1) * size * LEADING
    spans = "".join(
        f'<text x="{MARGIN}" y="{first + row * size * LEADING:.0f}" '
        f'textLength="{measure_width(line) * size:.0f}" lengthAdjust="spacingAndGlyphs">{escape(line)}</text>'
        for row, line in enumerate(lines)
    )
    names = escape(UNPRINTABLE.sub("", " · ".join(genres[:3])).upper()[:48])
    return (
        f"<g fill=\"{palette.ink}\" font-family=\"Futura,'Avenir Next','Helvetica Neue',Arial,sans-serif\">"
        f'<g font-size="{size}" font-weight="700">{spans}</g>'
        f'<text x="{MARGIN}" y="578" font-size="12" letter-spacing="2">{names}</text></g>'
    )
