"""Composes the whole demo in memory, without a database."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from demo.audience import Opinion, Sale, choose_sold_seats, make_opinions, make_sales
from demo.content import Cinema, Film, list_cinemas, list_films
from demo.schedule import PARIS, Showing, schedule

# The year of the first projection.
SEED: Final = 1895
SPECTATORS: Final = 400
# Accounts are older than ratings and bookings.
EARLIER: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Demo:
    """All rows of the demo, referring to one another by position.

    `joined_at` is when the spectators made their accounts; `sales` go with `showings`.
    """

    films: list[Film]
    cinemas: list[Cinema]
    spectators: int
    joined_at: datetime
    opinions: list[Opinion]
    showings: list[Showing]
    sales: list[list[Sale]]


def compose(scale: int, *, now: datetime) -> Demo:
    """Return `scale` times the demo around the instant `now`, the same each time for the same arguments."""
    # Not for secrets: the demo only has to be the same each time.
    dice = Random(SEED)  # noqa: S311
    spectators = SPECTATORS * scale
    films, houses = list_films(scale), list_cinemas(scale)
    showings = schedule(films, len(houses), today=now.astimezone(PARIS).date(), dice=dice)
    sold_seats = [choose_sold_seats(houses[showing.room].capacity, dice=dice) for showing in showings]
    return Demo(
        films=films,
        cinemas=houses,
        spectators=spectators,
        joined_at=now - EARLIER,
        opinions=list(make_opinions(films, spectators, now=now, dice=dice)),
        showings=showings,
        sales=[
            list(make_sales(seats, spectators, starts_at=showing.starts_at, now=now, dice=dice))
            for showing, seats in zip(showings, sold_seats, strict=True)
        ],
    )
