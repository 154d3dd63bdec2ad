"""Reads and writes instants as texts, in the same way for GraphQL and REST."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from typing import Final, TypeVar

from errors import InvalidDate

Day = TypeVar("Day", date, datetime)

# The profile of ISO 8601 in RFC 3339, with seconds and the colon of the offset left to the caller.
LOCAL: Final = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?"
OFFSET: Final = r"(Z|[+-]\d\d:?\d\d)"
DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
INSTANT: Final = re.compile(LOCAL.replace("[T ]", "T") + OFFSET, re.ASCII | re.IGNORECASE)
INSTANT_OR_LOCAL: Final = re.compile(f"{LOCAL}{OFFSET}?", re.ASCII | re.IGNORECASE)
# Of a text of the right shape: what is wrong with it is no matter of spelling.
NOT_THERE: Final = "names a date, a time of day or an offset that does not exist"
# One day less than the range of datetime at either end, because an offset moves an instant.
EARLIEST: Final = datetime(1, 1, 2, tzinfo=UTC)
LATEST: Final = datetime(9999, 12, 30, tzinfo=UTC)
STORABLE: Final = "must be from 0001-01-02 to 9999-12-30, in UTC"


class NotThereError(ValueError):
    """A text is spelled as an instant or a date is, but there is none such: the 30th of February."""


def read(text: str) -> datetime:
    """Return the instant that a text such as `2026-11-20T19:30:00+01:00` names.

    Raises ValueError on another spelling, such as one without an offset, and NotThereError where no such instant exists.
    """
    if not INSTANT.fullmatch(text):
        raise ValueError("not an ISO 8601 instant with an offset")
    return convert(datetime.fromisoformat, text.upper())


def read_date(text: str) -> date:
    """Return the date that a text such as `2026-11-20` names; raise ValueError on another, NotThereError for a 30th of February."""
    if not DATE.fullmatch(text):
        raise ValueError("not an ISO 8601 date")
    return convert(date.fromisoformat, text)


def read_local(text: str) -> datetime:
    """Return the instant that a text names, or a naive time where it has no offset; a space may stand for the T.

    Raises ValueError on another spelling, and NotThereError where no such time exists.
    """
    if not INSTANT_OR_LOCAL.fullmatch(text):
        raise ValueError("not an ISO 8601 instant")
    return convert(datetime.fromisoformat, text.upper())


def convert(read_text: Callable[[str], Day], text: str) -> Day:
    """Return what a text of the right spelling names; raise NotThereError where that does not exist."""
    try:
        return read_text(text)
    except ValueError:
        raise NotThereError(NOT_THERE) from None


def place_in_zone(named: datetime, zone: tzinfo) -> datetime:
    """Return the instant of a time from `read_local`; a naive time is in `zone`, the earlier instant where it is ambiguous."""
    return named if named.tzinfo else named.replace(tzinfo=zone)


def check_range(begin: datetime | None, end: datetime | None) -> None:
    """Raise InvalidDate where a range ends before it begins; None is an open end."""
    if begin and end and begin > end:
        raise InvalidDate(path=("from",), field="from", problem="must not be after `to`")


def can_be_stored(instant: datetime) -> bool:
    """Return whether Python can read the instant from the database again, in UTC and with a day to spare."""
    return EARLIEST <= instant <= LATEST


def spell(instant: datetime) -> str:
    """Return an instant in UTC, such as `2026-11-20T18:30:00Z`, with microseconds where it has any."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
