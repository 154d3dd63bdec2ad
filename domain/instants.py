"""Instants as the outside spells them, the same at every door."""

import re
from datetime import UTC, datetime, tzinfo
from typing import Final

# The profile of ISO 8601 in RFC 3339, with seconds and the colon of the offset left to the caller.
LOCAL: Final = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?"
OFFSET: Final = r"(Z|[+-]\d\d:?\d\d)"
INSTANT: Final = re.compile(LOCAL.replace("[T ]", "T") + OFFSET, re.ASCII | re.IGNORECASE)
INSTANT_OR_LOCAL: Final = re.compile(f"{LOCAL}{OFFSET}?", re.ASCII | re.IGNORECASE)
# A day less than a datetime can be at either end: an offset or a film's length would lead beyond.
EARLIEST: Final = datetime(1, 1, 2, tzinfo=UTC)
LATEST: Final = datetime(9999, 12, 30, tzinfo=UTC)


def read(text: str) -> datetime:
    """Return the instant that a text such as `2026-11-20T19:30:00+01:00` names; raise ValueError without an offset."""
    if not INSTANT.fullmatch(text):
        raise ValueError("not an ISO 8601 instant with an offset")
    return within_reach(datetime.fromisoformat(text.upper()))


def read_in(text: str, zone: tzinfo) -> datetime:
    """Return the instant that a text names, in `zone` where it has no offset; a space may stand for the T.

    Where clocks go back, the first of two. Raises ValueError on anything else.
    """
    if not INSTANT_OR_LOCAL.fullmatch(text):
        raise ValueError("not an ISO 8601 instant")
    named = datetime.fromisoformat(text.upper())
    return within_reach(named if named.tzinfo else named.replace(tzinfo=zone))


def within_reach(instant: datetime) -> datetime:
    """Return the instant; raise ValueError where it is outside the years 1 to 9999 of UTC."""
    if not EARLIEST <= instant <= LATEST:
        raise ValueError("not within the years 1 to 9999")
    return instant


def spell(instant: datetime) -> str:
    """Return an instant in UTC, such as `2026-11-20T18:30:00Z`, with microseconds where it has any."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
