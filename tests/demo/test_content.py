import re
from collections import Counter

import pytest

from db.search import fold
from demo.content import GENRES, list_cinemas, list_films
from demo.poster_palettes import BY_GENRE


def test_has_two_hundred_films_of_all_decades() -> None:
    decades = Counter(film.year // 10 for film in list_films())
    assert len(list_films()) >= 200
    assert set(range(192, 203)) <= set(decades)


@pytest.mark.parametrize("scale", [1, 35])
def test_titles_and_names_of_cinemas_are_unique(scale: int) -> None:
    titles = [film.title.casefold() for film in list_films(scale)]
    names = [cinema.name.casefold() for cinema in list_cinemas(scale)]
    assert len(set(titles)) == len(titles) == scale * len(list_films())
    assert len(set(names)) == len(names) == scale * len(list_cinemas())


def test_names_of_cinemas_have_one_order_whether_or_not_accents_and_case_count() -> None:
    names = [cinema.name for cinema in list_cinemas()]
    assert sorted(names) == sorted(names, key=str.casefold) == sorted(names, key=fold)


def test_larger_scales_begin_with_the_same_films_and_cinemas() -> None:
    assert list_films(3)[: len(list_films())] == list_films()
    assert list_cinemas(3)[: len(list_cinemas())] == list_cinemas()


def test_films_have_descriptions_and_known_genres() -> None:
    for film in list_films(12):
        assert 1 <= len(film.genres) <= 3, film
        assert len(set(film.genres)) == len(film.genres), film
        assert set(film.genres) <= GENRES, film
        assert 40 <= len(film.description) <= 200, film
        assert film.description[-1] in ".?!", film
        assert film.title.strip() == film.title, film


def test_films_last_from_15_minutes_to_four_hours() -> None:
    assert all(14 <= film.minutes <= 245 for film in list_films(12))
    assert all(1 <= film.level <= 5 for film in list_films(12))


def test_every_genre_is_used_and_has_palette() -> None:
    assert {genre for film in list_films() for genre in film.genres} == GENRES
    assert set(BY_GENRE) == GENRES


def test_titles_have_their_accents() -> None:
    titles = {film.title for film in list_films()}
    assert {"Le Fabuleux Destin d'Amélie Poulain", "À bout de souffle", "Rashōmon"} <= titles


def test_cinemas_are_in_french_towns_and_one_is_small() -> None:
    found = list_cinemas()
    assert len(found) == 30
    assert all(re.fullmatch(r"\d+ .+, \d{5} [A-ZÀ-Ý].+", cinema.address) for cinema in found)
    assert len({cinema.address.rsplit(" ", 1)[-1] for cinema in found}) >= 15
    assert min(cinema.capacity for cinema in found) == 37
    assert all(37 <= cinema.capacity <= 420 for cinema in list_cinemas(12))
