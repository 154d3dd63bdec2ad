from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from random import Random

import pytest

from demo.content import list_films
from demo.schedule import LONG_MINUTES, PARIS, Showing, schedule

FILMS = list_films()
ROOMS = 30
# An ordinary day, and the eves of both changes of the clock.
DAYS = [date(2026, 1, 14), date(2026, 3, 27), date(2026, 10, 23)]


def programme(today: date, seed: int = 1) -> list[Showing]:
    dice = Random(seed)  # noqa: S311
    return schedule(FILMS, ROOMS, today=today, dice=dice)


@pytest.mark.parametrize("today", DAYS)
def test_no_room_shows_two_films_at_once(today: date) -> None:
    rooms = defaultdict(list)
    for showing in programme(today):
        rooms[showing.room].append(showing)
    assert len(rooms) == ROOMS
    for showings in rooms.values():
        assert showings == sorted(showings, key=lambda showing: showing.starts_at)
        for one, after in pairwise(showings):
            between = after.starts_at.astimezone(UTC) - one.starts_at.astimezone(UTC)
            assert between >= timedelta(minutes=FILMS[one.film].minutes + 15)


@pytest.mark.parametrize("today", DAYS)
def test_every_room_has_four_to_six_sessions_a_day_on_quarter_hours(today: date) -> None:
    showings = programme(today)
    days = Counter((showing.room, showing.starts_at.date()) for showing in showings)
    assert len(days) == ROOMS * 18
    assert set(days.values()) == {4, 5, 6}
    for showing in showings:
        assert showing.starts_at.tzinfo is PARIS
        assert time(10) <= showing.starts_at.time() <= time(22, 30)
        assert showing.starts_at.minute % 15 == 0


def test_sessions_are_within_two_weeks_and_a_few_past_days() -> None:
    today = DAYS[0]
    starts = [showing.starts_at for showing in programme(today)]
    midnight = datetime.combine(today, time(), PARIS)
    assert max(starts) < midnight + timedelta(days=14)
    assert midnight - timedelta(days=4) <= min(starts) < midnight - timedelta(days=3)


@pytest.mark.parametrize("seed", range(5))
def test_all_films_but_a_dozen_have_sessions(seed: int) -> None:
    shown = {showing.film for showing in programme(DAYS[0], seed)}
    assert len(shown) == len(FILMS) - 12


def test_some_films_end_soon_and_some_begin_later() -> None:
    today = DAYS[0]
    days = defaultdict(set)
    for showing in programme(today):
        days[showing.film].add((showing.starts_at.date() - today).days)
    assert sum(max(run) <= 3 for run in days.values()) >= 5
    assert sum(min(run) >= 3 for run in days.values()) >= 5
    assert not [run for run in days.values() if max(run) < 0]


def test_many_films_are_in_five_places_or_more() -> None:
    places = defaultdict(set)
    for showing in programme(DAYS[0]):
        places[showing.film].add(showing.room)
    assert sum(len(rooms) >= 5 for rooms in places.values()) >= 20


def test_room_shows_at_most_one_long_film_each_day() -> None:
    long = Counter(
        (showing.room, showing.starts_at.date())
        for showing in programme(DAYS[0])
        if FILMS[showing.film].minutes > LONG_MINUTES
    )
    assert set(long.values()) == {1}


def test_schedule_is_equal_for_equal_day_and_seed() -> None:
    assert programme(DAYS[0]) == programme(DAYS[0])
    assert programme(DAYS[0]) != programme(DAYS[0], seed=2)
