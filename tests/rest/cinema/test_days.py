"""Dates mean their whole days, also where clocks change."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from rest.cinema.days import read_bound, resolve_bounds

PARIS = ZoneInfo("Europe/Paris")
# There are two midnights there that day: clocks go from 1:00 back to 0:00.
AZORES = ZoneInfo("Atlantic/Azores")
# There was no midnight there in November 2018, when clocks went from 0:00 to 1:00; in February there were two 23:00.
SAO_PAULO = ZoneInfo("America/Sao_Paulo")


@pytest.mark.parametrize(
    ("zone", "day", "first", "hours"),
    [
        (PARIS, date(2026, 7, 14), datetime(2026, 7, 13, 22, tzinfo=UTC), 24),
        (PARIS, date(2026, 3, 29), datetime(2026, 3, 28, 23, tzinfo=UTC), 23),
        (PARIS, date(2026, 10, 25), datetime(2026, 10, 24, 22, tzinfo=UTC), 25),
        (SAO_PAULO, date(2018, 11, 4), datetime(2018, 11, 4, 3, tzinfo=UTC), 23),
        (SAO_PAULO, date(2018, 2, 17), datetime(2018, 2, 17, 2, tzinfo=UTC), 25),
        (AZORES, date(2026, 10, 25), datetime(2026, 10, 25, 0, tzinfo=UTC), 25),
    ],
)
def test_days_have_their_local_length(zone: ZoneInfo, day: date, first: datetime, hours: int) -> None:
    begin, end = resolve_bounds(day, day, zone=zone)

    assert begin is not None
    assert end is not None
    # Python calls two times of different zones unequal where clocks change, so both are taken to UTC.
    assert begin.astimezone(UTC) == first
    assert (end.astimezone(UTC) - first).total_seconds() == pytest.approx(hours * 3600, abs=0.001)


def test_missing_bounds_are_open() -> None:
    assert resolve_bounds(None, None, zone=PARIS) == (None, None)


def test_reads_space_in_offset_as_plus_sign() -> None:
    assert read_bound("2026-07-14T10:00:00 02:00") == datetime(2026, 7, 14, 8, tzinfo=UTC)


def test_distinguishes_dates_from_instants() -> None:
    assert read_bound("2026-07-14") == date(2026, 7, 14)
    assert read_bound("2026-07-14T00:00:00Z") == datetime(2026, 7, 14, tzinfo=UTC)
