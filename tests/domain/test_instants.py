"""One spelling of instants at every door."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from domain.instants import NotThereError, check_range, read, read_local, spell
from errors import InvalidDate

EVENING = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "spelled"),
    [
        (EVENING, "2026-11-20T18:30:00Z"),
        (EVENING.astimezone(timezone(timedelta(hours=-5))), "2026-11-20T18:30:00Z"),
        (EVENING.replace(microsecond=120), "2026-11-20T18:30:00.000120Z"),
    ],
)
def test_instants_are_written_in_utc(instant: datetime, spelled: str) -> None:
    assert spell(instant) == spelled
    assert read(spelled) == instant


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T19:30:00+01:00",
        "2026-11-20T19:30+0100",
        "2026-11-20t18:30:00z",
        "2026-11-20T18:30:00.000Z",
        "2026-11-20T18:30:00.000000000Z",
        "2026-11-20T13:30:00-05:00",
    ],
)
def test_reads_instant_with_any_offset(text: str) -> None:
    assert read(text) == EVENING


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-20",
        "2026-11-20T18:30:00",
        "2026-11-20 18:30:00Z",
        "20261120T183000Z",
        "2026-02-30T18:30:00Z",
        "2026-11-20T24:30:00Z",
        "2026-11-20T18:30:60Z",
        "2026-11-20T18:30:00+24:00",
        "2026-11-20T18:30:00Z\n",
        "٢٠٢٦-11-20T18:30:00Z",
        "1763663400",
    ],
)
def test_refuses_text_that_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError, match=r"offset"):
        read(text)


@pytest.mark.parametrize("read_text", [read, read_local])
@pytest.mark.parametrize(
    ("text", "is_misspelled"),
    [
        ("2026-02-30T18:30:00Z", False),
        ("0000-02-03T18:30:00Z", False),
        ("2026-11-20T25:30:00Z", False),
        ("2026-11-20T18:30:00+24:00", False),
        ("2026-02-30", True),
        ("2026-02-30T18:30:00Z\0", True),
    ],
)
def test_distinguishes_wrong_spelling_from_instant_that_does_not_exist(
    read_text: Callable[[str], datetime], text: str, *, is_misspelled: bool
) -> None:
    with pytest.raises(ValueError, match=r"ISO 8601|does not exist") as refused:
        read_text(text)
    assert isinstance(refused.value, NotThereError) is not is_misspelled


@pytest.mark.parametrize("bounds", [(None, None), (EVENING, None), (None, EVENING), (EVENING, EVENING)])
def test_accepts_range_that_ends_at_its_beginning_or_later(bounds: tuple[datetime | None, datetime | None]) -> None:
    check_range(*bounds)


def test_refuses_range_that_ends_before_its_beginning() -> None:
    with pytest.raises(InvalidDate) as refused:
        check_range(EVENING, EVENING - timedelta(microseconds=1))
    assert (refused.value.path, str(refused.value)) == (("from",), "`from` must not be after `to`.")
