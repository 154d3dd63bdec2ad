"""Scalars take what their description says, not what Python's parsers take."""

from decimal import Decimal

import pytest

from errors import InvalidInput
from schema.scalars import parse_decimal


@pytest.mark.parametrize(
    ("value", "number"),
    [("24.50", "24.50"), ("0", "0"), ("-1", "-1"), (7, "7"), (1.5, "1.5"), ("1e3", "1E+3"), (1e-7, "1E-7")],
)
def test_reads_decimal_numbers(value: object, number: str) -> None:
    assert parse_decimal(value) == Decimal(number)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " 1",
        "1 ",
        "1_000",
        "١٢",
        "+1",
        ".5",
        "1.",
        "0x1",
        "NaN",
        "Infinity",
        "1e999",
        "9" * 5000,
        True,
        None,
        [],
        "1\n",
    ],
)
def test_refuses_other_spellings_of_decimal(value: object) -> None:
    with pytest.raises(InvalidInput):
        parse_decimal(value)
