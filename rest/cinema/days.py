"""The bounds of a list of sessions: a date means its whole day where the cinemas are, an instant means itself."""

import re
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from domain import instants

Day = date | datetime

# In an address a plus sign means a space, and hardly anybody escapes it.
LOST_PLUS: Final = re.compile(r" (?=\d\d:?\d\d$)", re.ASCII)


def read_bound(value: object) -> object:
    """Return the date or instant that a parameter spells, anything but text as it is; raise ValueError otherwise."""
    if not isinstance(value, str):
        return value
    if instants.DATE.fullmatch(value):
        return instants.read_date(value)
    return instants.read(LOST_PLUS.sub("+", value))


def resolve_bounds(first: Day | None, last: Day | None, *, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """Return the first and the last instant, both included; raise InvalidDate where the first is after the last."""
    begin, end = resolve_start(first, zone), resolve_end(last, zone)
    instants.check_range(begin, end)
    return begin, end


def resolve_start(day: Day | None, zone: ZoneInfo) -> datetime | None:
    """Return the instant itself, or the first one of the date."""
    return day if day is None or isinstance(day, datetime) else datetime.combine(day, time.min, zone)


def resolve_end(day: Day | None, zone: ZoneInfo) -> datetime | None:
    """Return the instant itself, or the last one of the date: where clocks go back at midnight, the second of two."""
    return day if day is None or isinstance(day, datetime) else datetime.combine(day, time.max, zone).replace(fold=1)
