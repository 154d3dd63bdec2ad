"""Options of commands that are numbers. They are written as in environment variables: in ASCII digits alone.

Python, and so typer, would also read underscores, white space, signs and the digits of other alphabets.
"""

import re
from functools import partial
from typing import Any, Final

import typer

WHOLE: Final = re.compile(r"[0-9]{1,9}")
DECIMAL: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def whole_option(least: int, most: int, *, help: str) -> Any:  # noqa: A002, ANN401 - as typer has it
    """Return an option that is a whole number, both bounds included."""
    return typer.Option(parser=partial(parse_whole, least=least, most=most), metavar=f"{least}-{most}", help=help)


def decimal_option(least: int, most: int, *, help: str) -> Any:  # noqa: A002, ANN401 - as typer has it
    """Return an option that is a decimal number, both bounds included."""
    return typer.Option(parser=partial(parse_decimal, least=least, most=most), metavar=f"{least}-{most}", help=help)


def parse_whole(value: object, *, least: int, most: int) -> int:
    """Return the number in a text; raise BadParameter unless it is a whole number within the bounds."""
    text = str(value)
    if not WHOLE.fullmatch(text) or not least <= int(text) <= most:
        raise typer.BadParameter(f"must be a whole number from {least} to {most}, not {text!r}")
    return int(text)


def parse_decimal(value: object, *, least: int, most: int) -> float:
    """Return the number in a text; raise BadParameter unless it is a decimal number within the bounds."""
    text = str(value)
    if not DECIMAL.fullmatch(text) or not least <= float(text) <= most:
        raise typer.BadParameter(f"must be a number from {least} to {most}, not {text!r}")
    return float(text)
