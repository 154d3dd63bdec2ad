"""Whatever a provider writes is read for what it is worth, and one bad entry costs nobody but itself."""

from decimal import Decimal
from typing import Any

import orjson
import pytest

from upstreams.price_shapes import read_detail, read_list, read_new_id, read_price
from upstreams.resilience import Answer


def answer(body: object, status: int = 200) -> Answer:
    return Answer(status, body if isinstance(body, bytes) else orjson.dumps(body))


@pytest.mark.parametrize(
    "body",
    [
        [{"id": "fw1", "title": "Alien", "year": "1979", "price": 12.5}],
        {"Movies": [{"ID": "fw1", "Title": "Alien", "Year": "1979", "Price": "12.5"}]},
        {"movies": [{"Id": " fw1 ", "TITLE": " Alien ", "year": 1979, "price": "12.5"}]},
    ],
)
def test_every_shape_of_list_has_same_entries(body: object) -> None:
    found = read_list(answer(body))

    (entry,) = found.entries
    assert (entry.provider_movie_id, entry.title, entry.year, entry.price) == ("fw1", "Alien", "1979", Decimal("12.5"))
    assert found.unpriced == []
    assert found.skipped == 0


@pytest.mark.parametrize(
    "bad",
    [
        None, 7, "x", [], {}, {"id": "a"}, {"title": "b"}, {"id": None, "title": "b"}, {"id": "a", "title": ""},
        {"id": True, "title": "b"}, {"id": "a" * 201, "title": "b"}, {"id": "a", "title": "b" * 501},
        {"id": "a\0", "title": "b"}, {"id": {"x": 1}, "title": "b"}, {"id": "good", "title": "again"},
        {"id": "a", "title": "\u200b\u3164"}, {"id": "\u2800", "title": "b"},
    ],
)  # fmt: skip
def test_skips_and_counts_unreadable_entry(bad: object) -> None:
    found = read_list(answer([bad, {"id": "good", "title": "Good", "price": 1}] if bad != {"id": "good", "title": "again"}
                            else [{"id": "good", "title": "Good", "price": 1}, bad]))  # fmt: skip

    assert [entry.title for entry in found.entries] == ["Good"]
    assert found.skipped == 1


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b'{"Movies": 7}', b"7", b"null", b'[{"x": 1}]', b"[" * 100_000]
)
def test_refuses_answer_without_list(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the client tells it in its own words
        read_list(answer(body))


def test_accepts_empty_list() -> None:
    assert read_list(answer([])).entries == []


def test_refuses_status_4xx_as_list() -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        read_list(answer([], status=404))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (24.5, "24.5"), ("24.50", "24.50"), (" 7 ", "7"), (0, "0"), ("0.00", "0.00"), (Decimal("1E+2"), "100"),
        (Decimal("0.1000000000000000055"), "0.1000000000000000055"), (10**11, "100000000000"),
        (None, None), ("", None), ("N/A", None), ("free", None), ("-1", None), (-1, None), ("1,5", None), ("$5", None),
        ("1e3", None), ("NaN", None), ("Infinity", None), (True, None), ([1], None), ({}, None), ("٣", None),
        (10**13, None), (Decimal("1E+400"), None), (Decimal("1E-400"), None), ("9" * 400, None), (Decimal("NaN"), None),
    ],
)  # fmt: skip
def test_reads_price_that_is_plain_decimal_number(written: Any, meant: str | None) -> None:  # noqa: ANN401
    found = read_price(Decimal(str(written)) if isinstance(written, float) else written)

    assert (None if found is None else str(found)) == meant


def test_numbers_in_json_are_exact() -> None:
    found = read_list(
        Answer(
            200, b'[{"id": "a", "title": "A", "price": 24.500000000000000000}, {"id": "b", "title": "B", "price": 1e1}]'
        )
    )

    assert [str(entry.price) for entry in found.entries] == ["24.500000000000000000", "10"]


def test_missing_price_is_in_detail_and_unreadable_price_is_not() -> None:
    rows = [
        {"id": "a", "title": "A"},
        {"id": "b", "title": "B", "price": None},
        {"id": "c", "title": "C", "price": "?"},
    ]
    found = read_list(answer(rows))

    assert found.unpriced == ["a", "b"]
    assert [entry.priced for entry in found.entries] == [False, False, True]


@pytest.mark.parametrize(
    ("year", "meant"), [("2011–2019", "2011"), ("N/A", None), ("", None), (1977, "1977"), (77, None)]
)
def test_year_has_four_digits(year: object, meant: str | None) -> None:
    (entry,) = read_list(answer([{"id": "a", "title": "A", "year": year}])).entries
    assert entry.year == meant


@pytest.mark.parametrize(
    "poster", ["javascript:alert(1)", "/local.jpg", 7, None, "data:image/png;base64,xx", "https://[", "http:// x"]
)
def test_poster_is_web_address(poster: object) -> None:
    (entry,) = read_list(answer([{"id": "a", "title": "A", "poster": poster}])).entries
    assert entry.poster is None


def test_detail_has_price_or_none() -> None:
    assert read_detail(answer({"ID": "cw1", "Price": "29.5"})) == Decimal("29.5")
    assert read_detail(answer({"ID": "cw1"})) is None
    assert read_detail(answer({}, status=404)) is None
    with pytest.raises(ValueError):  # noqa: PT011
        read_detail(answer([]))


def test_new_id_is_text_or_number() -> None:
    assert read_new_id(answer({"id": 101}, status=201)) == "101"
    assert read_new_id(answer({"ID": "cw9"})) == "cw9"
    assert read_new_id(answer({"error": "no"}, status=400)) is None
    with pytest.raises(ValueError):  # noqa: PT011
        read_new_id(answer({}))
