"""The colours of posters: one palette a genre, in a light and a dark hanging."""

from typing import Final, NamedTuple


class Palette(NamedTuple):
    """Four colours of a picture, the ground first, and the ink of the title upon that ground."""

    ground: str
    deep: str
    bright: str
    accent: str
    ink: str


BY_GENRE: Final = {
    "Action": Palette("#1b1b1e", "#373f51", "#d8dbe2", "#f4442e", "#f7f4ea"),
    "Adventure": Palette("#f2e3bc", "#3f6461", "#c19875", "#d1603d", "#2b3a39"),
    "Animation": Palette("#fff3d6", "#3d5a98", "#ffb627", "#e2544f", "#27335c"),
    "Comedy": Palette("#ffd23f", "#3a506b", "#fff6dc", "#ee4266", "#22304a"),
    "Crime": Palette("#16161d", "#3b2c35", "#a88b5d", "#c1292e", "#efe6d5"),
    "Documentary": Palette("#e8e4d9", "#4a5759", "#b0c4b1", "#b1543c", "#2c3536"),
    "Drama": Palette("#efe6dd", "#5b4a5e", "#c9a690", "#a23b3b", "#332a36"),
    "Family": Palette("#d7eff0", "#2a6f7f", "#f9c846", "#f2695c", "#17424d"),
    "Fantasy": Palette("#231942", "#5e548e", "#be95c4", "#f2c078", "#f3e9f7"),
    "History": Palette("#ead9b8", "#5c4632", "#b08d57", "#7a2e2e", "#3a2b1d"),
    "Horror": Palette("#120d11", "#3c1a26", "#77313c", "#d7263d", "#eadfd8"),
    "Musical": Palette("#fbe4e4", "#6a2e5f", "#f6a6a6", "#e4572e", "#45204a"),
    "Mystery": Palette("#14213d", "#2b4570", "#a9b8cf", "#e9c46a", "#eef1f7"),
    "Romance": Palette("#fde2dd", "#7d3c50", "#f4a698", "#c8334b", "#55233a"),
    "Science Fiction": Palette("#0b132b", "#1c4e6e", "#5bc0be", "#ff9f5a", "#e6f6f5"),
    "Thriller": Palette("#20242b", "#3f4c58", "#9fb1b5", "#f2b632", "#f1f1ea"),
    "War": Palette("#d9d3bd", "#474b36", "#8b8c66", "#a63d2f", "#2c2f22"),
    "Western": Palette("#f6d7a7", "#6b3e26", "#d99152", "#b23a1e", "#422413"),
}
OTHERWISE: Final = Palette("#e6e1d8", "#43505e", "#a7b5bf", "#c8553d", "#29323b")


def choose_palette(genre: str, *, turned: bool) -> Palette:
    """Return the palette of a genre, a neutral one for a genre unknown here; `turned` hangs it on its deep colour."""
    palette = BY_GENRE.get(genre, OTHERWISE)
    if not turned:
        return palette
    return Palette(
        palette.deep,
        palette.ground if is_dark(palette.ground) else palette.ink,
        palette.bright,
        palette.accent,
        palette.ink if is_dark(palette.ground) else palette.ground,
    )


def is_dark(colour: str) -> bool:
    """Return whether a #rrggbb colour wants light ink on it (relative luminance as in WCAG 2, without its gamma)."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 110
