"""Makes the programme of every cinema: a pure function of the films, the rooms and the day."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from demo.content import Film

PARIS: Final = ZoneInfo("Europe/Paris")
# Days relative to today: what has begun before, and two weeks ahead.
FIRST_DAY: Final = -4
LAST_DAY: Final = 13
QUARTER: Final = 15
OPENING: Final = time(10)
# From the opening to the latest start, 22:30.
DAY_MINUTES: Final = 750
# A room shows at most one film a day that is longer, so that four always fit.
LONG_MINUTES: Final = 150
# Films of one room: from the pile, and of those that are in many rooms.
HAND: Final = 13
HITS: Final = 8
SHELVED: Final = 12


@dataclass(frozen=True, slots=True)
class Showing:
    """One session: positions of film and room in what was given, and an aware start."""

    film: int
    room: int
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """The days, relative to today and both included, on which a film is shown anywhere."""

    film: Film
    first: int
    last: int


def schedule(films: Sequence[Film], rooms: int, *, today: date, dice: Random) -> list[Showing]:
    """Return the sessions of `rooms` cinemas from four days ago to two weeks ahead, room by room.

    Each room has 4 to 6 a day, starting on quarter hours from 10:00 to 22:30 in Paris, a quarter
    of an hour or more from one film's end to the next. A dozen of every 226 films is not shown.
    """
    runs = [_run(film, dice) for film in films]
    shelved = set(dice.sample(range(len(films)), SHELVED * len(films) // 226))
    on_screen = [film for film in range(len(films)) if film not in shelved]
    return [
        Showing(film, room, starts_at)
        for room, hand in enumerate(_deal(runs, on_screen, rooms, dice))
        for film, starts_at in _make_programme(runs, hand, today, dice)
    ]


def _run(film: Film, dice: Random) -> Run:
    """Return a film's run: a few last throughout, some are about to end, some have yet to begin."""
    if dice.random() < (0.75 if film.level >= 4.2 else 0.2):
        return Run(film, FIRST_DAY, LAST_DAY)
    first = dice.randint(FIRST_DAY, 8)
    return Run(film, first, min(LAST_DAY, max(2, first + dice.randint(6, 11))))


def _deal(runs: Sequence[Run], on_screen: Sequence[int], rooms: int, dice: Random) -> Iterator[list[int]]:
    """Yield the films of each room: some from one pile, so that all are shown, and some hits."""
    throughout = [film for film in on_screen if runs[film].last - runs[film].first > 15]
    throughout.sort(key=lambda film: -runs[film].film.level)
    hits = throughout[: max(HITS, len(throughout) // 2)]
    pile: list[int] = []
    for _ in range(rooms):
        if len(pile) < HAND:
            pile = dice.sample(on_screen, len(on_screen)) + pile
        hand = [pile.pop() for _ in range(min(HAND, len(pile)))]
        yield sorted({*hand, *dice.sample(hits, min(HITS, len(hits)))})


def _make_programme(
    runs: Sequence[Run], hand: Sequence[int], today: date, dice: Random
) -> Iterator[tuple[int, datetime]]:
    """Yield what one room shows: each day the films of its hand that were shown least so far."""
    times = dict.fromkeys(hand, 0)
    for day in range(FIRST_DAY, LAST_DAY + 1):
        running = [film for film in hand if runs[film].first <= day <= runs[film].last]
        # First those that leave today, so that a run does not end before its end.
        leaving = {film for film in running if runs[film].last == day < LAST_DAY}
        running.sort(key=lambda film: (film not in leaving, times[film], dice.random()))
        picked = _pick(runs, running, dice.choice((4, 5, 5, 6, 6)))
        picked.sort(key=lambda film: _choose_hour(runs[film].film) + dice.random())
        for film, starts_at in _lay_out(runs, picked, today + timedelta(days=day), dice):
            times[film] += 1
            yield film, starts_at


def _pick(runs: Sequence[Run], running: Sequence[int], number: int) -> list[int]:
    """Return the first films that fit into a day in whatever order, with too few of them again."""
    picked: list[int] = []
    for film in [*running, *running, *running, *running]:
        day = [runs[other].film for other in [*picked, film]]
        slots = [_make_slot(other) for other in day]
        long = sum(other.minutes > LONG_MINUTES for other in day)
        if long < 2 and sum(slots) - min(slots) <= DAY_MINUTES:
            picked.append(film)
        if len(picked) == number:
            break
    return picked


def _lay_out(runs: Sequence[Run], picked: Sequence[int], day: date, dice: Random) -> Iterator[tuple[int, datetime]]:
    """Yield films and starts: so late that the last begins in the evening, at 22:30 the latest."""
    before_last = sum(_make_slot(runs[film].film) for film in picked[:-1])
    evening = dice.randrange(DAY_MINUTES - 150, DAY_MINUTES + 1, QUARTER)
    minute = max(0, evening - before_last)
    opening = datetime.combine(day, OPENING, PARIS)
    for film in picked:
        yield film, opening + timedelta(minutes=minute)
        minute += _make_slot(runs[film].film)


def _make_slot(film: Film) -> int:
    """Return minutes from a film's start to the next one's: 15 to 29 after its end, on the quarter hour."""
    return -(-(film.minutes + QUARTER) // QUARTER) * QUARTER


def _choose_hour(film: Film) -> float:
    """Return how late in the day a film belongs: families come first, fright last."""
    if {"Family", "Animation"} & set(film.genres):
        return 0
    return 1.6 if {"Horror", "Thriller"} & set(film.genres) else 0.8
