"""The films and cinemas of the demo, and variations of them for more data."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

GENRES: Final = frozenset(
    {
        "Action",
        "Adventure",
        "Animation",
        "Comedy",
        "Crime",
        "Documentary",
        "Drama",
        "Family",
        "Fantasy",
        "History",
        "Horror",
        "Musical",
        "Mystery",
        "Romance",
        "Science Fiction",
        "Thriller",
        "War",
        "Western",
    }
)
# Suffixes that distinguish the copies of a film; after the last one they repeat with a number.
CUTS: Final = (
    "II",
    "(director's cut)",
    "III",
    "(restored)",
    "(version longue)",
    ": le retour",
    "(noir et blanc)",
    "IV",
    "(ciné-concert)",
    "(version d'origine)",
)
HOUSES: Final = ("Palace", "Rex", "Éden", "Lux", "Vox", "Rialto", "Odéon", "Majestic", "Étoile", "Royal")


@dataclass(frozen=True, slots=True)
class Film:
    """A film: running time in minutes, `level` the mean rating that it tends to, 0 to 5."""

    title: str
    year: int
    minutes: int
    genres: tuple[str, ...]
    level: float
    description: str


@dataclass(frozen=True, slots=True)
class Cinema:
    """A cinema with one room of `capacity` seats."""

    name: str
    address: str
    capacity: int


def list_films(scale: int = 1) -> list[Film]:
    """Return the films, oldest first, then `scale` - 1 variations of all of them; no title comes twice."""
    found = [Film(**{**row, "genres": tuple(row["genres"])}) for row in _read_rows("films.json")]
    return [_vary_film(film, copy) for copy in range(scale) for film in found]


def list_cinemas(scale: int = 1) -> list[Cinema]:
    """Return the cinemas, then `scale` - 1 variations of all of them; no name comes twice."""
    found = [Cinema(**row) for row in _read_rows("places.json")]
    return [_vary_cinema(cinema, copy) for copy in range(scale) for cinema in found]


def _read_rows(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(Path(__file__).with_name(name).read_text("utf-8"))
    return rows


def _vary_film(film: Film, copy: int) -> Film:
    """Return the film itself as copy 0, else another cut of it: a little longer, a little worse."""
    if copy == 0:
        return film
    return replace(
        film,
        title=f"{film.title} {_make_mark(CUTS, copy)}",
        minutes=film.minutes + copy % 7,
        level=max(1.5, film.level - 0.1 * (copy % 11)),
    )


def _vary_cinema(cinema: Cinema, copy: int) -> Cinema:
    """Return the cinema itself as copy 0, else another house of that name in the same street."""
    if copy == 0:
        return cinema
    address = re.sub(r"^\d+", lambda number: str(int(number[0]) + 2 * copy), cinema.address)
    capacity = 37 + (cinema.capacity + 53 * copy) % 384
    return Cinema(f"{cinema.name} {_make_mark(HOUSES, copy)}", address, capacity)


def _make_mark(marks: tuple[str, ...], copy: int) -> str:
    """Return the suffix of a copy."""
    turn, place = divmod(copy - 1, len(marks))
    return f"{marks[place]} {turn + 1}" if turn else marks[place]
