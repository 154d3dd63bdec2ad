import base64
import string
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from db.cursors import CursorCodec, compute_fingerprint, make_codec
from errors import InvalidCursor

SECRETS = (b"the first secret, which signs, is long", b"the second secret, which verifies only")
CODEC = make_codec(SECRETS)
MOVIES = compute_fingerprint("movies", {"sort": "rating"})
KEYS = st.lists(
    st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(), max_size=4
)
LETTERS = string.ascii_letters + string.digits + "-_"


def refused(cursor: str, *, by: CursorCodec = CODEC, listing: bytes = MOVIES) -> bool:
    try:
        by.decode(listing, cursor, field="after")
    except InvalidCursor:
        return True
    return False


@settings(deadline=None)
@given(KEYS)
def test_decoded_cursor_equals_encoded_key(key: list[object]) -> None:
    cursor = CODEC.encode(MOVIES, key)
    assert CODEC.decode(MOVIES, cursor, field="after") == key
    assert set(cursor) <= set(LETTERS)


def test_cursor_keeps_microseconds_of_instant() -> None:
    instant = datetime(2026, 11, 20, 18, 30, 0, 123456, tzinfo=UTC)
    (spelled,) = CODEC.decode(MOVIES, CODEC.encode(MOVIES, [instant]), field="after")
    assert datetime.fromisoformat(str(spelled)) == instant


@settings(deadline=None)
@given(st.text() | st.text(LETTERS) | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
@example("")
@example("=" * 4)
@example("A" * 100_000)
@example("\ud800")
@example("é" * 16)
def test_refuses_cursor_that_was_not_made_here(text: str) -> None:
    assert refused(text)


@settings(deadline=None)
@given(KEYS, st.data())
def test_refuses_cursor_with_one_changed_letter(key: list[object], data: st.DataObject) -> None:
    cursor = CODEC.encode(MOVIES, key)
    place = data.draw(st.integers(0, len(cursor) - 1))
    letter = data.draw(st.sampled_from(sorted(set(LETTERS) - {cursor[place]})))
    # The last letter's spare bits say nothing; any other change is one of the signed bytes.
    if place < len(cursor) - 1:
        assert refused(cursor[:place] + letter + cursor[place + 1 :])


@settings(deadline=None)
@given(KEYS, st.data())
def test_refuses_truncated_or_extended_cursor(key: list[object], data: st.DataObject) -> None:
    cursor = CODEC.encode(MOVIES, key)
    assert refused(cursor[: data.draw(st.integers(0, len(cursor) - 1))])
    assert refused(cursor + data.draw(st.text(LETTERS, min_size=2)))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("places", {"sort": "rating"}),
        ("movies", {"sort": "new"}),
        ("movies", {}),
        ("movies", {"sort": "rating", "genre": "Drama"}),
        ("movies", {"sort": "rating", "search": ""}),
        ("movies", {"sort": None}),
    ],
)
def test_refuses_cursor_of_other_list_sort_or_filter(name: str, values: Mapping[str, object]) -> None:
    assert refused(CODEC.encode(compute_fingerprint(name, values), [1]))


def test_fingerprint_ignores_missing_values_and_their_order() -> None:
    one = compute_fingerprint("sessions", {"movie_id": 1, "place_id": None, "starts_from": None})
    assert one == compute_fingerprint("sessions", {"starts_from": None, "movie_id": 1})


def test_fingerprint_is_equal_for_one_instant_in_every_offset() -> None:
    utc = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)
    paris = utc.astimezone(timezone(timedelta(hours=1)))
    assert compute_fingerprint("sessions", {"starts_from": utc}) == compute_fingerprint(
        "sessions", {"starts_from": paris}
    )


@pytest.mark.parametrize("year", [1, 9999])
@pytest.mark.parametrize("hours", [-14, 0, 14])
def test_fingerprint_accepts_every_instant(year: int, hours: int) -> None:
    first, last = (datetime(year, month, 28, tzinfo=timezone(timedelta(hours=hours))) for month in (1, 12))
    assert compute_fingerprint("sessions", {"starts_from": first}) != compute_fingerprint(
        "sessions", {"starts_from": last}
    )


def test_refusal_of_cursor_names_its_argument() -> None:
    with pytest.raises(InvalidCursor, match="`before` is not a cursor of this list") as refusal:
        CODEC.decode(MOVIES, "x", field="before")
    assert refusal.value.path == ("before",)


def test_first_key_signs_cursors_and_older_keys_verify() -> None:
    old, rotated, new = make_codec(SECRETS[1:]), make_codec(SECRETS), make_codec(SECRETS[:1])
    before = old.encode(MOVIES, [1])
    assert rotated.decode(MOVIES, before, field="after") == [1]
    assert not refused(rotated.encode(MOVIES, [1]), by=new)
    assert refused(rotated.encode(MOVIES, [1]), by=old)
    assert refused(before, by=new)


def test_keys_of_cursors_do_not_reveal_secrets() -> None:
    assert not any(secret in key for key in CODEC.keys for secret in SECRETS)
    assert len(set(CODEC.keys)) == len(SECRETS)
