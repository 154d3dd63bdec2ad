"""The box office of the demo: events of the next three months, some of them sold out, and shows at the counter."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Final

from demo.audience import PARTIES
from demo.schedule import PARIS

# Not the cinema's seed: more events must not change its schedule.
SEED: Final = 1946
SEASON_DAYS: Final = 91
SHOWS: Final = 6
SHOW_TIME: Final = time(18, 30)
SHOW_TICKETS: Final = 20
BUYERS: Final = ("Alice", "Auguste", "Charles", "Denise", "Émile", "Germaine", "Jeanne", "Lou", "Marius", "Simone")


@dataclass(frozen=True, slots=True)
class SoldTickets:
    """Tickets of an event that the spectator at position `spectator` has reserved."""

    spectator: int
    tickets: int
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Occasion:
    """An event, announced before its reservations were made."""

    name: str
    description: str
    date: datetime
    capacity: int
    announced_at: datetime
    held: Sequence[SoldTickets]

    @property
    def taken(self) -> int:
        """How many tickets are reserved."""
        return sum(each.tickets for each in self.held)


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who bought how many tickets at the counter; the number is one that France keeps for fiction (ARCEP)."""

    name: str
    phone_number: str
    tickets: int


@dataclass(frozen=True, slots=True)
class CounterShow:
    """A show at the counter and who bought tickets for it."""

    show_timing: datetime
    buyers: Sequence[Buyer]


@dataclass(frozen=True, slots=True)
class BoxOffice:
    """The events and shows of the demo."""

    occasions: list[Occasion]
    shows: list[CounterShow]


def make_box_office(scale: int, *, spectators: int, now: datetime) -> BoxOffice:
    """Return `scale` seasons of events after the instant `now`, and six shows; the same each time for the same arguments."""
    # Not for secrets, as everywhere in the demo.
    dice = Random(SEED)  # noqa: S311
    today = now.astimezone(PARIS).date()
    occasions = [each for season in range(scale) for each in _make_season(season, spectators, now=now, dice=dice)]
    # One of the shows is sold out, and one has sold nothing.
    sold = [SHOW_TICKETS, 0, *(dice.randint(4, 16) for _ in range(SHOWS - 2))]
    return BoxOffice(
        occasions, [_make_show(today + timedelta(days=day), number, dice) for day, number in enumerate(sold, 1)]
    )


def _make_season(season: int, spectators: int, *, now: datetime, dice: Random) -> Iterator[Occasion]:
    rows = json.loads(Path(__file__).with_name("events.json").read_text("utf-8"))
    announced = now - timedelta(days=30)
    for row in rows:
        day = now.astimezone(PARIS).date() + timedelta(days=row["days"] + season * SEASON_DAYS)
        yield Occasion(
            name=f"{row['name']} ({season + 1})" if season else row["name"],
            description=row["description"],
            date=datetime.combine(day, time(row["hour"]), PARIS),
            capacity=row["capacity"],
            announced_at=announced,
            held=sorted(
                _sell_tickets(round(row["capacity"] * row["sold"]), spectators, now=now, dice=dice),
                key=lambda held: held.made_at,
            ),
        )


def _sell_tickets(tickets: int, spectators: int, *, now: datetime, dice: Random) -> Iterator[SoldTickets]:
    while tickets:
        party = min(dice.choice(PARTIES), tickets)
        tickets -= party
        yield SoldTickets(dice.randrange(spectators), party, now - timedelta(hours=dice.uniform(1, 29 * 24)))


def _make_show(day: date, tickets: int, dice: Random) -> CounterShow:
    buyers: list[Buyer] = []
    while tickets:
        party = min(dice.choice(PARTIES), tickets)
        tickets -= party
        number = f"+33 1 99 00 {dice.randrange(100):02} {dice.randrange(100):02}"
        buyers.append(Buyer(dice.choice(BUYERS), number, party))
    return CounterShow(datetime.combine(day, SHOW_TIME, PARIS), buyers)
