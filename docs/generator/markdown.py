# ruff: noqa: INP001 - part of a script, see __main__.py
"""Markdown parts that all generated pages share."""

from collections.abc import Iterable, Sequence
from typing import Final

NOTE: Final = "<!-- Written by docs/generator: run `make docs` instead of editing it. -->\n"


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines) + "\n"
