"""How deep JSON is nested, which is checked at every door: what works its way through it should not have to be."""

from typing import Any


def is_deeper(raw: bytes, value: Any, limit: int) -> bool:  # noqa: ANN401 - JSON can be anything
    """Return whether the value of a text has more than `limit` lists and objects within each other."""
    if raw.count(b"[") + raw.count(b"{") <= limit:
        return False
    level = [value]
    for _ in range(limit + 1):
        level = [each for each in level if isinstance(each, list | dict)]
        if not level:
            return False
        level = [item for each in level for item in (each.values() if isinstance(each, dict) else each)]
    return True
