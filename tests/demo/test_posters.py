import re
from collections.abc import Callable, Iterator
from random import Random
from xml.etree import ElementTree as ET

import pytest

from demo.content import list_films
from demo.poster_motifs import MOTIFS
from demo.poster_palettes import BY_GENRE, Palette, choose_palette
from demo.posters import MEASURE, draw_poster, measure_width, typeset

Motif = Callable[[Random, Palette], Iterator[str]]
SVG = "{http://www.w3.org/2000/svg}"
AWKWARD = [
    "",
    "A",
    "<b>Tom</b> & \"Jerry\" ]]> 'co' &amp;",
    "Le Seigneur des anneaux : La Communauté de l'anneau",
    "Jeanne Dielman, 23, quai du Commerce, 1080 Bruxelles",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    "WWWWWWWWWWWWWWWWWWWWWWWWWWWW MMMMMMMMMMMMMMMMMM",
    "千と千尋の神隠し" * 12,
    "a" * 5000,
    "so many words " * 400,
    "x" * 28 + " : ouverture !",
    " " * 5000 + "!",
    "control\x00\x0b\x1f\ufffe characters \U0001f3ac",
]


def parse(svg: str) -> ET.Element:
    # We made it ourselves a moment ago.
    return ET.fromstring(svg)  # noqa: S314


def titles_of(svg: str) -> list[ET.Element]:
    return [text for text in parse(svg).iter(f"{SVG}text") if text.get("textLength")]


@pytest.mark.parametrize("title", AWKWARD)
def test_any_title_makes_small_well_formed_svg(title: str) -> None:
    svg = draw_poster(title, ["Drama", "<Genre & co>"])
    assert parse(svg).get("viewBox") == "0 0 400 600"
    assert len(svg.encode()) < 6000


def test_every_film_has_poster_under_four_kilobytes() -> None:
    assert all(len(draw_poster(film.title, film.genres).encode()) < 4000 for film in list_films())


def test_poster_has_its_title_as_text() -> None:
    lines = titles_of(draw_poster("Tom & <Jerry>", ["Comedy"]))
    assert " ".join(line.text or "" for line in lines) == "Tom & <Jerry>"


@pytest.mark.parametrize("title", AWKWARD + [film.title for film in list_films()])
def test_titles_fit_into_poster(title: str) -> None:
    size, lines = typeset(title)
    assert all(measure_width(line) * size <= MEASURE for line in lines)
    for text in titles_of(draw_poster(title, ["Drama"])):
        left, length = int(text.get("x", "")), int(text.get("textLength", ""))
        assert left + length <= 400 - 28
        assert 415 + 12 < int(text.get("y", "")) <= 548


def test_titles_break_between_words_only() -> None:
    for film in list_films():
        _, lines = typeset(film.title)
        assert " ".join(lines).replace("\u00a0", " ") == film.title


def test_no_line_of_title_begins_with_colon() -> None:
    _, lines = typeset("Le Seigneur des anneaux : La Communauté de l'anneau")
    assert len(lines) > 1
    assert not [line for line in lines if line.startswith(":")]


def test_shortened_title_ends_with_ellipsis() -> None:
    _, lines = typeset("so many words " * 400)
    assert lines[-1].endswith("…")


def test_poster_is_equal_for_equal_titles_only() -> None:
    assert draw_poster("Brazil", ["Comedy"]) == draw_poster("Brazil", ["Comedy"])
    pictures = {re.sub(r"aria-label=.*?>|<text.*", "", draw_poster(film.title, film.genres)) for film in list_films()}
    assert len(pictures) > 0.95 * len(list_films())


def test_movie_without_genres_has_poster() -> None:
    assert "<svg" in draw_poster("Untitled", [])


def test_posters_have_at_least_six_motifs() -> None:
    assert len(set(MOTIFS)) >= 6


@pytest.mark.parametrize("motif", MOTIFS, ids=lambda motif: motif.__name__)
@pytest.mark.parametrize("turned", [False, True])
def test_motif_uses_its_palette_and_varies(motif: Motif, *, turned: bool) -> None:
    palette = choose_palette("Fantasy", turned=turned)
    pictures = {"".join(motif(Random(seed), palette)) for seed in range(20)}  # noqa: S311
    assert len(pictures) == 20
    for picture in pictures:
        shapes = list(parse(f"<svg>{picture}</svg>"))
        assert len(shapes) >= 5
        assert {shape.get("fill") for shape in shapes} <= set(palette)
        assert len(picture) < 3400


@pytest.mark.parametrize("genre", [*BY_GENRE, "Unheard of"])
@pytest.mark.parametrize("turned", [False, True])
def test_titles_contrast_with_background(genre: str, *, turned: bool) -> None:
    palette = choose_palette(genre, turned=turned)
    light, dark = sorted(map(luminance, (palette.ink, palette.ground)), reverse=True)
    # WCAG 2, success criterion 1.4.3, for text of any size.
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def luminance(colour: str) -> float:
    """Return the relative luminance of a #rrggbb colour as WCAG 2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
