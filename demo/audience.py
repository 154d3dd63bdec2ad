"""The users of the demo: their ratings, and the seats that they have bought. Nobody can sign in as one of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from demo.content import Film

# Well formed, so that signing in fails as for any wrong password; no password with this hash is known.
UNUSABLE_HASH: Final = "$argon2id$v=19$m=7168,t=5,p=1$" + "A" * 22 + "$" + "A" * 43
UNRATED: Final = 12
PARTIES: Final = (1, 1, 2, 2, 2, 2, 3, 4, 4, 5)
HOLD: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Opinion:
    """The rating, 0 to 5 by halves, of the film at position `film` by the spectator at position `spectator`."""

    spectator: int
    film: int
    value: float
    given_at: datetime


@dataclass(frozen=True, slots=True)
class Sale:
    """A confirmed booking by the spectator at position `spectator`, with the instants of its steps."""

    spectator: int
    seats: int
    opened_at: datetime
    reserved_at: datetime
    confirmed_at: datetime


def make_emails(number: int) -> Iterator[str]:
    """Yield addresses that cannot exist (RFC 2606, section 2)."""
    return (f"spectator-{place:05d}@demo.invalid" for place in range(1, number + 1))


def make_opinions(films: Sequence[Film], spectators: int, *, now: datetime, dice: Random) -> Iterator[Opinion]:
    """Yield the ratings of the last two months, more for good films; a dozen of 226 films have none."""
    unrated = set(dice.sample(range(len(films)), UNRATED * len(films) // 226))
    for place, film in enumerate(films):
        if place in unrated:
            continue
        crowd = round(dice.triangular(4, 110, max(5.0, 55 * (film.level - 2.9))))
        for spectator in dice.sample(range(spectators), min(crowd, spectators)):
            value = min(5.0, max(0.0, round(2 * dice.gauss(film.level, 0.7)) / 2))
            yield Opinion(spectator, place, value, now - timedelta(days=dice.uniform(0, 60)))


def choose_sold_seats(capacity: int, *, dice: Random) -> int:
    """Return how many seats of a session are sold: of a hundred, one all, two all but a few, six some."""
    lot = dice.random()
    if lot < 0.012:
        return capacity
    if lot < 0.03:
        return capacity - dice.randint(1, 4)
    return round(capacity * dice.uniform(0.1, 0.6)) if lot < 0.09 else 0


def make_sales(seats: int, spectators: int, *, starts_at: datetime, now: datetime, dice: Random) -> Iterator[Sale]:
    """Yield bookings that add up to `seats`, each confirmed within its hold, before now and the start."""
    while seats:
        party = min(dice.choice(PARTIES), seats)
        seats -= party
        opened = min(now, starts_at) - timedelta(seconds=dice.randint(600, 400_000))
        reserved = opened + timedelta(seconds=dice.randint(2, 20))
        confirmed = reserved + timedelta(seconds=dice.randint(2, 35))
        yield Sale(dice.randrange(spectators), party, opened, reserved, confirmed)
