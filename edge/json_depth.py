"""Limit on JSON nesting depth, checked before a body is parsed further."""

from typing import Any


def is_deeper(value: Any, limit: int) -> bool:  # noqa: ANN401 - JSON can be anything
    """Return whether a value has more than `limit` lists and objects within each other."""
    level = [value]
    for _ in range(limit + 1):
        level = [each for each in level if isinstance(each, list | dict)]
        if not level:
            return False
        level = [item for each in level for item in (each.values() if isinstance(each, dict) else each)]
    return True
